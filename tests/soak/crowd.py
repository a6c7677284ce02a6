"""Who connects to the service: half of them behave, half do not.  Plain sockets on asyncio, seeded."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["Crowd"]

#: Seconds that a peer waits for the service before it gives up: only a service that hangs makes anyone wait so long.
PATIENCE_S = 30


class Crowd:
    """Peers of one service.

    Args:
        where: what the service printed: numbers of its TCP and UDP ports, path of its UNIX socket.
        seed: the same seed makes the same choices.
    """

    def __init__(self, where: dict[str, Any], seed: int) -> None:
        self.where = where
        self.random = random.Random(seed)
        self.did: Counter[str] = Counter()
        self.loop = asyncio.get_running_loop()

    async def round(self, count: int) -> None:
        """Let so many peers come at once and wait until all have gone."""
        await asyncio.gather(*[self._come(self._choose()) for _ in range(count)])

    def _choose(self) -> Callable[[], Awaitable[None]]:
        return self.random.choice(GOOD if self.random.random() < 0.5 else BAD).__get__(self)

    async def _come(self, behave: Callable[[], Awaitable[None]]) -> None:
        self.did[behave.__name__] += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                await behave()
        except ConnectionError:
            self.did["cut off"] += 1

    # --- Sockets -----------------------------------------------------------------------------------------------

    async def _connect(self) -> socket.socket:
        unix = self.random.random() < 0.3
        family = socket.AF_UNIX if unix else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        address: Any = self.where["unix"] if unix else ("127.0.0.1", self.where["tcp"])
        while True:
            try:
                await self.loop.sock_connect(sock, address)
                return sock
            except BlockingIOError:  # a UNIX server's queue is full
                await asyncio.sleep(0.01)

    async def _say(self, sock: socket.socket, data: bytes) -> None:
        await self.loop.sock_sendall(sock, data)

    async def _hear(self, sock: socket.socket) -> bytes:
        return await self.loop.sock_recv(sock, 65536)

    async def _hear_end(self, sock: socket.socket) -> bytes:
        heard = bytearray()
        while data := await self._hear(sock):
            heard += data
        return bytes(heard)

    @staticmethod
    def _reset(sock: socket.socket) -> None:
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    # --- Those that behave -------------------------------------------------------------------------------------

    async def talk(self) -> None:
        with await self._connect() as sock:
            for number in range(5):
                await self._say(sock, b"line %d\n" % number)
                assert (await self._hear(sock)).startswith(b"line")

    async def say_goodbye_first(self) -> None:
        with await self._connect() as sock:
            await self._say(sock, b"one\n")
            assert await self._hear(sock) == b"one\n"
            sock.shutdown(socket.SHUT_WR)
            assert await self._hear_end(sock) == b""

    async def ask_for_thought(self) -> None:
        with await self._connect() as sock:
            await self._say(sock, b"think\n")
            assert await self._hear(sock) == b"499500\n"

    async def ask_to_call_out(self) -> None:
        with await self._connect() as sock:
            await self._say(sock, b"call out\n")
            assert await self._hear(sock) == b"nobody there\n"

    async def swallow_a_flood(self) -> None:
        with await self._connect() as sock:
            await self._say(sock, b"flood\n")
            assert len(await self._hear_end(sock)) == 4_000_000

    async def send_datagrams(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect(("127.0.0.1", self.where["udp"]))
            await self._say(sock, b"ping")
            assert await self._hear(sock) == b"ping"

    # --- Those that do not -------------------------------------------------------------------------------------

    async def never_speak(self) -> None:
        with await self._connect() as sock:
            assert await self._hear_end(sock) == b""

    async def dribble_and_vanish(self) -> None:
        sock = await self._connect()
        for octet in b"a line that":
            await self._say(sock, bytes([octet]))
        self._reset(sock)

    async def never_end_a_line(self) -> None:
        with await self._connect() as sock:
            await self._say(sock, b"x" * 5000)
            await self._hear_end(sock)

    async def crash_the_handler(self) -> None:
        with await self._connect() as sock:
            await self._say(sock, b"crash\n")
            await self._hear_end(sock)

    async def leave_an_error_behind(self) -> None:
        with await self._connect() as sock:
            await self._say(sock, b"forget\n")
            assert await self._hear(sock) == b"forgotten\n"

    async def ask_for_a_flood_and_reset(self) -> None:
        sock = await self._connect()
        await self._say(sock, b"flood\n")
        await self._hear(sock)
        self._reset(sock)

    async def ask_for_thought_and_leave(self) -> None:
        sock = await self._connect()
        await self._say(sock, b"think\n")
        self._reset(sock)

    async def come_and_go(self) -> None:
        for _ in range(3):
            self._reset(await self._connect())

    async def linger_half_closed(self) -> None:
        with await self._connect() as sock:
            sock.shutdown(socket.SHUT_WR)
            await asyncio.sleep(0.05)
            await self._hear_end(sock)

    async def crash_with_a_datagram(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"crash", ("127.0.0.1", self.where["udp"]))
            sock.sendto(b"x" * 9000, ("127.0.0.1", self.where["udp"]))


GOOD = [
    Crowd.talk,
    Crowd.say_goodbye_first,
    Crowd.ask_for_thought,
    Crowd.ask_to_call_out,
    Crowd.swallow_a_flood,
    Crowd.send_datagrams,
]
BAD = [
    Crowd.never_speak,
    Crowd.dribble_and_vanish,
    Crowd.never_end_a_line,
    Crowd.crash_the_handler,
    Crowd.leave_an_error_behind,
    Crowd.ask_for_a_flood_and_reset,
    Crowd.ask_for_thought_and_leave,
    Crowd.come_and_go,
    Crowd.linger_half_closed,
    Crowd.crash_with_a_datagram,
]
