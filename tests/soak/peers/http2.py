"""Peers that speak HTTP/2 over TLS, with the frames of `h2`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.settings

from tests.soak.crowd import Crowd, sent_away
from tests.soak.hurry import PATIENCE_S
from tests.soak.peers.http1 import FLOODS, LARGE, PENDING
from tests.soak.peers.secure import Secure
from tests.soak.served.lines import FLOOD_BYTES

__all__ = ["BAD", "GOOD"]

#: A window that no flood fills.
LARGE_WINDOW = 2**24


class Peer:
    """One connection; streams are named by their numbers."""

    def __init__(self, secure: Secure) -> None:
        self.secure = secure
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.status: dict[int, int] = {}
        self.bodies: dict[int, int] = {}
        self.ended: set[int] = set()
        self.is_over = False
        self.takes = True  # windows are opened again

    @classmethod
    async def connect(cls, crowd: Crowd, window: int | None = None) -> Peer:
        self = cls(await Secure.connect(crowd, "https", "h2"))
        self.h2.initiate_connection()
        if window is not None:
            self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        await self.flush()
        return self

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *error: object) -> None:
        self.secure.sock.close()

    async def flush(self) -> None:
        if data := self.h2.data_to_send():
            await self.secure.say(data)

    def ask(self, path: str, method: str = "GET", body: bool = False) -> int:
        """Begin a stream; nothing is sent before `flush`."""
        stream = int(self.h2.get_next_available_stream_id())
        pseudo = [(":method", method), (":path", path), (":scheme", "https"), (":authority", "a")]
        self.h2.send_headers(stream, pseudo, end_stream=not body)
        return stream

    async def hear(self, streams: Sequence[int] = ()) -> None:
        """Hear until these streams have ended; none: until the connection has."""
        while not streams or not self.ended.issuperset(streams):
            await self.hear_some()
            if self.is_over:
                break
        if streams and not self.ended.issuperset(streams):
            sent_away()

    async def hear_some(self) -> None:
        data = await self.secure.hear()
        self.is_over = self.is_over or not data
        for event in self.h2.receive_data(data):
            self._heard(event)
        if not self.is_over:
            await self.flush()

    def _heard(self, event: Any) -> None:
        stream = getattr(event, "stream_id", 0)
        if isinstance(event, h2.events.ResponseReceived):
            self.status[stream] = int(dict(event.headers)[":status"])
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[stream] = self.bodies.get(stream, 0) + len(event.data)
            if self.takes:
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
            self.ended.add(stream)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.is_over = True

    async def upload(self, path: str, size: int) -> int:
        """Send a body as far as the windows let it."""
        stream = self.ask(path, "POST", body=True)
        left = size
        while left:
            room = min(left, self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room:
                self.h2.send_data(stream, b"x" * room, end_stream=room == left)
                left -= room
                await self.flush()
            else:
                await self.hear_some()
                if stream in self.ended or self.is_over:
                    break
        return stream


# --- Those that behave -----------------------------------------------------------------------------------------


async def http2_many_at_once(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        streams = [peer.ask(f"/answer/{name}") for name in ("later", "hello", "by_hand", "session") * 5]
        await peer.flush()
        await peer.hear(streams)
        assert {peer.status[stream] for stream in streams} == {200}
        peer.h2.close_connection()
        await peer.flush()
        await peer.secure.say_goodbye()


async def http2_swallow_floods(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        streams = [peer.ask(path) for path in FLOODS]
        await peer.flush()
        await peer.hear(streams)
        assert [peer.bodies[stream] for stream in streams] == [FLOOD_BYTES] * 3


async def http2_upload(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        for path in ("/answer/", "/upload/all", "/upload/back"):
            stream = await peer.upload(path, 100_000)
            await peer.hear([stream])
            assert peer.status[stream] in (200, 408)


# --- Those that do not -----------------------------------------------------------------------------------------


async def http2_never_speak(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        await peer.hear()


async def http2_no_preface(crowd: Crowd) -> None:
    with await Secure.connect(crowd, "https", "h2") as secure:
        await secure.say(b"GET / HTTP/1.1\r\n\r\n")
        await secure.hear_end()


async def http2_garbage(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        # Mostly a frame longer than any may be; it is given time to come, since no answer is due.
        await peer.secure.say(crowd.random.randbytes(500))
        await peer.secure.hear_end()


async def http2_reset_at_once(crowd: Crowd) -> None:
    """Take back each request as soon as it is made; fewer than a flood."""
    with await Peer.connect(crowd) as peer:
        for name in ("later", "never", "by_hand", "flood", "iterator") * 3:
            peer.h2.reset_stream(peer.ask(f"/answer/{name}"))
        await peer.flush()
        last = peer.ask("/answer/hello")
        await peer.flush()
        await peer.hear([last])


async def http2_reset_in_the_answer(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        streams = [peer.ask(path) for path in FLOODS]
        await peer.flush()
        while len(peer.bodies) < len(streams):
            await peer.hear_some()
        for stream in streams:
            peer.h2.reset_stream(stream)
        last = peer.ask("/answer/hello")
        await peer.flush()
        await peer.hear([last])


async def http2_reset_in_the_body(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        for path in (
            "/answer/",
            "/upload/all",
            "/upload/later",
            "/upload/never",
            "/upload/none",
            "/upload/back",
        ):
            stream = peer.ask(path, "POST", body=True)
            peer.h2.send_data(stream, b"x" * 5000)
            await peer.flush()
            if crowd.random.random() < 0.5:
                await asyncio.sleep(0.01)
            peer.h2.reset_stream(stream)
        last = peer.ask("/answer/hello")
        await peer.flush()
        await peer.hear([last])


async def http2_abandon_streams(crowd: Crowd) -> None:
    """Be gone while answers are pending, bodies half sent, floods half taken."""
    peer = await Peer.connect(crowd)
    for path in (*[f"/answer/{name}" for name in PENDING], *FLOODS):
        peer.ask(path)
    for path in ("/answer/", "/upload/all", "/upload/never", "/upload/none", "/upload/back"):
        peer.h2.send_data(peer.ask(path, "POST", body=True), b"x" * 1000)
    await peer.flush()
    await peer.hear_some()
    crowd.leave(peer.secure.sock)


async def http2_body_that_stops(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        for path in ("/answer/", "/upload/all", "/upload/later", "/upload/none"):
            peer.h2.send_data(peer.ask(path, "POST", body=True), b"x" * 1000)
        await peer.flush()
        await peer.hear()


async def http2_body_that_nobody_reads(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        for path in ("/upload/none", "/upload/some"):
            stream = await peer.upload(path, LARGE)
            if not peer.is_over and stream not in peer.ended:
                await peer.hear([stream])


async def http2_window_that_stays_shut(crowd: Crowd) -> None:
    with await Peer.connect(crowd, window=0) as peer:
        for path in FLOODS:
            peer.ask(path)
        await peer.flush()
        await peer.hear()


async def http2_never_take_the_answer(crowd: Crowd) -> None:
    """Open the windows, and read nothing."""
    with await Peer.connect(crowd, window=LARGE_WINDOW) as peer:
        peer.h2.increment_flow_control_window(LARGE_WINDOW)
        for path in FLOODS:
            peer.ask(path)
        await peer.flush()
        await asyncio.sleep(1.5 * PATIENCE_S)


async def http2_crash(crowd: Crowd) -> None:
    with await Peer.connect(crowd) as peer:
        names = ("crash", "crash_later", "crash_midway", "crash_by_hand")
        streams = [peer.ask(f"/answer/{name}") for name in names]
        upload = peer.ask("/upload/crash", "POST", body=True)
        peer.h2.send_data(upload, b"x" * 1000)
        await peer.flush()
        await peer.hear([*streams, upload])


async def http2_go_away(crowd: Crowd) -> None:
    """Say that one goes while answers are pending, and go."""
    with await Peer.connect(crowd) as peer:
        for name in PENDING:
            peer.ask(f"/answer/{name}")
        await peer.flush()
        peer.h2.close_connection()
        await peer.flush()


GOOD = [http2_many_at_once, http2_swallow_floods, http2_upload]
BAD = [
    http2_never_speak,
    http2_no_preface,
    http2_garbage,
    http2_reset_at_once,
    http2_reset_in_the_answer,
    http2_reset_in_the_body,
    http2_abandon_streams,
    http2_body_that_stops,
    http2_body_that_nobody_reads,
    http2_window_that_stays_shut,
    http2_never_take_the_answer,
    http2_crash,
    http2_go_away,
]
