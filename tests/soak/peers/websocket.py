"""Peers that speak WebSocket, with the frames of `wsproto`."""

from __future__ import annotations

import asyncio
import socket

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Request,
    TextMessage,
)

from tests.soak.crowd import Crowd
from tests.soak.hurry import PATIENCE_S
from tests.soak.peers.http1 import get
from tests.soak.served.lines import FLOOD_BYTES, PIECE_BYTES

__all__ = ["BAD", "GOOD"]


class Peer:
    """One connection."""

    def __init__(self, crowd: Crowd, sock: socket.socket) -> None:
        self._crowd, self.sock = crowd, sock
        self._wire = WSConnection(ConnectionType.CLIENT)

    @classmethod
    async def connect(cls, crowd: Crowd) -> Peer:
        self = cls(crowd, await crowd.connect("http"))
        await self.say(Request(host="a", target="/talk"))
        assert isinstance((await self.hear())[0], AcceptConnection)
        return self

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *error: object) -> None:
        self.sock.close()

    async def say(self, event: Event) -> None:
        await self._crowd.say(self.sock, self._wire.send(event))

    async def hear(self) -> list[Event]:
        """Return what comes; nothing for the end."""
        while data := await self._crowd.hear(self.sock):
            self._wire.receive_data(data)
            if events := list(self._wire.events()):
                return events
        return []

    async def hear_close(self) -> int:
        """Hear until the service closes; return how many messages came before, and answer nothing."""
        messages = 0
        while events := await self.hear():
            messages += sum(isinstance(event, Message) and event.message_finished for event in events)
            if any(isinstance(event, CloseConnection) for event in events):
                break
        return messages


# --- Those that behave -----------------------------------------------------------------------------------------


async def websocket_talk(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        for number in range(5):
            await peer.say(TextMessage(f"message {number}"))
            assert await peer.hear() == [TextMessage(f"message {number}")]
        await peer.say(CloseConnection(1000))
        assert await peer.hear_close() == 0


async def websocket_swallow_a_flood(crowd: Crowd) -> None:
    """Take all that comes; then the connection ends, without a word."""
    with await Peer.connect(crowd) as peer:
        await peer.say(TextMessage("flood"))
        assert await peer.hear_close() == FLOOD_BYTES // PIECE_BYTES


async def websocket_be_told_goodbye(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        await peer.say(TextMessage("goodbye"))
        await peer.hear_close()
        await peer.say(CloseConnection(1000))
        await crowd.hear_end(peer.sock)


# --- Those that do not -----------------------------------------------------------------------------------------


async def websocket_gone_without_a_close(crowd: Crowd) -> None:
    peer = await Peer.connect(crowd)
    await peer.say(TextMessage("hello"))
    crowd.leave(peer.sock)


async def websocket_gone_in_a_flood(crowd: Crowd) -> None:
    peer = await Peer.connect(crowd)
    await peer.say(TextMessage("flood"))
    await peer.hear()
    crowd.leave(peer.sock)


async def websocket_gone_in_a_message(crowd: Crowd) -> None:
    peer = await Peer.connect(crowd)
    await peer.say(BytesMessage(b"x" * 10_000, message_finished=False))
    crowd.leave(peer.sock)


async def websocket_gone_at_the_handshake(crowd: Crowd) -> None:
    peer = Peer(crowd, await crowd.connect("http"))
    await peer.say(Request(host="a", target="/talk"))
    crowd.leave(peer.sock)


async def websocket_never_answer_a_close(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        await peer.say(TextMessage("goodbye"))
        await crowd.hear_end(peer.sock)


async def websocket_never_take_a_flood(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        await peer.say(TextMessage("flood"))
        await asyncio.sleep(0.5)


async def websocket_close_and_never_hear(crowd: Crowd) -> None:
    """Close in the midst of a flood, and take nothing of it."""
    with await Peer.connect(crowd) as peer:
        await peer.say(TextMessage("flood"))
        await peer.say(CloseConnection(1000))
        await asyncio.sleep(1.5 * PATIENCE_S)


async def websocket_break_the_rules(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        await crowd.say(peer.sock, b"\xff" * 50)
        await crowd.hear_end(peer.sock)


async def websocket_bad_handshake(crowd: Crowd) -> None:
    with await crowd.connect("http") as sock:
        await crowd.say(sock, get("/talk", "Upgrade: websocket", "Connection: Upgrade"))
        await crowd.hear_end(sock)


async def websocket_many_pings(crowd: Crowd) -> None:
    peer = await Peer.connect(crowd)
    for _ in range(500):
        await peer.say(Ping(b"x" * 100))
    crowd.leave(peer.sock)


async def websocket_crash(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        await peer.say(TextMessage("crash"))
        await peer.hear_close()


GOOD = [websocket_talk, websocket_swallow_a_flood, websocket_be_told_goodbye]
BAD = [
    websocket_gone_without_a_close,
    websocket_gone_in_a_flood,
    websocket_gone_in_a_message,
    websocket_gone_at_the_handshake,
    websocket_never_answer_a_close,
    websocket_never_take_a_flood,
    websocket_close_and_never_hear,
    websocket_break_the_rules,
    websocket_bad_handshake,
    websocket_many_pings,
    websocket_crash,
]
