"""A TLS client on a plain socket, whose every record is under control.  No certificate is looked at."""

from __future__ import annotations

import socket
import ssl

from tests.soak.crowd import Crowd

__all__ = ["Secure"]


class Secure:
    """One connection.

    Args:
        crowd: who comes.
        sock: connected.
        protocols: offered by ALPN.
    """

    def __init__(self, crowd: Crowd, sock: socket.socket, *protocols: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if protocols:
            context.set_alpn_protocols(protocols)
        self._crowd, self.sock = crowd, sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")

    @classmethod
    async def connect(cls, crowd: Crowd, name: str, *protocols: str) -> Secure:
        """Connect and shake hands."""
        self = cls(crowd, await crowd.connect(name), *protocols)
        await self.shake_hands()
        return self

    def __enter__(self) -> Secure:
        return self

    def __exit__(self, *error: object) -> None:
        self.sock.close()

    def hello(self) -> bytes:
        """Return the first flight."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self._outgoing.read()

    async def shake_hands(self) -> None:
        while True:
            try:
                self._object.do_handshake()
            except ssl.SSLWantReadError:
                await self._send()
                await self._receive()
            else:
                await self._send()
                return

    async def _send(self) -> None:
        await self._crowd.say(self.sock, self._outgoing.read())

    async def _receive(self) -> None:
        self._incoming.write(await self._crowd.hear_answer(self.sock))

    async def say(self, data: bytes) -> None:
        self._object.write(data)
        await self._send()

    async def hear(self) -> bytes:
        """Return what comes, b"" for the end, be it a goodbye or none."""
        while True:
            try:
                return self._object.read(65536)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return b""
            try:
                await self._receive()
            except ConnectionError:
                return b""

    async def hear_end(self) -> bytes:
        heard = bytearray()
        while data := await self.hear():
            heard += data
        return bytes(heard)

    async def say_goodbye(self) -> None:
        """Send a close_notify, and wait for no answer."""
        try:
            self._object.unwrap()
        except ssl.SSLError:
            pass
        await self._send()

    def reset(self) -> None:
        self._crowd.reset(self.sock)
