"""What peers do to sockets rather than to protocols (../shared ATTACKS, by number)."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selvage.defer import Deferred
from selvage.errors import CannotListenError, DNSLookupError, InvalidAddressError, ServiceNameUnknownError
from selvage.protocols import ClientFactory, DatagramProtocol, Factory, Protocol
from selvage.tasks import deferLater
from tests.work import calls_made

from .conftest import LOOPS
from .helpers import Recording

# --- 55: no descriptors left ---------------------------------------------------------------------------------------

_SERVER = """
import asyncio, os, resource, sys
import selvage
from selvage.protocols import Factory, Protocol

class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)

async def main():
    reactor = selvage.get_reactor()
    port = reactor.listenTCP(0, Factory.forProtocol(Echo), interface="127.0.0.1", backlog=100)
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 10, used + 10))
    print(port.getHost().port, flush=True)
    await selvage.Deferred()

selvage.run(main, loop_factory=asyncio.SelectorEventLoop if sys.argv[1] == "asyncio" else None)
"""


@contextlib.contextmanager
def starved_server(loop: str, errors: Any) -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, loop], stdout=subprocess.PIPE, stderr=errors, text=True
    ) as server:
        try:
            assert server.stdout is not None
            yield int(server.stdout.readline())
        finally:
            server.kill()


def answer(sock: socket.socket) -> bytes:
    """What the server says to one byte; nothing when it closed."""
    try:
        sock.sendall(b"x")
        return sock.recv(1)
    except ConnectionError:
        return b""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts descriptors in /proc")
@pytest.mark.parametrize("loop", sorted(LOOPS))
def test_attack_055_descriptor_exhaustion_at_accept(loop: str, tmp_path: Path) -> None:
    with (
        (tmp_path / "errors").open("w") as errors,
        starved_server(loop, errors) as port,
        contextlib.ExitStack() as stack,
    ):
        crowd = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10)) for _ in range(40)
        ]
        answers = [answer(sock) for sock in crowd]
        # Those for whom there were descriptors are served, the others are sent away; nobody is left waiting.
        assert b"x" in answers
        assert b"" in answers
        served = [sock for sock, said in zip(crowd, answers, strict=True) if said]
        assert all(answer(sock) == b"x" for sock in served)
        for sock in crowd:
            sock.close()
        # And the port still accepts once there are descriptors again.
        for _ in range(100):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as late:
                if answer(late) == b"x":
                    break
        else:
            pytest.fail("the port accepts nobody any more")
    # It was said, and not once for each who was sent away.
    assert (tmp_path / "errors").read_text().count("Connections are turned away") == 1


# --- 54, 112: who does not read ------------------------------------------------------------------------------------


class Streamer(Protocol):
    """Writes in its own way until it is paused, and notes what it was told."""

    def __init__(self, write: Any) -> None:
        self.write = write
        self.told: list[str] = []
        self.written = 0
        self.ready: Deferred[None] = Deferred()
        self.resumed: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self.transport.registerProducer(self, True)
        while "pause" not in self.told and self.written < 1 << 26:
            self.written += self.write(self.transport)
        self.ready.callback(None)

    def pauseProducing(self) -> None:
        self.told.append("pause")

    def resumeProducing(self) -> None:
        self.told.append("resume")
        if not self.resumed.called:
            self.resumed.callback(None)

    def stopProducing(self) -> None:
        self.told.append("stop")


def _write(transport: Any) -> int:
    transport.write(b"x" * 5000)
    return 5000


def _write_sequence(transport: Any) -> int:
    transport.writeSequence([b"x" * 500] * 10)
    return 5000


def _write_big_sequence(transport: Any) -> int:
    # More than is ever joined: the engine gets it as a vector.
    transport.writeSequence([b"x" * 100_000] * 10)
    return 1_000_000


@pytest.mark.parametrize("write", [_write, _write_sequence, _write_big_sequence])
def test_attack_112_whatever_is_written_is_counted(reactor: Any, run: Any, write: Any) -> None:
    async def main() -> None:
        streamer = Streamer(write)
        factory = Factory.forProtocol(lambda: streamer)
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        with socket.create_connection(("127.0.0.1", port.getHost().port)) as slow:
            await streamer.ready
            # Held back as soon as a buffer's worth waits, not when memory is full.
            assert streamer.told == ["pause"]
            assert streamer.written <= 65536 + 1_000_000
            # And it is told when all has left.
            slow.setblocking(False)
            received = 0
            while received < streamer.written:
                try:
                    received += len(slow.recv(1 << 16))
                except BlockingIOError:
                    await deferLater(reactor, 0.001, lambda: None)
            await streamer.resumed
            assert streamer.told == ["pause", "resume"]
            streamer.transport.unregisterProducer()
            streamer.transport.loseConnection()
        await port.stopListening()

    run(main)


def test_attack_054_a_reader_that_stands_still_holds_the_producer_back(reactor: Any, run: Any) -> None:
    async def main() -> None:
        streamer = Streamer(_write)
        port = reactor.listenTCP(0, Factory.forProtocol(lambda: streamer), interface="127.0.0.1")
        with socket.create_connection(("127.0.0.1", port.getHost().port)):
            await streamer.ready
            for _ in range(20):
                await deferLater(reactor, 0, lambda: None)
            # The system's buffers may have taken what waited; the next that does not fit pauses again.
            while streamer.told[-1] == "resume":
                streamer.written += _write(streamer.transport)
            assert streamer.told[-1] == "pause"
            assert streamer.written < 1 << 24
            streamer.transport.abortConnection()
        await port.stopListening()

    run(main)


# --- 51: names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a" * 100_000, "\u0661" * 100_000, "a." * 50_000, "xn--" + "a" * 100_000])
def test_attack_051_a_huge_name_fails_at_once(reactor: Any, run: Any, name: str) -> None:
    """Refused by its length, before anything looks at each of its characters."""

    async def main() -> int:
        failed: Deferred[Any] = Deferred()

        class Caller(ClientFactory):
            def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
                failed.callback(reason.value)

        made = calls_made(lambda: reactor.connectTCP(name, 80, Caller()))
        assert isinstance(await failed, DNSLookupError)
        return made

    assert run(main) < 5_000


HUGE = "h" * 1_000_000


@pytest.mark.parametrize(
    "use",
    [
        lambda reactor: reactor.listenTCP(0, Factory(), interface=HUGE),
        lambda reactor: reactor.listenTCP(0, Factory(), interface="::1%" + HUGE),
        lambda reactor: reactor.listenUDP(0, DatagramProtocol(), interface=HUGE),
        lambda reactor: reactor.listenUDP(0, DatagramProtocol(), interface="::1%" + HUGE),
        lambda reactor: reactor.listenUNIX("/" + HUGE, Factory()),
        lambda reactor: reactor.listenUNIXDatagram("/" + HUGE, DatagramProtocol()),
        lambda reactor: reactor.listenTCP(10**5000, Factory()),
        lambda reactor: reactor.connectTCP("127.0.0.1", HUGE, ClientFactory()),
    ],
    ids=["tcp", "tcp6", "udp", "udp6", "unix", "unix datagram", "port", "service"],
)
def test_attack_051_no_message_holds_a_huge_name(reactor: Any, use: Any) -> None:
    with pytest.raises((CannotListenError, InvalidAddressError, ServiceNameUnknownError)) as caught:
        use(reactor)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("host", [HUGE, "::1%" + HUGE])
def test_attack_051_no_failure_to_connect_holds_a_huge_name(reactor: Any, run: Any, host: str) -> None:
    async def main() -> None:
        factory = Recording()
        reactor.connectTCP(host, 9, factory)
        error = (await factory.logged(4))[2]
        assert isinstance(error, DNSLookupError)
        assert len(str(error)) < 500

    run(main)


@pytest.mark.parametrize("host", [HUGE, "::1%" + HUGE])
def test_attack_051_no_refusal_to_send_holds_a_huge_name(reactor: Any, run: Any, host: str) -> None:
    async def main() -> None:
        port = reactor.listenUDP(0, DatagramProtocol(), interface="127.0.0.1")
        for use in (lambda: port.write(b"", (host, 9)), lambda: port.connect(host, 9)):
            with pytest.raises(InvalidAddressError) as caught:
                use()
            assert len(str(caught.value)) < 500
        await port.stopListening()

    run(main)


# --- 95: answers from strangers ------------------------------------------------------------------------------------


def test_attack_095_a_connected_datagram_port_hears_its_peer_only(reactor: Any, run: Any) -> None:
    class Listener(DatagramProtocol):
        def __init__(self) -> None:
            self.heard: list[bytes] = []
            self.got: Deferred[None] = Deferred()

        def datagramReceived(self, datagram: bytes, addr: Any) -> None:
            self.heard.append(datagram)
            if datagram == b"last":
                self.got.callback(None)

    async def main() -> list[bytes]:
        listener = Listener()
        port = reactor.listenUDP(0, listener, interface="127.0.0.1")
        with (
            socket.socket(type=socket.SOCK_DGRAM) as peer,
            socket.socket(type=socket.SOCK_DGRAM) as stranger,
        ):
            peer.bind(("127.0.0.1", 0))
            listener.transport.connect(*peer.getsockname())
            where = ("127.0.0.1", port.getHost().port)
            stranger.sendto(b"forged", where)
            peer.sendto(b"answer", where)
            stranger.sendto(b"forged too", where)
            peer.sendto(b"last", where)
            await listener.got
        await port.stopListening()
        return listener.heard

    assert run(main) == [b"answer", b"last"]
