"""Names of Twisted's reactor that begin with an underscore and that programs use all the same: each does what they use it for."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from selvage.protocols import DatagramProtocol, Factory

PRELUDE = "import selvage; selvage.install_twisted()\n"


def program(text: str, *, loop: str = "") -> list[str]:
    """What a Twisted program prints."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + loop + textwrap.dedent(text)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_the_loop_is_the_one_that_runs(reactor, run_for):
    """daphne and Scrapy make tasks and futures on it."""
    seen = []

    async def main():
        seen.append(asyncio.get_running_loop())
        reactor.stop()

    reactor.callWhenRunning(lambda: reactor._asyncioEventloop.create_task(main()))
    run_for(reactor)
    assert seen == [reactor._asyncioEventloop]


@pytest.mark.slow
def test_the_loop_that_a_program_installs():
    lines = program(
        """
        import asyncio
        from twisted.internet import asyncioreactor
        loop = asyncio.SelectorEventLoop()
        asyncioreactor.install(loop)
        from twisted.internet import reactor
        print(reactor._asyncioEventloop is loop, isinstance(reactor, asyncioreactor.AsyncioSelectorReactor))
        """
    )
    assert lines == ["True True"]


@pytest.mark.slow
def test_names_to_import():
    lines = program(
        """
        import select
        from twisted.internet._idna import _idnaBytes, _idnaText
        from twisted.internet._resolver import GAIResolver, HostResolution, SimpleResolverComplexifier
        from twisted.internet.base import _SystemEventID, _ThreePhaseEvent
        from twisted.internet.posixbase import _NO_FILEDESC, _NO_FILENO
        from twisted.internet.selectreactor import _select

        print(_idnaBytes("b\\xfccher.example"), _idnaText(b"xn--bcher-kva.example"))
        print(_SystemEventID(("shutdown", ("before", print, (), {})))[0])
        print(_select is select.select)
        print(type(_NO_FILENO).__name__, type(_NO_FILEDESC).__name__)

        event = _ThreePhaseEvent()
        event.addTrigger("before", print, "before")
        handle = event.addTrigger("during", print, "not wanted")
        event.addTrigger("after", print, "after")
        event.removeTrigger(handle)
        event.fireEvent()
        """
    )
    assert lines == [
        "b'xn--bcher-kva.example' bücher.example",
        "shutdown",
        "True",
        "ConnectionFdescWentAway ConnectionFdescWentAway",
        "before",
        "after",
    ]


@pytest.mark.slow
def test_resolvers_as_programs_make_them():
    lines = program(
        """
        from twisted.internet import defer, reactor
        from twisted.internet._resolver import GAIResolver, HostResolution, SimpleResolverComplexifier
        from twisted.internet.interfaces import IResolverSimple
        from zope.interface import implementer

        @implementer(IResolverSimple)
        class Mine:
            def getHostByName(self, name, timeout=()):
                return defer.succeed("10.0.0.7")

        class Printer:
            def resolutionBegan(self, resolution):
                print(isinstance(resolution, HostResolution), resolution.name)

            def addressResolved(self, address):
                print(address.host)

            def resolutionComplete(self):
                print("complete")

        reactor.installNameResolver(SimpleResolverComplexifier(Mine()))
        reactor.nameResolver.resolveHostName(Printer(), "host.example")
        reactor.installNameResolver(GAIResolver(reactor, reactor.getThreadPool))
        reactor.nameResolver.resolveHostName(Printer(), "127.0.0.1")
        """
    )
    assert lines == ["True host.example", "10.0.0.7", "complete", "True 127.0.0.1", "127.0.0.1", "complete"]


def test_triggers_that_are_there_can_be_looked_at(reactor):
    def mine():
        pass

    handle = reactor.addSystemEventTrigger("before", "shutdown", mine, 1, key=2)
    assert handle[0] == "shutdown"
    assert (mine, (1,), {"key": 2}) in reactor._eventTriggers["shutdown"].before


def test_the_real_port_number_of_ports(reactor, tmp_path):
    """Programs that asked for port 0 read it there, though getHost() says it, too."""
    ports = [
        reactor.listenTCP(0, Factory(), interface="127.0.0.1"),
        reactor.listenUDP(0, DatagramProtocol(), interface="127.0.0.1"),
    ]
    for port in ports:
        assert port._realPortNumber == port.getHost().port != 0
        port.stopListening()


def test_the_poller_is_an_epoll_while_descriptors_are_watched(reactor):
    if not hasattr(__import__("select"), "epoll"):
        pytest.skip("this system has no epoll")
    read, write = os.pipe()

    class Reader:
        def fileno(self):
            return read

        def doRead(self):
            pass

        def connectionLost(self, reason):
            pass

    reader = Reader()
    assert reactor._poller is None
    reactor.addReader(reader)
    os.write(write, b"x")
    assert [number for number, _ in reactor._poller.poll(0)] == [read]
    reactor.removeReader(reader)
    assert reactor._poller is None
    os.close(read)
    os.close(write)


def test_internal_readers_are_taken_apart_by_test_helpers(reactor):
    """As Twisted's ReactorBuilder does."""
    assert reactor._internalReaders
    for reader in list(reactor._internalReaders):
        reactor.removeReader(reader)
        reader.connectionLost(None)
    reactor._internalReaders.clear()
    reactor.disconnectAll()
    assert reactor.getReaders() == []


@pytest.mark.skipif(not hasattr(signal, "SIGCHLD"), reason="this system has no children that signal")
def test_a_handler_of_child_signals_that_test_helpers_install(reactor):
    previous = signal.signal(signal.SIGCHLD, reactor._handleSigchld)
    try:
        signal.raise_signal(signal.SIGCHLD)
    finally:
        signal.signal(signal.SIGCHLD, previous)
