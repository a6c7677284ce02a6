"""Forking, in programs of their own: before the reactor has a loop, with one, and while it runs."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from selvage.reactor import ForkedReactorError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
]

# What every program below begins with: a reactor, an echo server, and words that arrive in one piece on standard output.
PRELUDE = """
import asyncio, os, signal, socket, sys, threading
from selvage.protocols import Factory, Protocol
from selvage.reactor import ForkedReactorError, Reactor, get_reactor

class Echo(Protocol):
    def dataReceived(self, data):
        say(b"got " + data) if data == b"secret" else None
        self.transport.write(data)

def say(words):
    os.write(1, (words if isinstance(words, bytes) else words.encode()) + b"\\n")

def listen():
    return reactor.listenTCP(0, Factory.forProtocol(Echo), interface="127.0.0.1").getHost().port

def exchange(connection, data):
    connection.sendall(data)
    assert connection.recv(100) == data

def refused(what, *args):
    try:
        what(*args)
    except ForkedReactorError as error:
        assert error.parent_pid == parent
        say("refused")
    else:
        say(f"not refused: {what}")

def fork(child):
    # Returns the descriptor on which the child's end shows.
    ended, ending = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ended)
        if child is None:
            return None
        try:
            child()
        finally:
            os._exit(0)
    os.close(ending)
    return ended

parent = os.getpid()
signal.alarm(60)
"""

LOOPS = {
    "uvloop": "import uvloop; loop = uvloop.new_event_loop(); reactor = Reactor(loop)\n",
    "asyncio": "loop = asyncio.SelectorEventLoop(); reactor = Reactor(loop)\n",
}


def run_program(program: str, setup: str = "reactor = get_reactor()\n") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + setup + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def said(program: str, setup: str = "reactor = get_reactor()\n") -> list[str]:
    done = run_program(program, setup)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


@pytest.fixture(params=sorted(LOOPS))
def setup(request: pytest.FixtureRequest) -> str:
    return LOOPS[request.param]


def test_who_forks_before_the_reactor_has_a_loop_can_use_it_in_both() -> None:
    lines = said(
        """
        reactor.callWhenRunning(lambda: say("called in both"))
        reactor.callLater(0, reactor.stop)
        ended = fork(None)
        reactor.run()
        if ended is not None:
            os.read(ended, 1)
        """
    )
    assert lines == ["called in both"] * 2


def test_a_program_becomes_a_daemon_and_serves() -> None:
    lines = said(
        """
        reactor.callWhenRunning(lambda: tell.send(b"%d" % listen()))
        hear, tell = socket.socketpair()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                reactor.callLater(30, reactor.stop)
                hear.close()
                tell.setblocking(True)
                reactor.addReader(type("Stop", (), {
                    "fileno": lambda self: tell.fileno(),
                    "doRead": lambda self: (reactor.removeReader(self), reactor.stop()),
                    "connectionLost": lambda self, reason: None,
                })())
                reactor.run()
                say("stopped")
            os._exit(0)
        os.wait()
        tell.close()
        connection = socket.create_connection(("127.0.0.1", int(hear.recv(10))))
        exchange(connection, b"hello")
        say("served")
        hear.shutdown(socket.SHUT_WR)
        assert hear.recv(1) == b""
        """
    )
    assert lines == ["served", "stopped"]


def test_a_child_of_a_reactor_with_a_loop_is_refused(setup: str) -> None:
    lines = said(
        """
        port = listen()

        def child():
            refused(reactor.run)
            refused(listen)
            refused(reactor.stop)
            refused(reactor.iterate)
            refused(lambda: reactor._asyncioEventloop.time())
            refused(reactor.callInThread, print)

        os.read(fork(child), 1)
        """,
        setup,
    )
    assert lines == ["refused"] * 6


def test_selvage_run_in_a_child_of_a_running_program_is_refused() -> None:
    lines = said(
        """
        from selvage import run

        async def main():
            os.read(fork(lambda: refused(run, main)), 1)
            say("parent")

        run(main)
        """
    )
    assert lines == ["refused", "parent"]


def test_a_child_forked_in_a_callback_is_refused(setup: str) -> None:
    lines = said(
        """
        def child():
            refused(reactor.callLater, 0, print)
            refused(reactor.callLater, 1000, print)
            refused(reactor.callFromThread, print)
            refused(reactor.callInThread, print)
            refused(reactor.resolve, "host.invalid")
            refused(listen)
            refused(reactor.run)
            refused(reactor.stop)

        def in_callback():
            os.read(fork(child), 1)
            reactor.callLater(0, reactor.stop)

        reactor.callLater(0, print, end="")
        reactor.callWhenRunning(in_callback)
        reactor.run()
        say("parent stopped")
        """,
        setup,
    )
    assert lines == ["refused"] * 8 + ["parent stopped"]


def test_a_child_that_returns_to_the_loop_takes_nothing_from_the_parent(setup: str) -> None:
    done = run_program(
        """
        def talk():
            connection = socket.create_connection(("127.0.0.1", port))
            exchange(connection, b"before")
            ends = []
            forked = threading.Event()
            reactor.callFromThread(lambda: (ends.append(fork(None)), forked.set()))
            forked.wait()
            for number in range(100):
                exchange(connection, b"secret")
            assert os.read(ends[0], 1) == b""
            exchange(connection, b"after")
            exchange(socket.create_connection(("127.0.0.1", port)), b"new")
            reactor.callFromThread(reactor.stop)

        port = listen()
        reactor.callWhenRunning(lambda: threading.Thread(target=talk, daemon=True).start())
        try:
            reactor.run()
        except ForkedReactorError:
            say("refused")
            os._exit(0)
        say("parent stopped")
        """,
        setup,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n")[:-1]
    assert sorted(lines) == ["got secret"] * 100 + ["parent stopped", "refused"]


def test_a_child_that_exits_does_not_close_the_parents_connections(setup: str) -> None:
    # Without `loop`, the reactor makes its loop itself, and closes it at exit.
    owned = "reactor = get_reactor()\n" if "uvloop" in setup else setup
    lines = said(
        """
        port = listen()
        if os.fork() == 0:
            sys.exit(0)
        os.wait()

        def talk():
            exchange(socket.create_connection(("127.0.0.1", port)), b"still there")
            say("served")
            reactor.callFromThread(reactor.stop)

        reactor.callWhenRunning(lambda: threading.Thread(target=talk, daemon=True).start())
        reactor.run()
        """,
        owned,
    )
    assert lines == ["served"]


def test_watched_descriptors_of_the_parent_stay_watched(setup: str) -> None:
    lines = said(
        """
        ours, theirs = socket.socketpair()

        class Reader:
            def fileno(self):
                return ours.fileno()

            def doRead(self):
                say(ours.recv(10))
                reactor.stop()

            def connectionLost(self, reason):
                pass

        reader = Reader()

        def in_callback():
            reactor.addReader(reader)
            os.read(fork(lambda: reactor.removeReader(reader)), 1)
            theirs.send(b"read")

        reactor.callWhenRunning(in_callback)
        reactor.run()
        """,
        setup,
    )
    assert lines == ["read"]


def test_a_child_that_becomes_another_program_is_none_of_this(setup: str) -> None:
    lines = said(
        """
        import subprocess

        def in_callback():
            # preexec_fn: the way that really forks.
            subprocess.run([sys.executable, "-c", "print('executed', flush=True)"], preexec_fn=os.getpid, check=True)
            pid = os.fork()
            if pid == 0:
                os.execv(sys.executable, [sys.executable, "-c", "print('executed', flush=True)"])
            os.waitpid(pid, 0)
            reactor.callLater(0, reactor.stop)

        reactor.callWhenRunning(in_callback)
        reactor.run()
        """,
        setup,
    )
    assert lines == ["executed"] * 2


def test_signals_of_a_child_are_not_taken_for_the_parents() -> None:
    lines = said(
        """
        def child():
            signal.signal(signal.SIGUSR1, lambda *args: None)
            signal.raise_signal(signal.SIGUSR1)
            assert signal.set_wakeup_fd(-1) == -1

        def in_callback():
            reactor._asyncioEventloop.add_signal_handler(signal.SIGUSR1, say, "taken for the parent's")
            os.read(fork(child), 1)
            reactor.callLater(0.05, reactor.stop)

        reactor.callWhenRunning(in_callback)
        reactor.run()
        say("parent stopped")
        """
    )
    assert lines == ["parent stopped"]


def test_an_attached_reactor_is_refused_in_a_child_and_goes_on_in_the_parent() -> None:
    lines = said(
        """
        async def main():
            port = listen()
            loop = asyncio.get_running_loop()

            def child():
                refused(listen)
                refused(reactor.callLater, 0, print)

            os.read(fork(child), 1)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello")
            say(await reader.readexactly(5))
            writer.close()

        asyncio.run(main())
        """
    )
    assert lines == ["refused", "refused", "hello"]


def test_a_reactor_whose_loop_is_closed_is_as_new() -> None:
    lines = said(
        """
        from selvage import run

        async def main():
            say("ran")

        run(main)
        ended = fork(None)
        run(main)
        if ended is not None:
            os.read(ended, 1)
        """
    )
    assert lines == ["ran"] * 3


def test_the_error_names_both_processes_and_what_to_do() -> None:
    message = str(ForkedReactorError(12345))
    assert "12345" in message
    assert str(os.getpid()) in message
    assert "spawnProcess" in message
