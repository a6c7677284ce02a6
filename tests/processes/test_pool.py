"""Calls in other processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback

import pytest

from selvage.defer import CancelledError, gatherResults
from selvage.failure import Failure
from selvage.processes import NotSendable, PoolClosed, ProcessPool, WorkerDied, deferToProcess
from selvage.processes._messages import Message, pack
from selvage.tasks import deferLater

pytestmark = pytest.mark.slow


def double(number):
    return 2 * number


def whoami():
    return os.getpid()


def divide(numerator, denominator):
    return go_on(numerator, denominator)


def go_on(numerator, denominator):
    return numerator / denominator


def wait_for(path):
    """Say that we are here, then wait until somebody ends us."""
    with open(path, "w") as file:
        file.write(str(os.getpid()))
    signal.pause()


def end_this_process(code):
    os._exit(code)


def leave():
    raise SystemExit(3)


def a_generator():
    return (number for number in range(3))


class Unpicklable(Exception):
    def __init__(self, one, two):
        super().__init__(one, two)
        self.function = lambda: 0


def raise_unpicklable():
    raise Unpicklable("first", "second")


class Bomb:
    """Can be sent, and cannot be received."""

    def __reduce__(self):
        return int, ("no number",)


def bomb():
    return Bomb()


@pytest.fixture
def pool(reactor, run):
    """A pool of two, closed at the end of the test's coroutine by `closing`."""
    return ProcessPool(2, reactor)


@pytest.fixture
def closing(run, pool):
    def run_it(main):
        async def and_close():
            try:
                await main()
            finally:
                await pool.close()

        run(and_close, 60)

    return run_it


def test_results(pool, closing):
    async def main():
        results = await gatherResults([pool.call(double, number) for number in range(8)])
        assert results == [2 * number for number in range(8)]
        assert repr(pool) == "<ProcessPool open: 0 of 2 workers busy, 0 calls waiting>"

    closing(main)
    assert repr(pool) == "<ProcessPool closed: 0 of 2 workers busy, 0 calls waiting>"


def test_workers_are_used_again(pool, closing):
    async def main():
        numbers = {await pool.call(whoami) for _ in range(5)}
        assert len(numbers) == 1
        assert numbers != {os.getpid()}

    closing(main)


def test_a_failure_shows_the_frames_of_the_other_process(pool, closing):
    async def main():
        try:
            await pool.call(divide, 1, 0)
        except ZeroDivisionError as error:
            failure = Failure()
            text = "".join(traceback.format_exception(error))
        names = [frame[0] for frame in failure.frames]
        assert names[-3:] == ["main", "divide", "go_on"]
        assert "in go_on" in text
        assert "return numerator / denominator" in text
        report = failure.getTraceback()
        assert "return go_on(numerator, denominator)" in report
        assert "_worker" not in report

    closing(main)


def test_an_errback_gets_them_too(pool, closing):
    async def main():
        failures = []
        await pool.call(divide, 1, 0).addErrback(failures.append)
        assert [frame[0] for frame in failures[0].frames] == ["divide", "go_on"]
        assert failures[0].check(ZeroDivisionError)

    closing(main)


def test_cancelling_kills_and_the_pool_goes_on(pool, closing, reactor, tmp_path):
    async def main():
        path = tmp_path / "here"
        deferred = pool.call(wait_for, str(path))
        while not (path.exists() and path.read_text()):
            await deferLater(reactor, 0.01)
        pid = int(path.read_text())
        deferred.cancel()
        with pytest.raises(CancelledError):
            await deferred
        assert await pool.call(double, 4) == 8
        while len(pool._all) > 1:
            await deferLater(reactor, 0.01)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    closing(main)


def test_cancelling_a_call_that_waits(pool, closing, tmp_path):
    async def main():
        pool.limit = 1
        first = pool.call(double, 1)
        second = pool.call(wait_for, str(tmp_path / "never"))
        second.cancel()
        with pytest.raises(CancelledError):
            await second
        assert await first == 2
        assert not (tmp_path / "never").exists()

    closing(main)


def test_a_worker_that_dies_fails_its_own_call_only(pool, closing):
    async def main():
        calls = [
            pool.call(double, 1),
            pool.call(end_this_process, 7),
            pool.call(double, 3),
            pool.call(double, 4),
        ]
        with pytest.raises(WorkerDied, match="end_this_process.* died: .*exit code 7") as caught:
            await calls[1]
        assert caught.value.function is end_this_process
        assert caught.value.reason.exitCode == 7
        assert [await call for call in (calls[0], *calls[2:])] == [2, 6, 8]

    closing(main)


def test_system_exit_is_the_call_s_affair(pool, closing):
    async def main():
        first = await pool.call(whoami)
        with pytest.raises(SystemExit):
            await pool.call(leave)
        assert await pool.call(whoami) == first

    closing(main)


def test_what_cannot_be_pickled(pool, closing):
    async def main():
        with pytest.raises(NotSendable, match="cannot be sent to another process.* no lambdas"):
            pool.call(lambda: 0)
        with pytest.raises(NotSendable, match="generator"):
            await pool.call(a_generator)
        failures = []
        await pool.call(raise_unpicklable).addErrback(failures.append)
        # The exception stays there; its name, its words and where it was raised come over.
        assert failures[0].check(f"{__name__}.Unpicklable")
        assert "first" in failures[0].getErrorMessage()
        assert [frame[0] for frame in failures[0].frames] == ["raise_unpicklable"]
        with pytest.raises(ValueError, match="invalid literal"):
            await pool.call(bomb)
        assert await pool.call(double, 2) == 4

    closing(main)


def test_closing_ends_what_is_under_way_and_refuses_the_rest(pool, run, reactor, tmp_path):
    async def main():
        pool.limit = 1
        path = tmp_path / "here"
        under_way = pool.call(wait_for, str(path))
        waiting = pool.call(double, 1)
        while not path.exists():
            await deferLater(reactor, 0.01)
        closed = pool.close()
        with pytest.raises(PoolClosed, match="was closed before .*double"):
            await waiting
        with pytest.raises(WorkerDied):
            await under_way
        await closed
        await pool.close()
        with pytest.raises(PoolClosed, match="takes no more calls"):
            pool.call(double, 1)

    run(main, 60)


def test_the_reactor_s_end_is_the_pool_s(reactor, run):
    pool = ProcessPool(1, reactor)

    async def main():
        assert await pool.call(double, 1) == 2

    run(main, 60)
    assert pool.closed
    assert not pool._all


def test_no_process_to_be_had(reactor, run, monkeypatch):
    def refuse(*args, **kwargs):
        raise BlockingIOError("no more processes")

    async def main():
        pool = ProcessPool(1, reactor)
        monkeypatch.setattr(reactor, "spawnProcess", refuse)
        with pytest.raises(BlockingIOError):
            await pool.call(double, 1)
        await pool.close()

    run(main)


def test_a_pool_has_workers(reactor):
    with pytest.raises(ValueError, match="at least one worker, not 0"):
        ProcessPool(0, reactor)


def test_the_ambient_pool():
    import selvage

    async def main():
        return await deferToProcess(double, 21), await deferToProcess(double, 4)

    assert selvage.run(main) == (42, 8)
    assert selvage.run(main) == (42, 8)


def test_messages_come_in_any_pieces():
    message = Message()
    octets = pack({"a": 1}) + pack("second")[:5]
    found = [each for octet in octets for each in message.feed(bytes([octet]))]
    assert found == [{"a": 1}]
    assert message.feed(pack("second")[5:]) == ("second",)


PROGRAM_WITHOUT_A_GUARD = """
import os
import selvage
from selvage.processes import ProcessPool

async def main():
    pool = ProcessPool(1)
    try:
        print(await pool.call(os.getpid))
    finally:
        await pool.close()

selvage.run(main)
"""


def test_a_program_that_its_workers_run_again_starts_no_processes_without_end(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM_WITHOUT_A_GUARD)
    ended = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and ended.stdout == ""
    assert "if __name__ == '__main__':" in ended.stderr
    assert "WorkerDied" in ended.stderr.splitlines()[-1]
