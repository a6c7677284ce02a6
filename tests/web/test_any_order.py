"""Pipelined uploads over HTTP/1.1 that are answered early, late or not at all, however the bytes are cut: answers keep the order
of requests, nothing is taken for a request that is none, and nothing is left at the end."""

from __future__ import annotations

import re

from hypothesis import given, settings, strategies as st

from selvage.web.http import Limits
from tests.web.http2.test_any_order import Uploads, nothing_is_reported as nothing_is_reported
from tests.web.serving import Server, body

KINDS = ["early", "late", "slowly", "in_part"]
SIZES = st.sampled_from([1, 10, 5000, 70_000, 150_000])
REQUESTS = st.tuples(st.sampled_from(KINDS), st.booleans(), SIZES, st.booleans(), st.booleans())

#: What a body is made of, that would be answered if it were taken for a request.
TRAP = b"GET /trap HTTP/1.1\r\nHost: trap\r\n\r\n"


def upload(number: int, kind: str, whole: bool, size: int, chunked: bool, expects: bool) -> bytes:
    content = (TRAP * (size // len(TRAP) + 1))[:size]
    head = b"POST /%b/%d/%b HTTP/1.1\r\nHost: a\r\n" % (
        b"whole" if whole else b"as-it-comes",
        number,
        kind.encode(),
    )
    if expects:
        head += b"Expect: 100-continue\r\n"
    if not chunked:
        return head + b"Content-Length: %d\r\n\r\n" % size + content
    chunks = [content[at : at + 7000] for at in range(0, size, 7000)]
    return (
        head
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
        + b"0\r\n\r\n"
    )


class Numbered(Uploads):
    """Says which request it answers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    def render_POST(self, request):
        number = int(request.uri.split(b"/")[2])
        self.asked.append(number)
        request.setHeader(b"x-number", b"%d" % number)
        return super().render_POST(request)

    def render_GET(self, request):
        raise AssertionError("a body was taken for a request")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(REQUESTS, min_size=1, max_size=6),
    st.lists(st.integers(1, 40_000), min_size=1, max_size=8),
    st.lists(st.booleans(), min_size=1, max_size=8),
    st.sampled_from([1000, 262_144]),
    st.booleans(),
)
def test_answers_keep_the_order_and_nothing_is_left(requests, cuts, opens, discard_bytes, lose):
    uploads = Numbered()
    server = Server(uploads, limits=Limits(discard_bytes=discard_bytes))
    stream = b"".join(upload(number, *request) for number, request in enumerate(requests))
    if lose:
        stream = stream[: len(stream) * 2 // 3]

    def open_one() -> None:
        gate = uploads.gates.pop(0)
        if not gate.called:
            gate.callback(b"late")

    at = step = 0
    while at < len(stream) and not server.closing:
        if server.transport.producerState == "paused" or opens[step % len(opens)]:
            if uploads.gates:
                open_one()
            elif server.transport.producerState == "paused":
                break
        if server.transport.producerState != "paused":
            size = cuts[step % len(cuts)]
            server.protocol.dataReceived(stream[at : at + size])
            at += size
        step += 1
    while uploads.gates and not lose:
        open_one()
    answered = [int(number) for number in re.findall(rb"\r\nX-Number: (\d+)\r\n", server.answered())]
    assert answered == list(range(len(answered))) and b"trap" not in body(server.answered())
    assert uploads.asked == list(range(len(uploads.asked)))
    if not lose and not server.closing:
        assert at >= len(stream) and len(answered) == len(requests)
        assert len(server.clock.getDelayedCalls()) == 1  # the one for an idle connection
    server.close()
    assert server.clock.getDelayedCalls() == []
