"""Protocols that keep what happened, and peers that speak raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from typing import Any

from selvage.defer import Deferred
from selvage.protocols import ClientFactory, Factory, Protocol


class Recorder(Protocol):
    """Keeps events in the order in which they came; `wait` lets a coroutine sleep until the next."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.data = b""
        self.reasons: list[Any] = []
        self._waiters: list[Deferred[None]] = []

    def _note(self, event: Any) -> None:
        self.events.append(event)
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(None)

    def connectionMade(self) -> None:
        self._note("made")

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        self._note(data)

    def connectionLost(self, reason: Any) -> None:
        self.reasons.append(reason)
        self._note("lost")

    async def until(self, condition: Any) -> None:
        while not condition():
            waiter: Deferred[None] = Deferred()
            self._waiters.append(waiter)
            await waiter

    async def got(self, length: int) -> bytes:
        """Wait for so many bytes in all."""
        await self.until(lambda: len(self.data) >= length)
        return self.data

    async def lost(self) -> Any:
        """Wait for the end; returns the exception in the reason."""
        await self.until(lambda: self.reasons)
        return self.reasons[0].value


class Recording(ClientFactory):
    """A factory for both sides; keeps its protocols, and tells when the next one is connected."""

    def __init__(self, protocol: Any = Recorder) -> None:
        self.protocol = protocol
        self.protocols: list[Any] = []
        self.log: list[Any] = []
        self._waiters: list[Deferred[Any]] = []

    def buildProtocol(self, addr: Any) -> Any:
        made = super().buildProtocol(addr)
        self.protocols.append(made)
        self.log.append(addr)
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(made)
        return made

    async def next(self, number: int = 0) -> Any:
        """Wait for the protocol with this number, and until it is connected."""
        while len(self.protocols) <= number:
            waiter: Deferred[Any] = Deferred()
            self._waiters.append(waiter)
            await waiter
        await turn()
        return self.protocols[number]

    def _tell(self, event: Any) -> None:
        self.log.append(event)
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(None)

    def startFactory(self) -> None:
        self.log.append("start")

    def stopFactory(self) -> None:
        self._tell("stop")

    def startedConnecting(self, connector: Any) -> None:
        self.log.append("connecting")

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        self._tell(reason.value)

    def clientConnectionLost(self, connector: Any, reason: Any) -> None:
        self._tell(("lost", reason.value))

    async def logged(self, count: int) -> list[Any]:
        """Wait until so many things happened."""
        while len(self.log) < count:
            waiter: Deferred[Any] = Deferred()
            self._waiters.append(waiter)
            await waiter
        return self.log


async def turn(count: int = 1) -> None:
    """Let the loop come round."""
    for _ in range(count):
        await asyncio.sleep(0)


class Peer:
    """A raw socket on the same loop."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.setblocking(False)
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def connect(cls, port: Any) -> Peer:
        host = port.getHost()
        family = socket.AF_INET6 if ":" in host.host else socket.AF_INET
        self = cls(socket.socket(family, socket.SOCK_STREAM))
        try:
            await self._loop.sock_connect(self.sock, (host.host, host.port))
        except BaseException:
            self.close()
            raise
        return self

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self.sock, data)

    async def recv(self, size: int = 65536) -> bytes:
        return await self._loop.sock_recv(self.sock, size)

    async def read(self, length: int) -> bytes:
        """Read exactly so many bytes, or to the end."""
        data = bytearray()
        while len(data) < length:
            piece = await self.recv(min(65536, length - len(data)))
            if not piece:
                break
            data += piece
        return bytes(data)

    async def rest(self) -> bytes:
        """Read to the end."""
        return await self.read(1 << 40)

    def send_now(self, data: bytes) -> None:
        """Send without waiting; the system takes that much."""
        self.sock.send(data)

    def half_close(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.sock.close()

    def leave(self) -> None:
        """Close without a word."""
        self.sock.close()

    def reset(self) -> None:
        """Close with a reset, as a crashed machine's network would."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class TLSPeer(Peer):
    """A raw socket that speaks TLS by the standard library, step by step, so that tests see each of them."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, **options: Any) -> None:
        super().__init__(sock)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, **options)

    async def _drain(self) -> None:
        if self._outgoing.pending:
            await super().send(self._outgoing.read())

    async def _step(self, function: Any, *args: Any) -> Any:
        """Call a function of the library until it has what it needs from the other side."""
        while True:
            try:
                result = function(*args)
            except ssl.SSLWantReadError:
                await self._drain()
                await self.feed()
            except BaseException:
                with contextlib.suppress(OSError):
                    await self._drain()
                raise
            else:
                await self._drain()
                return result

    async def feed(self) -> None:
        """Take what the other side sent."""
        data = await super().recv()
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def shake(self) -> TLSPeer:
        await self._step(self.tls.do_handshake)
        return self

    async def send(self, data: bytes) -> None:
        self.tls.write(data)
        await self._drain()

    def send_now(self, data: bytes) -> None:
        self.tls.write(data)
        self.sock.send(self._outgoing.read())

    async def recv(self, size: int = 65536) -> bytes:
        """Read; empty when the other side said goodbye."""
        try:
            return await self._step(self.tls.read, size)
        except ssl.SSLZeroReturnError:
            return b""
        except ssl.SSLError as exc:
            raise ConnectionResetError from exc  # it left without goodbye

    def say_goodbye(self) -> None:
        """Send our close_notify, and go on reading."""
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass  # the other side's has not come, or data comes before it
        self.sock.send(self._outgoing.read())

    def close(self) -> None:
        """Say goodbye if that is possible, and leave."""
        try:
            self.say_goodbye()
        except OSError:
            pass
        self.sock.close()

    half_close = say_goodbye


async def served(reactor: Any, protocol: Any = Recorder) -> tuple[Any, Peer, Any]:
    """Listen, connect a raw peer, and return the port, the peer and the server's protocol."""
    factory = protocol if isinstance(protocol, Factory) else Recording(protocol)
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    peer = await Peer.connect(port)
    return port, peer, await factory.next()


async def end(port: Any, *peers: Peer) -> None:
    """Close peers and port, and let the loop take notice."""
    for peer in peers:
        peer.close()
    await port.stopListening()
    await turn(4)
