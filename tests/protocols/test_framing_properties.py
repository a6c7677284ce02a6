"""Every framing protocol, fed its bytes in every split, tells the same story; garbage ends in a close.

The stories are compared with references of a few lines each that know the whole input from the start, so the quick ways
in `_framing.py` are also proven equal to the plain reading of the format.
"""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from selvage.protocols import Protocol
from selvage.protocols.basic import (
    Int8StringReceiver,
    Int16StringReceiver,
    Int32StringReceiver,
    LineOnlyReceiver,
    LineReceiver,
    NetstringReceiver,
)
from selvage.testing import StringTransport
from selvage.testing.strategies import every_split, pieces_of

LIMIT = 12
INTS = [Int8StringReceiver, Int16StringReceiver, Int32StringReceiver]


class Story:
    """Mixed into a protocol: notes what it hears, with a low limit so that random input meets it."""

    MAX_LENGTH = LIMIT

    def __init__(self) -> None:
        self.events: list[Any] = []

    def lineReceived(self, line: bytes) -> None:
        self.events.append(line)

    stringReceived = lineReceived

    def rawDataReceived(self, data: bytes) -> None:
        self.events.append(("raw", data))

    def lineLengthExceeded(self, line: bytes) -> None:
        self.events.append("too long")
        super().lineLengthExceeded(line)  # type: ignore[misc]

    def lengthLimitExceeded(self, length: int) -> None:
        self.events.append("too long")
        super().lengthLimitExceeded(length)  # type: ignore[misc]


def connected(kind: type[Any], **attributes: Any) -> Any:
    protocol = type("Told", (Story, kind), attributes)()
    protocol.makeConnection(StringTransport())
    return protocol


def feed(protocol: Protocol, pieces: list[bytes]) -> Any:
    for piece in pieces:
        protocol.dataReceived(piece)
    return protocol


# --- References: the plain reading of each format -----------------------------------------------------------------


def lines_of(data: bytes, delimiter: bytes) -> tuple[list[Any], bool]:
    """The story of lines, and whether it ends in a close."""
    events: list[Any] = []
    *lines, tail = data.split(delimiter)
    for line in lines:
        if len(line) > LIMIT:
            return [*events, "too long"], True
        events.append(line)
    if len(tail) >= LIMIT + len(delimiter):
        return [*events, "too long"], True
    return events, False


def frames_of(data: bytes, prefix: int) -> tuple[list[Any], bool]:
    """The story of strings with a length, and whether it ends in a close."""
    events: list[Any] = []
    while len(data) >= prefix:
        length = int.from_bytes(data[:prefix], "big")
        if length > LIMIT:
            return [*events, "too long"], True
        if len(data) < prefix + length:
            break
        events.append(data[prefix : prefix + length])
        data = data[prefix + length :]
    return events, False


def netstrings_of(data: bytes) -> tuple[list[Any], bool]:
    """The story of netstrings, and whether it ends in a close."""
    valid = {b"%d" % length: length for length in range(LIMIT + 1)}
    events: list[Any] = []
    while data:
        digits, colon, rest = data.partition(b":")
        if not colon:
            return events, digits not in valid
        if digits not in valid:
            return events, True
        length = valid[digits]
        if len(rest) <= length:
            break
        if rest[length : length + 1] != b",":
            return events, True
        events.append(rest[:length])
        data = rest[length + 1 :]
    return events, False


# --- Input that is likely to be interesting -----------------------------------------------------------------------

line_bytes = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"bcd", b"x" * LIMIT, b"\0", b"||", b"|"]), max_size=24
).map(b"".join)
frame_bytes = st.lists(
    st.one_of(
        st.binary(max_size=LIMIT).map(lambda s: b"\0\0\0" + bytes([len(s)]) + s),
        st.binary(max_size=LIMIT).map(lambda s: b"\0" + bytes([len(s)]) + s),
        st.binary(max_size=LIMIT).map(lambda s: bytes([len(s)]) + s),
        st.binary(max_size=4),
    ),
    max_size=12,
).map(b"".join)
netstring_bytes = st.lists(
    st.one_of(
        st.binary(max_size=LIMIT + 1).map(lambda s: b"%d:%b," % (len(s), s)),
        st.sampled_from(
            [b"0", b"1", b"12", b"13", b"01", b":", b",", b"a", b" ", b"-1:", b"+1:a,", b"\xb2:aa,"]
        ),
    ),
    max_size=10,
).map(b"".join)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [LineReceiver, LineOnlyReceiver])
@pytest.mark.parametrize("delimiter", [b"\r\n", b"\n", b"||", b"\r\n\r\n"])
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_lines_in_any_pieces(kind: type[Any], delimiter: bytes, data: st.DataObject) -> None:
    """Lines come out as `bytes.split` says, whatever the segments were; a line that is too long closes."""
    stream = data.draw(line_bytes)
    told = feed(connected(kind, delimiter=delimiter), data.draw(pieces_of(stream)))
    assert (told.events, told.transport.disconnecting) == lines_of(stream, delimiter)


@pytest.mark.slow
@pytest.mark.parametrize("kind", INTS)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_frames_in_any_pieces(kind: type[Any], data: st.DataObject) -> None:
    """Strings come out as their lengths say, whatever the segments were; a length that is too long closes."""
    stream = data.draw(frame_bytes)
    told = feed(connected(kind), data.draw(pieces_of(stream)))
    assert (told.events, told.transport.disconnecting) == frames_of(stream, kind.prefixLength)


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_netstrings_in_any_pieces(data: st.DataObject) -> None:
    """Netstrings come out whatever the segments were; anything else closes."""
    stream = data.draw(netstring_bytes)
    told = feed(connected(NetstringReceiver), data.draw(pieces_of(stream)))
    events, closed = netstrings_of(stream)
    assert told.events == events
    # A length is refused at its first wrong byte, which may be before the colon that the reference waits for.
    assert told.transport.disconnecting or not closed


@pytest.mark.parametrize(
    ("kind", "stream"),
    [
        (LineReceiver, b"one\r\ntwo\r\n\r\n\rthree\r\r\n\n\r\nrest"),
        (LineOnlyReceiver, b"one\r\ntwo\r\n\r\n\rthree\r\r\n\n\r\nrest"),
        (LineReceiver, b"x" * LIMIT + b"\r\n" + b"y" * LIMIT + b"\r"),
        (LineOnlyReceiver, b"x" * LIMIT + b"\r\n" + b"y" * LIMIT + b"\r"),
        (LineReceiver, b"ok\r\n" + b"x" * (LIMIT + 1) + b"\r\nnever\r\n"),
        (LineOnlyReceiver, b"ok\r\n" + b"x" * (LIMIT + 1) + b"\r\nnever\r\n"),
        (Int8StringReceiver, b"\x01a\x00\x05hello\x0c" + b"x" * LIMIT + b"\x0dnever"),
        (Int16StringReceiver, b"\0\x01a\0\0\0\x05hello\0\x0c" + b"x" * LIMIT + b"\x01\0never"),
        (Int32StringReceiver, b"\0\0\0\x01a\0\0\0\0\0\0\0\x05hello\xff\xff\xff\xffnever"),
        (NetstringReceiver, b"0:,1:a,12:" + b"x" * LIMIT + b",5:hello,"),
        (NetstringReceiver, b"1:a,2:aaa,1:b,"),
        (NetstringReceiver, b"1:a,01:a,"),
        (NetstringReceiver, b"1:a,13:" + b"x" * 13 + b","),
    ],
)
def test_every_cut_in_two_and_single_bytes(kind: type[Any], stream: bytes) -> None:
    """The chosen hard cases, cut at each place."""
    stories = [
        (told.events, told.transport.disconnecting)
        for told in (feed(connected(kind), pieces) for pieces in every_split(stream))
    ]
    assert all(story == stories[0] for story in stories)


@pytest.mark.parametrize("kind", [LineReceiver, LineOnlyReceiver, NetstringReceiver, *INTS])
@given(pieces=st.lists(st.binary(max_size=64), max_size=20))
@settings(max_examples=100, deadline=None)
def test_garbage_never_raises(kind: type[Any], pieces: list[bytes]) -> None:
    """Any bytes: no exception, no frame over the limit, and nothing delivered after the close."""
    told = feed(connected(kind), pieces)
    assert all(len(event) <= LIMIT for event in told.events if isinstance(event, bytes))
    before = list(told.events)
    if told.transport.disconnecting:
        feed(told, [b"a\r\n\0\0\0\1a1:a,"])
        assert told.events == before


class Moody(LineReceiver):
    """Obeys its lines: changes mode, delimiter and limit, pauses, takes the buffer back."""

    delimiter = b"\n"
    MAX_LENGTH = 1000

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.raw = 0

    def lineReceived(self, line: bytes) -> None:
        self.events.append(line)
        if line.startswith(b"raw"):
            self.raw = len(line)
            self.setRawMode()
        elif line == b"pause":
            self.pauseProducing()
        elif line == b"semi":
            self.delimiter = b";"
        elif line == b"crlf":
            self.delimiter = b"\r\n"
        elif line == b"again":
            self.dataReceived(b"")
        elif line == b"both":
            self.raw = 2
            self.pauseProducing()
            self.setRawMode()

    def rawDataReceived(self, data: bytes) -> None:
        mine, rest = data[: self.raw], data[self.raw :]
        self.raw -= len(mine)
        self.events.extend(bytes([byte]) for byte in mine)
        if not self.raw:
            self.events.append("line mode")
            self.setLineMode(rest)


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_a_protocol_that_changes_its_mind_in_any_pieces(data: st.DataObject) -> None:
    """Mode, delimiter and pauses take effect at the very next byte, whatever the segments were."""
    words = [b"raw", b"raw77", b"pause", b"semi", b"crlf", b"again", b"both", b"x", b""]
    ends = [b"\n", b";", b"\r\n", b"\n", b"\n"]
    part = st.tuples(st.sampled_from(words), st.sampled_from(ends)).map(b"".join)
    stream = b"".join(data.draw(st.lists(part, max_size=30)))

    def tell(pieces: list[bytes], resume_after_each: bool) -> list[Any]:
        protocol = Moody()
        protocol.makeConnection(StringTransport())
        for piece in pieces:
            protocol.dataReceived(piece)
            while resume_after_each and protocol.paused:
                protocol.resumeProducing()
        while protocol.paused:
            protocol.resumeProducing()
        return protocol.events

    whole = tell([stream], False)
    assert tell(data.draw(pieces_of(stream)), data.draw(st.booleans())) == whole
    assert tell([stream[at : at + 1] for at in range(len(stream))], True) == whole


class MoodyFrames(Int8StringReceiver):
    """Obeys its strings: pauses, changes the limit, eats from the buffer, receives more."""

    MAX_LENGTH = 6

    def __init__(self) -> None:
        self.events: list[Any] = []

    def stringReceived(self, string: bytes) -> None:
        self.events.append(string)
        if string == b"pause":
            self.pauseProducing()
        elif string == b"more":
            self.MAX_LENGTH = 200
        elif string == b"less":
            self.MAX_LENGTH = 6
        elif string == b"again":
            self.dataReceived(b"")

    def lengthLimitExceeded(self, length: int) -> None:
        self.events.append(length)
        super().lengthLimitExceeded(length)


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_frames_that_change_their_mind_in_any_pieces(data: st.DataObject) -> None:
    """Pauses and limits take effect at the very next string, whatever the segments were."""
    words = st.sampled_from([b"pause", b"more", b"less", b"again", b"x", b"", b"longer"])
    strings = data.draw(st.lists(words, max_size=20))
    stream = b"".join(struct.pack("!B", len(s)) + s for s in strings)

    def tell(pieces: list[bytes], resume_after_each: bool) -> list[Any]:
        protocol = MoodyFrames()
        protocol.makeConnection(StringTransport())
        for piece in pieces:
            protocol.dataReceived(piece)
            while resume_after_each and protocol.paused:
                protocol.resumeProducing()
        while protocol.paused:
            protocol.resumeProducing()
        return protocol.events

    whole = tell([stream], False)
    assert tell(data.draw(pieces_of(stream)), data.draw(st.booleans())) == whole
    assert tell([stream[at : at + 1] for at in range(len(stream))], True) == whole
