"""How wide the windows are that a client may fill: of bodies that are read as they come, and of others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hyperframe.frame import Frame, WindowUpdateFrame

from selvage.defer import Deferred
from selvage.web._http2_windows import READ_BYTES, WIDE_BYTES, WIDE_STREAMS
from selvage.web.resource import Resource
from tests.web.http2.peer import END_HEADERS, END_STREAM, POST, Peer, data, of_kind, reset

#: What RFC 9113 gives a stream to begin with.
NARROW = 65535

PIECE = b"x" * 16384


class Prompt(Resource):
    """Reads what it is sent as it comes, and counts it."""

    isLeaf = True
    streams_body = True

    async def render_POST(self, request: Any) -> bytes:
        read = 0
        async for piece in request.body:
            read += len(piece)
        return b"%d" % read


class Idle(Prompt):
    """Reads nothing."""

    async def render_POST(self, request: Any) -> bytes:
        await Deferred()
        return b""


class Uploads(Peer):
    """A client that keeps count of what it may send."""

    def __init__(self, resource: Any) -> None:
        super().__init__(resource)
        self.windows = {0: NARROW}
        self.updates = 0
        self.sent = 0

    def begin(self, *streams: int) -> None:
        for stream in streams:
            self.windows[stream] = NARROW
            self.note(self.send(self.headers(stream, POST, END_HEADERS)))

    def note(self, frames: Iterable[Frame]) -> list[Frame]:
        found = list(frames)
        for one in of_kind(found, WindowUpdateFrame):
            self.updates += 1
            self.windows[one.stream_id] += one.window_increment
        return found

    def room(self, stream: int) -> int:
        return min(self.windows[stream], self.windows[0])

    def piece(self, stream: int, content: bytes = PIECE, flags: int = 0) -> list[Frame]:
        self.windows[stream] -= len(content)
        self.windows[0] -= len(content)
        self.sent += len(content)
        return self.note(self.send(data(stream, content, flags)))

    def fill(self, stream: int, most: int) -> None:
        """Send as much as one may, up to so many bytes."""
        before = self.sent
        while self.room(stream) and self.sent - before < most:
            self.piece(stream, PIECE[: self.room(stream)])


def test_a_body_that_is_read_as_it_comes_may_be_far_ahead() -> None:
    client = Uploads(Prompt())
    client.begin(1)
    client.fill(1, 10 * WIDE_BYTES)
    assert client.sent >= 10 * WIDE_BYTES
    assert WIDE_BYTES // 2 <= client.room(1) <= WIDE_BYTES
    # Told half a window at a time, of the stream; of the connection less often still.
    assert client.updates < 50
    assert client.answers(client.piece(1, b"", END_STREAM)) == [(200, b"%d" % client.sent)]


def test_so_may_one_that_is_kept_until_it_is_whole() -> None:
    class Whole(Resource):
        isLeaf = True

        def render_POST(self, request: Any) -> bytes:
            return b"%d" % len(request.content.read())

    client = Uploads(Whole())
    client.begin(1)
    client.fill(1, 3 * WIDE_BYTES)
    assert WIDE_BYTES // 2 <= client.room(1) <= WIDE_BYTES
    assert client.answers(client.piece(1, b"", END_STREAM)) == [(200, b"%d" % client.sent)]


def test_little_bodies_cost_no_frame() -> None:
    client = Uploads(Prompt())
    client.begin(1)
    assert client.answers(client.piece(1, PIECE, END_STREAM)) == [(200, b"16384")]
    assert client.updates == 0


def test_a_body_that_is_at_its_end_gets_no_wide_window() -> None:
    client = Uploads(Prompt())
    client.begin(1)
    client.fill(1, READ_BYTES - len(PIECE))

    client.windows[1] -= len(PIECE)
    client.note(client.send(data(1, PIECE), data(1, b"", END_STREAM)))
    assert client.windows[1] <= NARROW


def test_who_reads_nothing_is_sent_no_more_than_is_kept_and_one_window() -> None:
    client = Uploads(Idle())
    client.begin(1)
    client.fill(1, 10 * WIDE_BYTES)
    assert NARROW <= client.sent <= 65536 + NARROW and client.windows[1] == 0
    # Others are not held up.
    assert client.windows[0] > NARROW // 2


def test_a_reader_that_stops_keeps_one_wide_window_and_what_waits_is_read_in_the_end() -> None:
    gate: Deferred[None] = Deferred()

    class Halting(Prompt):
        async def render_POST(self, request: Any) -> bytes:
            read = 0
            async for piece in request.body:
                read += len(piece)
                if 300_000 < read < 300_000 + len(piece) + 1 and not gate.called:
                    await gate
            return b"%d" % read

    client = Uploads(Halting())
    client.begin(1)
    client.fill(1, 10 * WIDE_BYTES)
    assert WIDE_BYTES <= client.sent <= 300_000 + len(PIECE) + WIDE_BYTES + WIDE_BYTES // 2
    assert client.windows[1] == 0 and client.windows[0] > WIDE_BYTES
    gate.callback(None)
    client.note(client.heard())
    client.fill(1, WIDE_BYTES)
    assert client.answers(client.piece(1, b"", END_STREAM)) == [(200, b"%d" % client.sent)]


def test_so_many_streams_are_wide_at_a_time_and_no_more() -> None:
    client = Uploads(Prompt())
    streams = [1 + 2 * n for n in range(WIDE_STREAMS + 2)]
    client.begin(*streams)
    for stream in streams:
        client.fill(stream, READ_BYTES)
    wide = [stream for stream in streams if client.windows[stream] > NARROW]
    assert wide == streams[:WIDE_STREAMS]
    assert client.windows[0] <= NARROW + WIDE_STREAMS * WIDE_BYTES

    client.piece(1, b"", END_STREAM)  # one is done, by its end
    client.note(client.send(reset(3)))  # another by a reset
    for stream in streams[WIDE_STREAMS:]:
        client.fill(stream, READ_BYTES)
        assert client.windows[stream] > NARROW
    assert client.windows[0] <= NARROW + WIDE_STREAMS * WIDE_BYTES
