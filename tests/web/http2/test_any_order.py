"""Uploads that are answered early, late or not at all, in any order: nothing is left of them, and no window is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h2.exceptions
import pytest
from hypothesis import given, settings, strategies as st

from selvage import failure
from selvage.defer import Deferred
from selvage.web.http import Limits
from selvage.web.resource import Resource
from selvage.web.server import NOT_DONE_YET
from tests.web.test_http2 import REQUEST, Client

WINDOW = 65_535


@pytest.fixture(autouse=True)
def nothing_is_reported() -> Iterator[None]:
    """Here programs fail, and may."""
    failures: list[failure.Report] = []
    failure.subscribe(failures.append)
    yield
    failure.unsubscribe(failures.append)
    assert {report.failure.type for report in failures if report.source != "deferred"} <= {ZeroDivisionError}


class Uploads(Resource):
    """Does with a body what the path says; some wait for the test in between."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.gates: list[Deferred[bytes]] = []

    def streams_body(self, request: Any) -> bool:
        return not request.uri.startswith(b"/whole")

    def gate(self) -> Deferred[bytes]:
        self.gates.append(Deferred())
        return self.gates[-1]

    def render_POST(self, request: Any) -> Any:
        return getattr(self, request.uri.rpartition(b"/")[2].decode())(request)

    def early(self, request: Any) -> bytes:
        return b"e" * 100_000

    def late(self, request: Any) -> Any:
        return self.gate()

    async def slowly(self, request: Any) -> bytes:
        while await request.body.read(20_000):
            await self.gate()
        return b"slowly"

    async def in_part(self, request: Any) -> bytes:
        await request.body.read(10)
        return await self.gate()

    async def failing(self, request: Any) -> Any:
        await request.body.read(10)
        raise ZeroDivisionError

    async def failing_late(self, request: Any) -> Any:
        request.write(b"begun")
        await request.body.read(10)
        raise ZeroDivisionError

    async def aborting(self, request: Any) -> Any:
        await request.body.read(10)
        request.channel.abortConnection()
        return NOT_DONE_YET


KINDS = ["early", "late", "slowly", "in_part", "failing", "failing_late", "aborting"]
STEPS = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(KINDS), st.booleans(), st.booleans()),
    st.tuples(st.just("send"), st.integers(0, 9), st.integers(0, 16_000), st.booleans()),
    st.tuples(st.sampled_from(["reset", "open"]), st.integers(0, 9)),
    st.tuples(st.just("flush")),
)


class Uploader(Client):
    """A client whose streams may be ended by either side at any time."""

    def __init__(self, limits: Limits) -> None:
        self.going: list[int] = []
        super().__init__(Uploads(), limits=limits)

    def _heard(self, event: Any) -> None:
        try:
            super()._heard(event)
        except (h2.exceptions.StreamClosedError, KeyError):
            pass  # of a stream that this side has reset

    def do(self, what: str, *how: Any) -> None:
        gates = self.server.resource.gates
        if what == "ask":
            kind, whole, expects = how
            self.going.append(self.h2.get_next_available_stream_id())
            target = f"/{'whole' if whole else 'as-it-comes'}/{kind}"
            fields = [
                (name, {":method": "POST", ":path": target}.get(name, value)) for name, value in REQUEST
            ]
            self.h2.send_headers(self.going[-1], [*fields, *[("expect", "100-continue")] * expects])
        elif what == "flush":
            self.flush()
        elif what == "open" and gates:
            gate = gates.pop(how[0] % len(gates))
            if not gate.called:  # or it was cancelled
                gate.callback(b"late")
        elif self.going and what in ("send", "reset"):
            self.touch(self.going[how[0] % len(self.going)], *how[1:])

    def touch(self, stream: int, size: int | None = None, ends: bool = True) -> None:
        if ends:
            self.going.remove(stream)
        try:
            if size is None:
                self.h2.reset_stream(stream)
            else:
                room = self.h2.local_flow_control_window(stream)
                self.h2.send_data(stream, b"d" * min(room, size), end_stream=ends)
        except h2.exceptions.StreamClosedError:
            pass

    def end(self) -> None:
        """Let all come to its end."""
        while self.going:
            self.touch(self.going[0], *((0,) if self.going[0] % 4 == 1 else ()))
        self.flush()
        while self.server.resource.gates:
            self.do("open", 0)
            self.flush()
        self.server.clock.advance(1.5)
        self.flush()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(STEPS, min_size=15, max_size=60),
    st.sampled_from([0, 1000, 262_144]),
    st.sampled_from([None, 50_000]),
)
def test_nothing_is_left_and_no_window_is_lost(steps, discard_bytes, body_bytes):
    client = Uploader(Limits(discard_bytes=discard_bytes, body_bytes=body_bytes))
    for step in steps:
        client.do(*step)
    client.end()
    connection = client.server.protocol._channel
    assert client.ended is None and not client.server.closing
    assert not (
        connection.streams
        or connection.answers._pieces
        or connection.answers._sizes
        or connection.unread._left
    )
    # h2 opens the window when half of it is used, and we what is freed when that is worth a frame.
    assert client.h2.outbound_flow_control_window + connection.windows._to_open >= WINDOW // 2
    assert len(client.server.clock.getDelayedCalls()) == 1  # the one for an idle connection
