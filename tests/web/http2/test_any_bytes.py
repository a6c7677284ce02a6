"""Whatever a client sends, and however it is cut: no exception, no report, and the same answers."""

from __future__ import annotations

from hypothesis import example, given, strategies as st

from tests.web.http2.peer import GET, POST, Peer, frame, settings

BLOCKS = st.sampled_from([b"", b"\x82\x86\x84\x01\x01a", b"\x83\x86\x84\x01\x01a\x0f\x0d\x011"])
PAYLOADS = st.one_of(
    BLOCKS,
    st.binary(max_size=20),
    st.integers(0, 2**32 - 1).map(lambda number: number.to_bytes(4, "big")),
    st.sampled_from([bytes(5), bytes(8), b"\0\4\0\0\0\1", b"\0\5\0\0\x40\0", b"\0\1\xff\xff\xff\xff"]),
)
FRAMES = st.builds(
    frame, st.integers(0, 11), st.integers(0, 255), st.sampled_from([0, 1, 1, 1, 2, 3, 5, 1 << 31]), PAYLOADS
)


def errors(frames):
    return {one.error_code for one in frames if one.type == 7}


@given(st.lists(FRAMES, max_size=12), st.binary(max_size=30), st.lists(st.integers(1, 60), max_size=20))
@example([frame(7, 0, 0, bytes(8)), *[frame(0, 0, 0, b"")] * 6], b"", [17])
def test_any_frames_are_read_or_refused_however_they_are_cut(frames, rest, sizes):
    sent = b"".join(frames) + rest
    whole, cut = Peer(), Peer()
    answer = whole.send(sent)
    pieces = []
    for size in [*sizes, len(sent)]:
        pieces += cut.send(sent[:size])
        sent = sent[size:]
    assert whole.closing == cut.closing
    # What comes in one segment may be reset before it is begun, so there may be less to answer, never another thing.
    assert set(whole.seen) <= set(cut.seen)
    # And who says goodbye is let go at once, before it errs.
    said, said_in_pieces = errors(answer), errors(pieces)
    assert said == said_in_pieces or (any(sent[3] == 7 for sent in frames) and not said_in_pieces)
    for peer in (whole, cut):
        peer.server.clock.advance(400)
        peer.server.clock.advance(400)
        assert peer.closing and peer.server.transport.disconnected


@given(st.binary(max_size=300))
def test_any_bytes_after_the_beginning_are_read_or_refused(data):
    peer = Peer()
    peer.send(data)
    peer.server.clock.advance(400)
    assert peer.closing


@given(st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=8)), max_size=6), st.booleans())
def test_any_fields_make_a_request_or_are_refused(fields, post):
    peer = Peer()
    frames = peer.send(settings(), peer.headers(1, [*(POST if post else GET), *fields]))
    assert len(peer.seen) == (peer.answers(frames)[:1] == [(200, b"fine")])
