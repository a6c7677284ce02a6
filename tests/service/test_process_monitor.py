"""Programs kept running: on a clock with programs that are made up, and with real ones."""

from __future__ import annotations

import os
import pickle
import signal
import sys

import pytest

from selvage.defer import Deferred
from selvage.errors import ProcessDone, ProcessExitedAlready
from selvage.failure import Failure
from selvage.logger import globalLogPublisher
from selvage.service import LineLogger, ProcessMonitor
from selvage.tasks import Clock


class MadeUpProgram:
    """A process transport; ends when told to, at a signal that it obeys, or at SIGKILL."""

    def __init__(self, protocol, args, obeys):
        self.protocol, self.args, self.obeys = protocol, args, obeys
        self.signals = []
        self.exited = False
        self.pipes_held = False
        protocol.makeConnection(self)

    def signalProcess(self, name):
        if self.exited:
            raise ProcessExitedAlready()
        self.signals.append(name)
        if name in (*self.obeys, "KILL"):
            self.exit()

    def exit(self):
        self.exited = True
        held = self.pipes_held
        self.protocol.processExited(Failure(ProcessDone(0)))
        if not held:
            self.protocol.processEnded(Failure(ProcessDone(0)))

    def loseConnection(self):
        if self.exited and self.pipes_held:
            self.pipes_held = False
            self.protocol.processEnded(Failure(ProcessDone(0)))


class Machine(Clock):
    """A clock with programs."""

    def __init__(self):
        super().__init__()
        self.started = []
        self.obeys = ("TERM",)
        self.broken = None

    def spawnProcess(self, protocol, executable, args, env, path, uid, gid):
        if self.broken is not None:
            raise self.broken
        self.started.append(MadeUpProgram(protocol, args, self.obeys))
        return self.started[-1]

    @property
    def last(self):
        return self.started[-1]


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def monitor(machine):
    monitor = ProcessMonitor(machine)
    monitor.threshold, monitor.killTime, monitor.minRestartDelay, monitor.maxRestartDelay = 10, 5, 2, 12
    monitor.addProcess("web", ["/bin/web", "8000"])
    monitor.startService()
    return monitor


@pytest.fixture
def events():
    told = []
    globalLogPublisher.addObserver(told.append)
    yield told
    globalLogPublisher.removeObserver(told.append)


def test_starts_again_at_once_what_has_run_well(machine, monitor):
    machine.advance(10)
    machine.last.exit()
    machine.advance(0)
    assert [program.args for program in machine.started] == [["/bin/web", "8000"]] * 2


def test_waits_longer_each_time_for_what_ends_early(machine, monitor):
    waits = []
    for _ in range(5):
        started = len(machine.started)
        machine.last.exit()
        waited = 0
        while len(machine.started) == started:
            machine.advance(1)
            waited += 1
        waits.append(waited)
    assert waits == [2, 4, 8, 12, 12]
    machine.advance(10)
    machine.last.exit()
    assert monitor.delay["web"] == 2


def test_first_wait_is_no_longer_than_the_longest(machine):
    monitor = ProcessMonitor(machine)
    monitor.minRestartDelay, monitor.maxRestartDelay = 9, 3
    monitor.addProcess("web", ["/bin/web"])
    monitor.startService()
    machine.last.exit()
    machine.advance(3)
    assert len(machine.started) == 2


def test_program_that_cannot_be_started_is_tried_again(machine, monitor, events):
    machine.broken = OSError("no such file")
    machine.last.exit()
    machine.advance(2)
    assert [event["log_failure"].value for event in events if "log_failure" in event] == [machine.broken]
    assert monitor.protocols == {}
    machine.broken = None
    machine.advance(4)
    assert len(machine.started) == 2


def test_wrong_arguments_are_raised_and_leave_nothing(machine, monitor):
    machine.broken = TypeError("arguments are to be bytes or str")
    with pytest.raises(TypeError):
        monitor.addProcess("mail", ["/bin/mail"])
    assert list(monitor.protocols) == ["web"]


def test_what_ignores_sigterm_is_killed(machine, monitor):
    machine.obeys = ()
    monitor.addProcess("deaf", ["/bin/deaf"])
    stopped = monitor.stopService()
    deaf = machine.last
    machine.advance(4.9)
    assert deaf.signals == ["TERM"]
    assert not stopped.called
    machine.advance(0.1)
    assert deaf.signals == ["TERM", "KILL"]
    assert stopped.called
    assert monitor.protocols == monitor.murder == {}


def test_pipes_of_a_killed_program_are_let_go(machine, monitor):
    """A child of the child may hold them."""
    machine.obeys = ()
    monitor.addProcess("deaf", ["/bin/deaf"])
    machine.last.pipes_held = True
    stopped = monitor.stopService()
    machine.advance(5)
    assert stopped.called


def test_pipes_of_a_program_that_obeys_are_let_go_when_its_time_is_up(machine, monitor):
    machine.last.pipes_held = True
    stopped = monitor.stopService()
    assert not stopped.called
    machine.advance(5)
    assert stopped.called
    assert machine.last.signals == ["TERM"]


def test_pipes_of_a_program_that_ends_by_itself_are_its_childrens(machine, monitor):
    """As in Twisted: a program that becomes a daemon runs until that one lets go of the pipes."""
    machine.last.pipes_held = True
    machine.last.exit()
    machine.advance(100)
    assert list(monitor.protocols) == ["web"]
    machine.last.loseConnection()
    assert monitor.protocols == {}


def test_stopping_twice_asks_once(machine, monitor):
    machine.obeys = ()
    monitor.addProcess("deaf", ["/bin/deaf"])
    first, second = monitor.stopService(), monitor.stopService()
    machine.advance(5)
    assert machine.last.signals == ["TERM", "KILL"]
    assert first.called and second.called


def test_nothing_is_started_once_it_is_stopped(machine, monitor):
    machine.last.exit()
    stopped = monitor.stopService()
    assert stopped.called
    machine.advance(100)
    assert len(machine.started) == 1
    assert not machine.getDelayedCalls()


def test_stopped_process_starts_again(machine, monitor):
    machine.advance(10)
    monitor.stopProcess("web")
    machine.advance(0)
    assert len(machine.started) == 2
    monitor.restartAll()
    machine.advance(2)
    assert len(machine.started) == 3


def test_removed_process_does_not_start_again(machine, monitor):
    monitor.removeProcess("web")
    machine.advance(100)
    assert len(machine.started) == 1
    assert monitor.protocols == {}
    assert not machine.getDelayedCalls()


def test_removed_process_that_waited_does_not_start(machine, monitor):
    machine.last.exit()
    monitor.removeProcess("web")
    machine.advance(100)
    assert len(machine.started) == 1


def test_process_added_anew_starts_when_the_old_one_has_ended(machine, monitor):
    machine.obeys = ()
    monitor.addProcess("deaf", ["/bin/old"])
    monitor.removeProcess("deaf")
    monitor.addProcess("deaf", ["/bin/new"])
    assert machine.last.args == ["/bin/old"]
    machine.advance(5)
    machine.advance(2)
    assert machine.last.args == ["/bin/new"]


def test_removed_process_is_waited_for(machine, monitor):
    machine.obeys = ()
    monitor.addProcess("deaf", ["/bin/deaf"])
    monitor.removeProcess("deaf")
    stopped = monitor.stopService()
    assert not stopped.called
    machine.advance(5)
    assert stopped.called


def test_names_are_known_and_taken_once(monitor):
    with pytest.raises(KeyError, match="'web' is monitored already"):
        monitor.addProcess("web", ["/bin/web"])
    for method in (monitor.startProcess, monitor.stopProcess, monitor.removeProcess):
        with pytest.raises(KeyError, match="no process 'mail' is monitored, only web"):
            method("mail")


def test_repr_tells_state_and_programs(machine, monitor):
    monitor.addProcess("mail", ["/bin/mail"], uid=8, cwd="/var")
    machine.last.exit()
    assert repr(monitor) == (
        "<ProcessMonitor running, 1 of 2 run: web: /bin/web 8000; mail: /bin/mail (uid=8, cwd='/var')>"
    )


def test_pickle_keeps_what_is_to_be_run(machine, monitor):
    monitor.addProcess("mail", ["/bin/mail"], cwd="/var")
    copy = pickle.loads(pickle.dumps(monitor))
    assert repr(copy).startswith("<ProcessMonitor stopped, 0 of 2 run")
    assert "cwd='/var'" in repr(copy)
    assert (copy.threshold, copy.delay) == (10, {"web": 2, "mail": 2})


# --- What they write ---------------------------------------------------------------------------------------------


def lines_of(events):
    return [(event["tag"], event["stream"], event["line"]) for event in events if "line" in event]


def test_lines_are_logged(monitor, machine, events):
    protocol = machine.last.protocol
    protocol.outReceived(b"one\ntw")
    protocol.errReceived(b"wrong\n")
    protocol.outReceived(b"o\n\xff\nrest")
    assert not protocol.empty
    protocol.processEnded(Failure(ProcessDone(0)))
    assert lines_of(events) == [
        ("web", "stdout", "one"),
        ("web", "stderr", "wrong"),
        ("web", "stdout", "two"),
        ("web", "stdout", "b'\\xff'"),
        ("web", "stdout", "rest"),
    ]


def test_line_without_end_is_logged_in_pieces(monitor, machine, events):
    """Memory stays bounded and nothing is lost, and short lines go on after it."""
    protocol = machine.last.protocol
    limit = LineLogger.MAX_LENGTH
    for _ in range(10):
        protocol.outReceived(b"x" * limit)
        assert len(protocol.output._buffer) <= limit
    protocol.outReceived(b"\nnext\n")
    lines = [line for _, _, line in lines_of(events)]
    assert lines.pop() == "next"
    assert "".join(lines) == "x" * limit * 10
    assert max(map(len, lines)) <= limit


# --- Real programs -----------------------------------------------------------------------------------------------

DEAF = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
)


async def until_logged(text):
    """Wait for a line of a program."""
    seen = Deferred()

    def observe(event):
        if event.get("line") == text and not seen.called:
            seen.callback(event)

    globalLogPublisher.addObserver(observe)
    try:
        return await seen
    finally:
        globalLogPublisher.removeObserver(observe)


@pytest.mark.slow
def test_real_program_that_ignores_sigterm_is_killed(reactor, run):
    async def main():
        monitor = ProcessMonitor(reactor)
        monitor.killTime = 0.01
        monitor.addProcess("deaf", [sys.executable, "-c", DEAF], env=None)
        monitor.startService()
        event = await until_logged("ready")
        assert (event["tag"], event["stream"]) == ("deaf", "stdout")
        pid = monitor.protocols["deaf"].transport.pid
        await monitor.stopService()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    run(main)


@pytest.mark.slow
def test_real_program_that_ends_is_started_again(reactor, run):
    async def main():
        monitor = ProcessMonitor(reactor)
        monitor.minRestartDelay = 0.001
        monitor.addProcess("short", ["/bin/sh", "-c", "echo $$ is here; echo ready"])
        monitor.startService()
        await until_logged("ready")
        await until_logged("ready")
        await monitor.stopService()
        assert monitor.protocols == {}

    run(main)


@pytest.mark.slow
def test_child_that_holds_the_pipes_does_not_hold_up_the_end(reactor, run):
    async def main():
        monitor = ProcessMonitor(reactor)
        monitor.killTime = 0.01
        monitor.addProcess("parent", ["/bin/sh", "-c", "sleep 600 & echo $!; echo ready; wait"], env=None)
        monitor.startService()
        pids = []
        observe = lambda event: pids.append(event["line"]) if "line" in event else None  # noqa: E731
        globalLogPublisher.addObserver(observe)
        await until_logged("ready")
        globalLogPublisher.removeObserver(observe)
        await monitor.stopService()
        os.kill(int(pids[0]), signal.SIGKILL)

    run(main)
