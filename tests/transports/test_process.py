"""Child processes, on both loops and made both ways."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from selvage.errors import ProcessDone, ProcessExitedAlready, ProcessTerminated
from selvage.interfaces import IProcessTransport, IReactorProcess
from selvage.reactor import Reactor
from selvage.transports import process

from .children import SHELL, Child, open_descriptors, shell
from .helpers import turn

if os.name != "posix":
    pytest.skip("POSIX processes", allow_module_level=True)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may run children as somebody else")
needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")


@pytest.fixture(params=["spawn", "fork"])
def spawner(request: pytest.FixtureRequest, reactor: Reactor) -> Reactor:
    """A reactor that makes its children this way."""
    reactor._neverUseSpawn = request.param == "fork"
    return reactor


@pytest.fixture(autouse=True)
def nothing_left() -> Any:
    yield
    assert process.reapProcessHandlers == {}


class TestConversation:
    def test_output_and_status(self, spawner, run):
        async def main():
            child = shell(spawner, "echo out; echo err >&2; exit 3")
            assert verifyObject(IProcessTransport, child.transport)
            reason = await child.ended()
            assert (child.data[1], child.data[2]) == (b"out\n", b"err\n")
            assert isinstance(reason, ProcessTerminated)
            assert (reason.exitCode, reason.signal, os.WEXITSTATUS(reason.status)) == (3, None, 3)
            assert child.events.index("exited") < child.events.index("ended")
            assert child.events[-1] == "ended"

        run(main)
        assert IReactorProcess.providedBy(spawner)

    def test_success_is_process_done(self, spawner, run):
        async def main():
            reason = await shell(spawner, "exit 0").ended()
            assert isinstance(reason, ProcessDone)
            assert reason.exitCode == 0

        run(main)

    def test_input(self, spawner, run):
        async def main():
            child = shell(spawner, "cat")
            child.transport.write(b"one ")
            child.transport.writeSequence([b"two ", b"three"])
            child.transport.closeStdin()
            assert isinstance(await child.ended(), ProcessDone)
            assert child.data[1] == b"one two three"
            child.transport.write(b"into nowhere")

        run(main)

    def test_more_than_a_pipe_holds(self, reactor, run):
        async def main():
            text = b"x" * 1_000_000
            child = shell(reactor, "cat")
            child.transport.write(text)
            child.transport.closeStdin()
            await child.ended()
            assert child.data[1] == text

        run(main)

    def test_any_descriptors(self, spawner, run):
        async def main():
            script = "read word <&5; echo $word >&6; echo seven >&7"
            child = shell(spawner, script, childFDs={5: "w", 6: "r", 7: "r", 2: "r"})
            child.transport.writeToChild(5, b"five\n")
            assert isinstance(await child.ended(), ProcessDone), child.data
            assert child.data == {6: b"five\n", 7: b"seven\n"}
            with pytest.raises(KeyError):
                child.transport.writeToChild(6, b"")

        run(main)

    def test_descriptors_of_ours(self, spawner, run, tmp_path):
        """A number of ours is duplicated for the child, and stays ours."""

        async def main():
            with open(tmp_path / "file", "wb") as file:
                child = shell(spawner, "echo into the file; echo err >&2", childFDs={1: file.fileno(), 2: 1})
                await child.ended()
                file.write(b"and we go on\n")
            assert (tmp_path / "file").read_bytes() == b"into the file\nand we go on\n"

        run(main)

    def test_a_child_that_reads_no_more(self, spawner, run):
        """We hear of it although nothing is written."""

        async def main():
            child = shell(spawner, "exec <&-; echo closed; exec sleep 60")
            await child.until(lambda: ("lost", 0) in child.events)
            child.transport.write(b"nobody reads this")
            child.transport.signalProcess("KILL")
            await child.ended()

        run(main)

    def test_a_paused_child_waits(self, reactor, run):
        async def main():
            child = shell(reactor, "exec yes")
            await child.says(b"y")
            child.transport.pauseProducing()
            before = len(child.events)
            await turn(20)
            assert len(child.events) == before
            child.transport.resumeProducing()
            await child.until(lambda: len(child.events) > before)
            child.transport.stopProducing()
            assert (await child.ended()).signal == signal.SIGPIPE

        run(main)

    def test_producers_write_to_standard_input(self, reactor, run):
        class Producer:
            left = 3
            stopped = False

            def resumeProducing(self):
                if self.left:
                    self.left -= 1
                    child.transport.write(b"piece ")
                else:
                    child.transport.unregisterProducer()
                    child.transport.closeStdin()

            def stopProducing(self):
                self.stopped = True

        child = Child()

        async def main():
            shell(reactor, "cat", protocol=child)
            child.transport.registerProducer(Producer(), False)
            await child.ended()
            assert child.data[1] == b"piece piece piece "
            late = Producer()
            child.transport.registerProducer(late, True)
            child.transport.unregisterProducer()
            assert late.stopped

        run(main)


class TestSurroundings:
    @needs_proc
    def test_a_child_has_the_descriptors_that_were_asked_for_and_no_others(self, spawner, run):
        reading, writing = os.pipe()
        os.set_inheritable(writing, True)

        async def main():
            # The shell opens the folder itself, as the lowest number that is free.
            child = shell(spawner, "echo /proc/self/fd/*", childFDs={1: "r", 2: "r", 9: writing})
            await child.ended()
            numbers = {name.rpartition(b"/")[2] for name in child.data[1].split()}
            assert numbers - {b"0"} == {b"1", b"2", b"9"}

        run(main)
        os.close(reading)
        os.close(writing)

    def test_environment(self, spawner, run, monkeypatch):
        monkeypatch.setenv("SELVAGE_TEST", "ours")

        async def main():
            printenv = 'echo "[$SELVAGE_TEST]"'
            for env, said in (
                ({}, b"[]\n"),
                (None, b"[ours]\n"),
                ({"SELVAGE_TEST": "theirs"}, b"[theirs]\n"),
            ):
                child = shell(spawner, printenv, env=env)
                await child.ended()
                assert child.data[1] == said
            child = Child()
            spawner.spawnProcess(child, SHELL, ["sh", "-c", printenv])
            await child.ended()
            assert child.data[1] == b"[]\n"

        run(main)

    def test_working_directory(self, reactor, run, tmp_path):
        async def main():
            child = shell(reactor, "pwd", path=str(tmp_path))
            await child.ended()
            assert child.data[1] == os.fsencode(tmp_path.resolve()) + b"\n"

        run(main)

    @as_root
    def test_another_user(self, reactor, run):
        async def main():
            child = shell(reactor, "id -u; id -g; id -G", uid=65534, gid=12345)
            await child.ended()
            assert child.data[1].split()[:2] == [b"65534", b"12345"]
            assert b"0" not in child.data[1].split()

        run(main)

    @as_root
    def test_a_user_without_a_name(self, reactor, run):
        async def main():
            child = shell(reactor, "id -u", uid=54321)
            await child.ended()
            assert child.data[1] == b"54321\n"

        run(main)

    @needs_proc
    def test_what_we_ignore_the_child_does_not(self, spawner, run):
        previous = signal.signal(signal.SIGUSR1, signal.SIG_IGN)

        async def main():
            child = shell(spawner, "grep SigIgn /proc/self/status")
            await child.ended()
            ignored = int(child.data[1].split()[1], 16)
            # Python ignores SIGPIPE by itself.
            assert not [each for each in (signal.SIGUSR1, signal.SIGPIPE) if ignored & 1 << each - 1]

        run(main)
        signal.signal(signal.SIGUSR1, previous)


class TestSignals:
    @pytest.mark.parametrize(
        ("name", "number"),
        [("TERM", signal.SIGTERM), ("SIGHUP", signal.SIGHUP), (signal.SIGUSR1, signal.SIGUSR1)],
    )
    def test_a_signal_ends_it(self, reactor, run, name, number):
        async def main():
            child = shell(reactor, "echo ready; exec sleep 60")
            await child.says(b"ready")
            child.transport.signalProcess(name)
            reason = await child.ended()
            assert (reason.signal, reason.exitCode) == (number, None)

        run(main)

    def test_a_child_that_ignores_term_obeys_kill(self, reactor, run):
        async def main():
            child = shell(reactor, "trap 'echo no' TERM; echo ready; while :; do sleep 0.01; done")
            await child.says(b"ready")
            child.transport.signalProcess("TERM")
            await child.says(b"no")
            child.transport.signalProcess("KILL")
            assert (await child.ended()).signal == signal.SIGKILL

        run(main)

    def test_after_the_end(self, reactor, run):
        async def main():
            child = shell(reactor, "exit 0")
            transport = child.transport
            await child.ended()
            assert transport.pid is None
            with pytest.raises(ProcessExitedAlready, match="has ended, so 'TERM' cannot be sent"):
                transport.signalProcess("TERM")

        run(main)

    def test_a_word_that_is_no_signal(self, reactor, run):
        async def main():
            child = shell(reactor, "exec sleep 60")
            with pytest.raises(ValueError, match="there is no signal 'STOPP'; try 'TERM'"):
                child.transport.signalProcess("STOPP")
            child.transport.signalProcess("KILL")
            await child.ended()

        run(main)


class TestTheEnd:
    def test_a_grandchild_keeps_the_pipes(self, spawner, run):
        """The child has exited; it has ended only when nobody can write any more."""

        async def main():
            child = shell(spawner, "exec 3<&0; (read line <&3; echo late) & echo early")
            await child.until(lambda: "exited" in child.events)
            assert "ended" not in child.events
            child.transport.write(b"go on\n")
            await child.ended()
            assert child.data[1] == b"early\nlate\n"

        run(main)

    def test_pipes_close_before_it_ends(self, spawner, run):
        async def main():
            child = shell(spawner, "exec <&- >&- 2>&-; sleep 0.05; exit 7")
            assert (await child.ended()).exitCode == 7
            assert {("lost", 0), ("lost", 1), ("lost", 2)} < set(child.events)

        run(main)

    def test_no_pipes_at_all(self, spawner, run):
        async def main():
            child = shell(spawner, "exit 4", childFDs={})
            assert (await child.ended()).exitCode == 4

        run(main)

    def test_it_ended_before_the_reactor_ran(self, spawner, run):
        child = shell(spawner, "exit 5", childFDs={})
        os.waitid(os.P_PID, child.transport.pid, os.WEXITED | os.WNOWAIT)

        async def main():
            assert (await child.ended()).exitCode == 5

        run(main)

    def test_without_pidfds_a_thread_waits(self, reactor, run, monkeypatch):
        monkeypatch.delattr(os, "pidfd_open", raising=False)

        async def main():
            child = shell(reactor, "exit 6", childFDs={})
            assert (await child.ended()).exitCode == 6
            quick = shell(reactor, "exit 6")
            assert (await quick.ended()).exitCode == 6

        run(main)

    def test_somebody_else_collects_the_status(self, reactor, run):
        async def main():
            child = shell(reactor, "exit 3", childFDs={})
            os.waitpid(child.transport.pid, 0)
            reason = await child.ended()
            assert isinstance(reason, ProcessTerminated)
            assert reason.exitCode is None
            assert "has waited for children of any number" in reason.__notes__[0]

        run(main)

    def test_children_of_others_stay_theirs(self, reactor, run):
        async def main():
            other = subprocess.Popen([SHELL, "-c", "exit 9"])
            child = shell(reactor, "exit 3")
            assert (await child.ended()).exitCode == 3
            process.reapAllProcesses()
            assert other.wait() == 9

        run(main)

    def test_a_reactor_in_a_thread(self, run):
        """No signal reaches it there."""
        reasons: list[Any] = []

        def work() -> None:
            reactor = Reactor()

            class Ender(Child):
                def processEnded(self, reason: Any) -> None:
                    reasons.append(reason.value)
                    reactor.stop()

            reactor.callWhenRunning(shell, reactor, "exit 8", protocol=Ender())
            reactor.run(installSignalHandlers=False)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join(30)
        assert reasons[0].exitCode == 8

    def test_a_handler_of_sigchld_may_ask_to_look(self, reactor, run):
        async def main():
            child = shell(reactor, "exit 2", childFDs={})
            os.waitid(os.P_PID, child.transport.pid, os.WEXITED | os.WNOWAIT)
            reactor._handleSigchld(signal.SIGCHLD, None)
            assert (await child.ended()).exitCode == 2

        run(main)

    @needs_proc
    def test_no_descriptor_is_left(self, spawner, run):
        async def main():
            await shell(spawner, "exit 0").ended()
            await turn(2)
            before = open_descriptors()
            for _ in range(20):
                await shell(spawner, "echo some; exit 0").ended()
            await turn(2)
            assert open_descriptors() == before

        run(main)

    @pytest.mark.slow
    def test_two_hundred_at_once(self, reactor, run):
        async def main():
            children = [shell(reactor, f"read x; echo {number}; exit {number}") for number in range(200)]
            for child in children:
                child.transport.write(b"\n")
            for number, child in enumerate(children):
                reason = await child.ended()
                assert reason.exitCode == number
                assert child.data[1] == b"%d\n" % number

        run(main, 60)

    def test_the_reactor_stops_while_a_child_runs(self, reactor):
        """Its pipes are closed; it is not killed, and its end is nobody's concern."""
        child = Child()

        def start() -> None:
            shell(reactor, "read line; exit 0", protocol=child)
            reactor.stop()

        reactor.callWhenRunning(start)
        transport = []
        reactor.callWhenRunning(lambda: transport.append(child.transport))
        reactor.run(installSignalHandlers=False)
        assert {("lost", 0), ("lost", 1), ("lost", 2)} < set(child.events)
        pid = transport[0].pid
        if pid is not None:
            os.waitpid(pid, 0)
            transport[0].reapProcess()


class TestFaults:
    @needs_proc
    def test_a_program_that_is_not_there(self, reactor):
        before = open_descriptors()
        for options in ({}, {"usePTY": True}):
            with pytest.raises(FileNotFoundError) as caught:
                reactor.spawnProcess(Child(), "/nonexistent", ["x"], **options)
            assert caught.value.filename == "/nonexistent"
        assert open_descriptors() == before

    def test_what_only_the_child_can_find_out_it_says_itself(self, reactor, run):
        async def main():
            for options, words in (
                ({"path": "/nonexistent"}, b"No such file or directory: b'/nonexistent'"),
                ({"path": b"/"}, b"Upon execvpe '/no program'"),
            ):
                child = Child()
                options = {key: os.fsencode(value) for key, value in options.items()}
                reactor.spawnProcess(child, "/no program", ["x"], {}, **options)
                assert (await child.ended()).exitCode == 1
                assert words in child.data[2]

        run(main)

    def test_no_fork(self, reactor, monkeypatch):
        def fork() -> int:
            raise BlockingIOError("too many processes")

        monkeypatch.setattr(os, "fork", fork)
        before = open_descriptors()
        for options in ({}, {"usePTY": True}):
            with pytest.raises(BlockingIOError):
                reactor.spawnProcess(Child(), SHELL, ["sh"], path="/", **options)
        assert open_descriptors() == before

    @needs_proc
    def test_a_nonsensical_mapping(self, reactor):
        before = open_descriptors()
        with pytest.raises(
            ValueError, match="maps a child's descriptor to 'r', 'w' or a number of ours, not 4 to 'x'"
        ):
            reactor.spawnProcess(Child(), SHELL, ["sh"], childFDs={0: "w", 4: "x"})
        assert open_descriptors() == before
        with pytest.raises(ValueError, match="childFDs must be left out"):
            reactor.spawnProcess(Child(), SHELL, ["sh"], childFDs={0: "w"}, usePTY=True)

    @pytest.mark.parametrize(
        "hook", ["makeConnection", "childConnectionLost", "processExited", "processEnded"]
    )
    def test_a_hook_that_raises_is_reported_and_changes_nothing(self, reactor, run, reports, hook):
        class Faulty(Child):
            pass

        def raising(self: Any, *args: Any) -> None:
            getattr(Child, hook)(self, *args)
            raise ZeroDivisionError(hook)

        setattr(Faulty, hook, raising)

        async def main():
            child = shell(reactor, "exit 3", protocol=Faulty())
            assert (await child.ended()).exitCode == 3
            await turn()

        run(main)
        assert {str(report.failure.value) for report in reports} == {hook}
        assert f"Unhandled error in {hook}" in reports[0].message
        reports.clear()

    def test_an_error_in_data_received_closes_that_pipe(self, reactor, run, reports):
        class Faulty(Child):
            def childDataReceived(self, childFD: int, data: bytes) -> None:
                super().childDataReceived(childFD, data)
                if childFD == 1:
                    raise ZeroDivisionError

        async def main():
            child = shell(reactor, "echo out; sleep 0.02; echo err >&2; exit 3", protocol=Faulty())
            assert (await child.ended()).exitCode == 3
            assert child.data[2] == b"err\n"

        run(main)
        assert [report.failure.type for report in reports] == [ZeroDivisionError]
        reports.clear()

    def test_a_flood_on_standard_error_leaves_the_reactor_its_turns(self, reactor, run):
        async def main():
            child = shell(reactor, "exec yes 1>&2")
            await child.until(lambda: len(child.data.get(2, b"")) > 200_000)
            turns: list[int] = []
            reactor.callLater(0, turns.append, 1)
            await child.until(lambda: turns)
            child.transport.closeStderr()
            await child.ended()

        run(main)


class TestTerminal:
    def test_a_child_with_a_terminal(self, spawner, run):
        async def main():
            child = shell(spawner, "tty; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo three", usePTY=True)
            assert isinstance(await child.ended(), ProcessDone)
            assert child.data[1].endswith(b"three\r\n")
            assert b"/dev/" in child.data[1]

        run(main)

    def test_it_is_controlled_by_it(self, spawner, run):
        """What we close, the child hears as SIGHUP; a program that opens /dev/tty gets it."""

        async def main():
            child = shell(spawner, "echo ready > /dev/tty; exec sleep 60", usePTY=True)
            await child.says(b"ready")
            child.transport.loseConnection()
            assert (await child.ended()).signal == signal.SIGHUP

        run(main)

    def test_input(self, spawner, run):
        async def main():
            child = shell(spawner, "read line; echo got $line", usePTY=True)
            child.transport.writeToChild(0, b"hello\n")
            await child.ended()
            assert child.data[1].endswith(b"got hello\r\n")
            with pytest.raises(KeyError):
                child.transport.writeToChild(1, b"")
            for method in ("closeStdin", "closeStdout", "closeStderr"):
                getattr(child.transport, method)()
            child.transport.closeChildFD(0)

        run(main)

    def test_a_terminal_of_ours(self, spawner, run):
        master, slave = os.openpty()

        async def main():
            child = shell(spawner, "tty; echo done", usePTY=(os.dup(master), slave, os.ttyname(slave)))
            await child.says(b"done")
            child.transport.loseConnection()
            await child.ended()
            assert os.fsencode(os.ttyname(slave)) in child.data[1]

        run(main)
        os.close(master)
        os.close(slave)

    def test_working_directory(self, reactor, run):
        async def main():
            child = shell(reactor, "pwd", usePTY=True, path="/")
            await child.ended()
            assert child.data[1] == b"/\r\n"

        run(main)


def test_registering_twice_and_for_nobody(reports):
    class Somebody:
        def processEnded(self, status: int) -> None:
            self.status = status

    one = Somebody()
    child = subprocess.Popen([SHELL, "-c", "read line; exit 3"], stdin=subprocess.PIPE)
    process.registerReapProcessHandler(child.pid, one)
    with pytest.raises(RuntimeError, match="is waited for by .* already"):
        process.registerReapProcessHandler(child.pid, one)
    with pytest.raises(RuntimeError, match="is not waited for by"):
        process.unregisterReapProcessHandler(child.pid, Somebody())
    process.unregisterReapProcessHandler(child.pid, one)
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    process.registerReapProcessHandler(child.pid, one)
    assert os.WEXITSTATUS(one.status) == 3
    child.returncode = 3  # its status is collected


def test_repr_says_number_and_status(reactor, run):
    async def main():
        child = shell(reactor, "exit 0")
        pid = child.transport.pid
        assert repr(child.transport) == f"<Process pid={pid} status=-1>"
        transport = child.transport
        await child.ended()
        assert repr(transport) == "<Process pid=None status=0>"

    run(main)


def test_a_program_that_forks_in_threads_is_not_warned(reactor, run, recwarn):
    async def main():
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait)
        thread.start()
        await shell(reactor, "exit 0", path="/").ended()
        stop.set()
        thread.join()

    run(main)
    assert not recwarn.list
