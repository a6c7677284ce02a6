"""Who connects to the service: half of them behave, half do not.  Plain sockets on asyncio, seeded."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

__all__ = ["Behaviour", "Crowd", "sent_away"]

#: Seconds that a peer waits for the service before it gives up: only a service that hangs makes anyone wait so long.
PATIENCE_S = 30

#: What a peer does from its coming to its going.
Behaviour = Callable[["Crowd"], Awaitable[None]]


def sent_away() -> NoReturn:
    """Give up: the service has lost patience with who meant well."""
    raise ConnectionResetError("the service closed")


class Crowd:
    """Peers of one service.

    Args:
        where: what the service printed: numbers of its TCP and UDP ports, path of its UNIX socket.
        seed: the same seed makes the same choices.
        good, bad: what those do that behave, and what the others do.
    """

    def __init__(
        self, where: dict[str, Any], seed: int, good: Sequence[Behaviour], bad: Sequence[Behaviour]
    ) -> None:
        self.where = where
        self.random = random.Random(seed)
        self.did: Counter[str] = Counter()
        self.loop = asyncio.get_running_loop()
        self._good, self._bad = good, bad

    async def round(self, count: int) -> None:
        """Let so many peers come at once and wait until all have gone."""
        await asyncio.gather(*[self._come(self._choose()) for _ in range(count)])

    async def everybody(self) -> None:
        """Let one of each come at once and wait until all have gone."""
        await asyncio.gather(*[self._come(behave) for behave in (*self._good, *self._bad)])

    def _choose(self) -> Behaviour:
        return self.random.choice(self._good if self.random.random() < 0.5 else self._bad)

    async def _come(self, behave: Behaviour) -> None:
        self.did[behave.__name__] += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                await behave(self)
        except ConnectionError:
            self.did["cut off"] += 1
        except TimeoutError as error:
            raise TimeoutError(f"{behave.__name__} waited {PATIENCE_S} s for the service") from error

    # --- Sockets -----------------------------------------------------------------------------------------------

    async def connect_somehow(self) -> socket.socket:
        """Connect to the service of lines, by TCP or by its UNIX socket."""
        return await self.connect("unix" if self.random.random() < 0.3 else "tcp")

    async def connect(self, name: str) -> socket.socket:
        """Connect to where the service says that this is."""
        place = self.where[name]
        is_port = isinstance(place, int)
        sock = socket.socket(socket.AF_INET if is_port else socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        while True:
            try:
                await self.loop.sock_connect(sock, ("127.0.0.1", place) if is_port else place)
                return sock
            except BlockingIOError:  # a UNIX server's queue is full
                await asyncio.sleep(0.01)

    async def say(self, sock: socket.socket, data: bytes) -> None:
        await self.loop.sock_sendall(sock, data)

    async def hear(self, sock: socket.socket) -> bytes:
        return await self.loop.sock_recv(sock, 65536)

    async def hear_answer(self, sock: socket.socket) -> bytes:
        """Hear something; whoever was too slow for the service, because the machine was, has been cut off."""
        return await self.hear(sock) or sent_away()

    async def hear_end(self, sock: socket.socket) -> bytes:
        heard = bytearray()
        while data := await self.hear(sock):
            heard += data
        return bytes(heard)

    def leave(self, sock: socket.socket) -> None:
        """Go, by a reset or by closing."""
        if self.random.random() < 0.5:
            self.reset(sock)
        else:
            sock.close()

    @staticmethod
    def reset(sock: socket.socket) -> None:
        """Close so that the service is told of a reset, where there is such a thing."""
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
