"""Line protocols: modes, pauses, limits, and what a hook may do in the middle of a segment."""

from __future__ import annotations

from typing import Any

import pytest

from selvage.protocols import Protocol
from selvage.protocols._framing import FRAMES_AT_ONCE, LineBuffer
from selvage.protocols.basic import LineOnlyReceiver, LineReceiver
from selvage.testing import StringTransport

KINDS = [LineReceiver, LineOnlyReceiver]


class Notes:
    """Mixed into a line protocol: keeps its lines, and does what `acts` says about one of them."""

    def __init__(self, **acts: Any) -> None:
        self.lines: list[Any] = []
        self.acts = {name.encode(): act for name, act in acts.items()}

    def lineReceived(self, line: bytes) -> Any:
        self.lines.append(line)
        act = self.acts.get(line)
        return None if act is None else act(self)

    def rawDataReceived(self, data: bytes) -> None:
        self.lines.append(("raw", data))


def connected(kind: type[Any], **acts: Any) -> Any:
    protocol = type("Told", (Notes, kind), {"delimiter": b"\n"})(**acts)
    protocol.makeConnection(StringTransport())
    return protocol


@pytest.mark.parametrize("kind", KINDS)
def test_line_received_has_to_be_overridden(kind: type[Any]) -> None:
    with pytest.raises(NotImplementedError, match="has to override lineReceived"):
        kind().lineReceived(b"x")


def test_raw_data_received_has_to_be_overridden() -> None:
    with pytest.raises(NotImplementedError, match="has to override rawDataReceived"):
        LineReceiver().rawDataReceived(b"x")


@pytest.mark.parametrize("kind", KINDS)
def test_closing_ends_the_delivery(kind: type[Any]) -> None:
    """Not one line more, neither from this segment nor from a later one."""
    told = connected(kind, close=lambda self: self.transport.loseConnection())
    told.dataReceived(b"a\nclose\nb\n")
    told.dataReceived(b"c\n")
    assert told.lines == [b"a", b"close"]


@pytest.mark.parametrize("kind", KINDS)
def test_transport_without_disconnecting_or_none_at_all(kind: type[Any]) -> None:
    told = connected(kind)
    told.transport = object()
    told.dataReceived(b"a\nb\n")
    told.transport = None
    told.dataReceived(b"c\n")
    assert told.lines == [b"a", b"b", b"c"]


@pytest.mark.parametrize("kind", KINDS)
def test_data_received_within_a_hook_comes_after_what_waits(kind: type[Any]) -> None:
    told = connected(kind, more=lambda self: self.dataReceived(b"inner\n"))
    told.dataReceived(b"more\nb\npart")
    told.dataReceived(b"ial\n")
    assert told.lines == [b"more", b"b", b"partinner", b"ial"]


@pytest.mark.parametrize("kind", KINDS)
def test_delimiter_and_limit_hold_from_the_next_line(kind: type[Any]) -> None:
    def change(self: Any) -> None:
        self.delimiter = b";"
        self.MAX_LENGTH = 4

    told = connected(kind, change=change)
    told.lineLengthExceeded = lambda line: told.lines.append("too long")
    told.dataReceived(b"change\na\nb;12345;c;")
    assert told.lines[:3] == [b"change", b"a\nb", "too long"]


@pytest.mark.parametrize("kind", KINDS)
def test_exception_keeps_what_was_not_delivered(kind: type[Any]) -> None:
    def fail(self: Any) -> None:
        raise ZeroDivisionError

    told = connected(kind, fail=fail)
    with pytest.raises(ZeroDivisionError):
        told.dataReceived(b"a\nfail\nb\nc")
    assert told._buffer == b"b\nc"
    told.dataReceived(b"\n")
    assert told.lines == [b"a", b"fail", b"b", b"c"]


@pytest.mark.parametrize("kind", KINDS)
def test_buffer_of_older_programs(kind: type[Any]) -> None:
    """`_buffer` is what waits; setting it replaces that."""
    seen: list[bytes] = []
    told = connected(kind, look=lambda self: seen.append(self._buffer))
    assert told._buffer == b""
    told._buffer = b"look\nb"
    told.dataReceived(b"\nc\nd")
    assert seen == [b"b\nc\nd"]
    assert told._buffer == b"d"
    told._buffer = b"x"
    told.dataReceived(b"y\n")
    assert told.lines == [b"look", b"b", b"c", b"xy"]


@pytest.mark.parametrize("kind", KINDS)
def test_more_lines_than_are_cut_at_once(kind: type[Any]) -> None:
    told = connected(kind)
    lines = [b"%d" % number for number in range(3 * FRAMES_AT_ONCE + 5)]
    told.dataReceived(b"\n".join(lines) + b"\nrest")
    assert (told.lines, told._buffer) == (lines, b"rest")


@pytest.mark.parametrize("kind", KINDS)
def test_limit_does_not_count_a_delimiter_in_two_pieces(kind: type[Any]) -> None:
    told = connected(kind)
    told.delimiter = b"\r\n"
    told.MAX_LENGTH = 4
    told.dataReceived(b"abcd\r")
    told.dataReceived(b"\n")
    assert (told.lines, told.transport.disconnecting) == ([b"abcd"], False)
    told.dataReceived(b"abcde\r")
    assert told.transport.disconnecting


@pytest.mark.parametrize("kind", KINDS)
def test_endless_line_closes_before_it_ends(kind: type[Any]) -> None:
    told = connected(kind)
    for _ in range(told.MAX_LENGTH):
        told.dataReceived(b"x")
    assert not told.transport.disconnecting
    told.dataReceived(b"x")
    assert told.transport.disconnecting
    assert told.lines == []


def test_line_only_receiver_goes_on_after_a_hook_that_did_not_close() -> None:
    told = connected(LineOnlyReceiver)
    told.MAX_LENGTH = 3
    told.lineLengthExceeded = lambda line: told.lines.append(("too long", line))
    told.dataReceived(b"a\nlong line\nb\nlonger still")
    told.dataReceived(b"\nc\n")
    assert told.lines[:4] == [b"a", ("too long", b"long line"), b"b", ("too long", b"longer still")]
    assert told.lines[-1] == b"c"


def test_line_only_receiver_returns_what_the_hook_returns() -> None:
    told = connected(LineOnlyReceiver)
    told.MAX_LENGTH = 1
    told.lineLengthExceeded = lambda line: "enough"
    assert told.dataReceived(b"long\n") == "enough"


def test_line_receiver_hands_over_all_that_waits_when_a_line_is_too_long() -> None:
    told = connected(LineReceiver)
    told.MAX_LENGTH = 3

    def exceeded(data: bytes) -> Any:
        told.lines.append(("too long", data))
        told.setLineMode(data.partition(b"\n")[2])

    told.lineLengthExceeded = exceeded
    told.dataReceived(b"a\nlong line\nb\nrest")
    assert told.lines == [b"a", ("too long", b"long line\nb\nrest"), b"b", ("too long", b"rest")]


def test_true_result_ends_the_delivery() -> None:
    told = connected(LineReceiver, stop=lambda self: "why")
    assert told.dataReceived(b"a\nstop\nb\n") == "why"
    assert told.lines == [b"a", b"stop"]
    assert told.dataReceived(b"") is None
    assert told.lines == [b"a", b"stop", b"b"]


def test_raw_mode_begins_at_the_very_next_byte() -> None:
    told = connected(LineReceiver, raw=lambda self: self.setRawMode())
    told.dataReceived(b"a\nraw\nb\nc")
    assert told.lines == [b"a", b"raw", ("raw", b"b\nc")]
    told.dataReceived(b"d\n")
    assert told.lines[-1] == ("raw", b"d\n")
    told.setLineMode(b"e\nf")
    told.dataReceived(b"\n")
    assert told.lines[-2:] == [b"e", b"f"]


def test_raw_result_is_returned() -> None:
    told = connected(LineReceiver)
    told.rawDataReceived = lambda data: "why"
    told.setRawMode()
    assert told.dataReceived(b"x") == "why"


def test_mode_may_be_set_in_the_class_body() -> None:
    class Raw(Notes, LineReceiver):
        line_mode = 0

    class Paused(Notes, LineReceiver):
        paused = True

    raw, paused = Raw(), Paused()
    for each in (raw, paused):
        each.makeConnection(StringTransport())
        each.dataReceived(b"x\r\n")
    assert (raw.lines, paused.lines) == ([("raw", b"x\r\n")], [])
    paused.resumeProducing()
    assert paused.lines == [b"x"]


def test_assigned_mode_and_pause_take_effect_within_the_segment() -> None:
    told = connected(
        LineReceiver,
        raw=lambda self: setattr(self, "line_mode", 0),
        wait=lambda self: setattr(self, "paused", True),
    )
    told.dataReceived(b"wait\nraw\nb\n")
    assert told.lines == [b"wait"]
    told.paused = False
    told.dataReceived(b"c")
    assert told.lines == [b"wait", b"raw", ("raw", b"b\nc")]


def test_pausing_holds_the_rest_of_the_segment() -> None:
    told = connected(LineReceiver, wait=lambda self: self.pauseProducing())
    told.dataReceived(b"a\nwait\nb\n")
    told.dataReceived(b"c\n")
    assert (told.lines, told.transport.producerState) == ([b"a", b"wait"], "paused")
    told.resumeProducing()
    assert (told.lines, told.transport.producerState) == ([b"a", b"wait", b"b", b"c"], "producing")


def test_stopping_delivers_nothing_more() -> None:
    told = connected(LineReceiver, halt=lambda self: self.stopProducing())
    told.dataReceived(b"a\nhalt\nb\n")
    told.dataReceived(b"c\n")
    assert told.lines == [b"a", b"halt"]
    assert told.transport.producerState == "stopped"


def test_resuming_within_the_hook_that_paused() -> None:
    def hiccup(self: Any) -> None:
        self.pauseProducing()
        self.resumeProducing()

    told = connected(LineReceiver, hiccup=hiccup)
    told.dataReceived(b"hiccup\nb\n")
    assert told.lines == [b"hiccup", b"b"]


def test_clearing_the_buffer_within_a_hook() -> None:
    taken: list[bytes] = []
    told = connected(LineReceiver, clear=lambda self: taken.append(self.clearLineBuffer()))
    assert told.clearLineBuffer() == b""
    told.dataReceived(b"a\nclear\nb\nc")
    assert (told.lines, taken) == ([b"a", b"clear"], [b"b\nc"])
    told.dataReceived(b"d\n")
    assert told.lines[-1] == b"d"


def test_switching_modes_many_times_neither_recurses_nor_goes_quadratic() -> None:
    class Flipping(LineReceiver):
        delimiter = b"\n"

        def __init__(self) -> None:
            self.count = 0

        def lineReceived(self, line: bytes) -> None:
            self.count += 1
            self.setRawMode()

        def rawDataReceived(self, data: bytes) -> None:
            self.setLineMode(data[1:])

    flipping = Flipping()
    flipping.makeConnection(StringTransport())
    flipping.dataReceived(b"x\nx" * 2000)
    assert flipping.count == 2000


def test_sending_adds_the_delimiter() -> None:
    for kind in KINDS:
        told = connected(kind)
        told.sendLine(b"x")
        assert told.transport.value() == b"x\n"


@pytest.mark.parametrize("kind", KINDS)
def test_sending_text_says_how_to_mend_it(kind: type[Any]) -> None:
    told = connected(kind)
    with pytest.raises(TypeError, match=r"sendLine\(\) takes bytes, not str: encode it"):
        told.sendLine("x")


@pytest.mark.parametrize("kind", KINDS)
def test_other_type_errors_of_sending_are_not_hidden(kind: type[Any]) -> None:
    class Broken:
        def write(self, data: bytes) -> None:
            raise TypeError("mine")

        def writeSequence(self, data: list[bytes]) -> None:
            raise TypeError("mine")

    protocol = kind()
    protocol.transport = Broken()
    with pytest.raises(TypeError, match="mine"):
        protocol.sendLine(b"x")


def test_a_plain_protocol_has_no_lines() -> None:
    """The guide's listing 5.1.2 calls sendLine on a Protocol; that is an AttributeError, as in Twisted."""
    with pytest.raises(AttributeError, match="sendLine"):
        Protocol().sendLine(b"x")  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [1000, 8000])
def test_single_bytes_cost_the_same_each(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is proportional to bytes: the searched prefix is not searched again."""
    buffer = LineBuffer()
    searched = 0
    join = LineBuffer._join

    def counting(self: LineBuffer, data: bytes, delimiter: bytes, limit: int) -> bytes:
        nonlocal searched
        before = self._searched
        result = join(self, data, delimiter, limit)
        searched += len(self._tail) - max(0, before - len(delimiter) + 1)
        return result

    monkeypatch.setattr(LineBuffer, "_join", counting)
    for _ in range(size):
        assert list(buffer.cut(b"x", b"\r\n", 10**6)) == []
    assert searched <= 3 * size
    assert list(buffer.cut(b"\r\n", b"\r\n", 10**6)) == [b"x" * size]
