"""Strings with a length: limits, `recvd`, pauses, sending."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from selvage.protocols._framing import FRAMES_AT_ONCE, FrameBuffer, length_codec
from selvage.protocols.basic import (
    Int8StringReceiver,
    Int16StringReceiver,
    Int32StringReceiver,
    IntNStringReceiver,
    StringTooLongError,
)
from selvage.testing import StringTransport

KINDS = [Int8StringReceiver, Int16StringReceiver, Int32StringReceiver]


def encode(kind: Any, *strings: bytes) -> bytes:
    return b"".join(struct.pack(kind.structFormat, len(string)) + string for string in strings)


class Notes:
    """Mixed into a protocol: keeps its strings, and does what `acts` says about one of them."""

    def __init__(self, **acts: Any) -> None:
        self.strings: list[Any] = []
        self.acts = {name.encode(): act for name, act in acts.items()}

    def stringReceived(self, string: bytes) -> None:
        self.strings.append(string)
        if string in self.acts:
            self.acts[string](self)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def connected(kind: type[Any], **acts: Any) -> Any:
    protocol = type("Told", (Notes, kind), {})(**acts)
    protocol.makeConnection(StringTransport())
    return protocol


def test_string_received_has_to_be_overridden() -> None:
    with pytest.raises(NotImplementedError, match="has to override stringReceived"):
        Int8StringReceiver().stringReceived(b"x")


def test_sizes() -> None:
    assert [each.prefixLength for each in KINDS] == [1, 2, 4]


def test_more_strings_than_are_cut_at_once(kind: Any) -> None:
    told = connected(kind)
    strings = [b"%d" % number for number in range(3 * FRAMES_AT_ONCE + 5)]
    told.dataReceived(encode(kind, *strings) + encode(kind, b"rest")[:-1])
    assert told.strings == strings
    assert told.recvd == encode(kind, b"rest")[:-1]


def test_too_long_is_told_once_and_closes(kind: Any) -> None:
    told = connected(kind)
    told.MAX_LENGTH = 3
    lengths: list[int] = []
    close = told.lengthLimitExceeded
    told.lengthLimitExceeded = lambda length: (lengths.append(length), close(length))
    told.dataReceived(encode(kind, b"ok", b"long", b"ok"))
    told.dataReceived(encode(kind, b"ok"))
    assert (told.strings, lengths, told.transport.disconnecting) == ([b"ok"], [4], True)
    assert told.recvd == encode(kind, b"long", b"ok")


def test_too_long_without_a_close_is_decided_again(kind: Any) -> None:
    """A hook that neither closes nor consumes is asked at each segment; raising the limit lets the string through."""
    told = connected(kind)
    told.MAX_LENGTH = 3
    asked: list[int] = []
    told.lengthLimitExceeded = asked.append
    told.dataReceived(encode(kind, b"long"))
    told.dataReceived(b"")
    assert asked == [4, 4]
    told.MAX_LENGTH = 4
    told.dataReceived(b"")
    assert told.strings == [b"long"]


def test_too_long_may_be_skipped_by_the_hook(kind: Any) -> None:
    told = connected(kind)
    told.MAX_LENGTH = 3

    def skip(length: int) -> None:
        told.recvd = told.recvd[told.prefixLength + length :]

    told.lengthLimitExceeded = skip
    told.dataReceived(encode(kind, b"a", b"long", b"b"))
    assert told.strings == [b"a", b"b"]
    told.dataReceived(encode(kind, b"longer"))
    told.dataReceived(encode(kind, b"c"))
    assert told.strings == [b"a", b"b", b"c"]


def test_limit_changed_by_a_hook_holds_from_the_next_string(kind: Any) -> None:
    told = connected(kind, less=lambda self: setattr(self, "MAX_LENGTH", 1))
    told.dataReceived(encode(kind, b"less", b"a", b"ab"))
    assert (told.strings, told.transport.disconnecting) == ([b"less", b"a"], True)


def test_recvd_is_what_was_not_delivered(kind: Any) -> None:
    seen: list[bytes] = []
    told = connected(kind, look=lambda self: seen.append(self.recvd))
    assert told.recvd == b""
    told.dataReceived(encode(kind, b"look", b"a") + b"\0")
    assert seen == [encode(kind, b"a") + b"\0"]


def test_recvd_replaced_by_a_hook(kind: Any) -> None:
    told = connected(kind, swap=lambda self: setattr(self, "recvd", encode(kind, b"new")))
    told.dataReceived(encode(kind, b"swap", b"old"))
    assert told.strings == [b"swap", b"new"]
    told.recvd = encode(kind, b"out", b"side")[:-1]
    assert told._unprocessed == told.recvd
    told.dataReceived(b"e")
    assert told.strings[-2:] == [b"out", b"side"]


def test_recvd_set_before_anything_was_received(kind: Any) -> None:
    told = connected(kind)
    told.recvd = encode(kind, b"a")
    told.dataReceived(encode(kind, b"b"))
    assert told.strings == [b"a", b"b"]


def test_data_received_within_a_hook_comes_after_what_waits(kind: Any) -> None:
    told = connected(kind, more=lambda self: self.dataReceived(encode(kind, b"inner")))
    told.dataReceived(encode(kind, b"more", b"b"))
    assert told.strings == [b"more", b"b", b"inner"]


def test_closing_does_not_end_the_delivery_of_a_segment(kind: Any) -> None:
    """As in Twisted: what has arrived whole is delivered."""
    told = connected(kind, close=lambda self: self.transport.loseConnection())
    told.dataReceived(encode(kind, b"close", b"b"))
    assert told.strings == [b"close", b"b"]


def test_pausing_holds_the_rest(kind: Any) -> None:
    told = connected(kind, wait=lambda self: self.pauseProducing())
    data = encode(kind, b"wait", b"b")
    told.dataReceived(data[:-1])
    told.dataReceived(data[-1:])
    assert told.strings == [b"wait"]
    told.resumeProducing()
    assert told.strings == [b"wait", b"b"]


def test_exception_keeps_what_was_not_delivered(kind: Any) -> None:
    def fail(self: Any) -> None:
        raise ZeroDivisionError

    told = connected(kind, fail=fail)
    with pytest.raises(ZeroDivisionError):
        told.dataReceived(encode(kind, b"fail", b"b"))
    assert told.recvd == encode(kind, b"b")
    told.dataReceived(b"")
    assert told.strings == [b"fail", b"b"]


def test_sending(kind: Any) -> None:
    told = connected(kind)
    told.sendString(b"x" * 9)
    assert told.transport.value() == encode(kind, b"x" * 9)


@pytest.mark.parametrize("kind", [Int8StringReceiver, Int16StringReceiver])
def test_sending_too_much(kind: Any) -> None:
    told = connected(kind)
    most = 2 ** (8 * kind.prefixLength) - 1
    told.sendString(b"x" * most)
    told.transport.clear()
    with pytest.raises(StringTooLongError, match=f"send {most + 1} bytes whereas maximum is {most}"):
        told.sendString(b"x" * (most + 1))
    assert told.transport.value() == b""


def test_sending_text_says_how_to_mend_it() -> None:
    with pytest.raises(TypeError, match=r"sendString\(\) takes bytes, not str: encode it"):
        connected(Int8StringReceiver).sendString("x")
    with pytest.raises(TypeError, match="NoneType"):
        connected(Int8StringReceiver).sendString(None)


def test_overriding_data_received_and_sending_strings() -> None:
    """The guide's Echo: reads whatever arrives, answers in strings."""

    class Echo(Int32StringReceiver):
        def dataReceived(self, data: bytes) -> None:
            self.sendString(data[::-1])

    echo = Echo()
    echo.makeConnection(StringTransport())
    echo.dataReceived(b"abc")
    assert echo.transport.value() == b"\0\0\0\3cba"  # type: ignore[attr-defined]


def test_own_format() -> None:
    class LittleSigned(Notes, IntNStringReceiver):
        structFormat = "<h"
        prefixLength = 2
        MAX_LENGTH = 100

    told = LittleSigned()
    told.makeConnection(StringTransport())
    told.dataReceived(b"\2\0ab\xff\xff")
    assert told.strings == [b"ab"]
    assert told.transport.disconnecting  # type: ignore[attr-defined]


def test_format_and_length_that_disagree() -> None:
    class Wrong(IntNStringReceiver):
        structFormat = "!I"
        prefixLength = 2

    with pytest.raises(ValueError, match="'!I' describes 4 bytes, but prefixLength is 2"):
        Wrong().dataReceived(b"x")


def test_single_bytes_cost_the_same_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A string of known length is not joined before its last byte is there."""
    joined = 0
    join = FrameBuffer._join

    def counting(self: FrameBuffer, data: bytes) -> bytes:
        nonlocal joined
        result = join(self, data)
        joined += len(result)
        return result

    monkeypatch.setattr(FrameBuffer, "_join", counting)
    buffer = FrameBuffer()
    codec = length_codec("!I", 4)
    stream = encode(Int32StringReceiver, b"x" * 5000)
    strings = [s for at in range(len(stream)) for s in buffer.cut(stream[at : at + 1], codec, 10**6)]
    assert strings == [b"x" * 5000]
    assert joined < 2 * len(stream)
