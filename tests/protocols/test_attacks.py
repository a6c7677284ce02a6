"""Raw bytes that have hurt others' framing (../shared ATTACKS, by number)."""

from __future__ import annotations

import struct
import subprocess
import sys
from functools import partial
from typing import Any

import pytest

from selvage.protocols.basic import (
    Int8StringReceiver,
    Int16StringReceiver,
    Int32StringReceiver,
    LineOnlyReceiver,
    LineReceiver,
    NetstringReceiver,
)
from selvage.testing import StringTransport
from tests.work import bytes_allocated, calls_made


class Netstrings(NetstringReceiver):
    def __init__(self) -> None:
        self.strings: list[bytes] = []

    def stringReceived(self, string: bytes) -> None:
        self.strings.append(string)


class _Strings:
    def __init__(self) -> None:
        self.strings: list[bytes] = []
        self.refused: list[int] = []

    def stringReceived(self, string: bytes) -> None:
        self.strings.append(string)

    def lengthLimitExceeded(self, length: int) -> None:
        self.refused.append(length)
        super().lengthLimitExceeded(length)  # type: ignore[misc]


class Int8(_Strings, Int8StringReceiver):
    pass


class Int16(_Strings, Int16StringReceiver):
    pass


class Int32(_Strings, Int32StringReceiver):
    pass


class _Lines:
    def __init__(self) -> None:
        self.strings: list[bytes] = []

    def lineReceived(self, line: bytes) -> None:
        self.strings.append(line)


class Lines(_Lines, LineReceiver):
    pass


class OnlyLines(_Lines, LineOnlyReceiver):
    pass


def connected(kind: type[Any]) -> Any:
    protocol = kind()
    protocol.makeConnection(StringTransport())
    return protocol


def closing(protocol: Any) -> bool:
    transport = protocol.transport
    return bool(transport.disconnecting or transport.disconnected)


# --- Netstrings: what is a length ----------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [b"+1", b"-1", b"+0", b"-0"])
def test_attack_004_signed_length(length: bytes) -> None:
    protocol = connected(Netstrings)
    protocol.dataReceived(length + b":x,")
    assert closing(protocol)
    assert protocol.strings == []


@pytest.mark.parametrize(
    "length",
    [b"0x1", b"1_0", b" 1", b"1 ", b"\t1", b"01", b"00", b"001", b"1.0", b"1e0", b"", b"1\n", b"1\x00"],
)
def test_attack_012_lenient_number(length: bytes) -> None:
    protocol = connected(Netstrings)
    protocol.dataReceived(length + b":xxxxxxxxxx,")
    assert closing(protocol)
    assert protocol.strings == []


@pytest.mark.parametrize("digit", ["\u0661", "\u00b2", "\uff11", "\u0967"])
def test_attack_015_unicode_digit(digit: str) -> None:
    protocol = connected(Netstrings)
    protocol.dataReceived(digit.encode() + b":x,")
    assert closing(protocol)
    assert protocol.strings == []
    protocol = connected(Netstrings)
    protocol.dataReceived(b"1" + digit.encode("utf-16-le") + b":x,")
    assert closing(protocol)


@pytest.mark.parametrize("end", [b";", b"\n", b"", b"\x00"])
def test_attack_020_other_terminator(end: bytes) -> None:
    protocol = connected(Netstrings)
    protocol.dataReceived(b"3:abc" + end + b"3:def,")
    assert closing(protocol)
    assert protocol.strings == []


def test_attack_019_nothing_after_the_error_is_looked_at() -> None:
    protocol = connected(Netstrings)
    protocol.dataReceived(b"1:a,x")
    protocol.dataReceived(b"6:secret,")
    assert protocol.strings == [b"a"]
    assert closing(protocol)


# --- Caps ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Lines, OnlyLines, Netstrings, Int8, Int16, Int32])
def test_attack_098_every_framing_has_a_limit_from_the_start(kind: type[Any]) -> None:
    limit = kind.MAX_LENGTH
    assert isinstance(limit, int)
    assert 0 < limit <= 1 << 20


@pytest.mark.parametrize(
    ("kind", "announced"),
    [
        (Netstrings, b"100000:"),
        (Netstrings, b"99999999999999999999"),
        (Netstrings, b"9" * 100_000),
        (Int32, struct.pack("!I", 100_000)),
        (Int32, b"\xff\xff\xff\xff"),
    ],
)
def test_attack_043_too_much_is_refused_when_it_is_announced(kind: type[Any], announced: bytes) -> None:
    protocol = connected(kind)
    protocol.dataReceived(announced)
    assert closing(protocol)
    assert protocol.strings == []


@pytest.mark.parametrize(("kind", "prefix"), [(Int8, "!B"), (Int16, "!H")])
def test_attack_043_a_lower_limit_holds(kind: type[Any], prefix: str) -> None:
    protocol = connected(kind)
    protocol.MAX_LENGTH = 10
    protocol.dataReceived(struct.pack(prefix, 10) + b"x" * 10 + struct.pack(prefix, 11))
    assert protocol.strings == [b"x" * 10]
    assert protocol.refused == [11]
    assert closing(protocol)


@pytest.mark.parametrize("kind", [Lines, OnlyLines])
@pytest.mark.parametrize("piece", [1, 7, 1000, 1 << 20])
def test_attack_045_line_limit_holds_across_segments(kind: type[Any], piece: int) -> None:
    protocol = connected(kind)
    stream = b"ok\r\n" + b"x" * (protocol.MAX_LENGTH + 3)
    sent = 0
    while not closing(protocol) and sent < len(stream):
        protocol.dataReceived(stream[sent : sent + piece])
        sent += piece
    assert closing(protocol)
    assert protocol.strings == [b"ok"]


@pytest.mark.parametrize("kind", [Lines, Int32])
def test_attack_046_a_paused_protocol_reads_nothing_more(kind: type[Any]) -> None:
    class Pausing(kind):  # type: ignore[misc]
        def lineReceived(self, line: bytes) -> None:
            self.strings.append(line)
            self.pauseProducing()

        stringReceived = lineReceived

    protocol = connected(Pausing)
    protocol.dataReceived(b"a\r\n" * 50 if kind is Lines else b"\0\0\0\1a" * 50)
    assert protocol.strings == [b"a"]
    assert protocol.transport.producerState == "paused"  # the peer's next segments stay in the network


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        (Lines, lambda body: body + b"\r\n"),
        (OnlyLines, lambda body: body + b"\r\n"),
        (Netstrings, lambda body: b"%d:%b," % (len(body), body)),
        (Int32, lambda body: struct.pack("!I", len(body)) + body),
    ],
)
def test_attack_047_single_bytes_are_not_quadratic(kind: type[Any], frame: Any) -> None:
    def cost(size: int) -> int:
        stream = frame(b"x" * size)
        pieces = [stream[at : at + 1] for at in range(len(stream))]
        protocol = connected(kind)
        protocol.MAX_LENGTH = size

        def feed() -> None:
            for piece in pieces:
                protocol.dataReceived(piece)

        made = calls_made(feed)
        assert protocol.strings == [b"x" * size]
        return made

    # Eight times the bytes.  For lines, test_lines counts the bytes searched too.
    assert cost(16_000) < 10 * cost(2_000)


@pytest.mark.slow
@pytest.mark.parametrize("piece", [1, 7])
@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        (Lines, lambda body: body + b"\r\n"),
        (OnlyLines, lambda body: body + b"\r\n"),
        (Netstrings, lambda body: b"%d:%b," % (len(body), body)),
        (Int32, lambda body: struct.pack("!I", len(body)) + body),
    ],
)
def test_attack_047_small_pieces_are_not_copied_again_and_again(
    kind: type[Any], frame: Any, piece: int
) -> None:
    def cost(size: int) -> int:
        stream = frame(b"x" * size)
        pieces = [stream[at : at + piece] for at in range(0, len(stream), piece)]
        protocol = connected(kind)
        protocol.MAX_LENGTH = size
        copied = bytes_allocated(partial(protocol.dataReceived, each) for each in pieces)
        assert protocol.strings == [b"x" * size]
        return copied

    assert cost(40_000) < 12 * cost(5_000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Lines, OnlyLines, Netstrings, Int32])
def test_attack_047_very_many_empty_frames_are_not_quadratic(kind: type[Any]) -> None:
    empty = {Netstrings: b"0:,", Int32: b"\0\0\0\0"}.get(kind, b"\r\n")

    def cost(count: int) -> int:
        protocol = connected(kind)
        made = calls_made(lambda: protocol.dataReceived(empty * count))
        assert protocol.strings == [b""] * count
        return made

    assert cost(80_000) < 10 * cost(10_000)


@pytest.mark.slow
def test_attack_048_limits_do_not_hang_on_asserts() -> None:
    program = """
from selvage.protocols.basic import *
from selvage.testing import StringTransport
for kind, bad in [(LineReceiver, b"x" * 20000), (LineOnlyReceiver, b"x" * 20000), (NetstringReceiver, b"999999:"),
                  (NetstringReceiver, b"+1:x,"), (Int32StringReceiver, b"\\xff" * 4)]:
    protocol = kind()
    protocol.makeConnection(StringTransport())
    protocol.dataReceived(bad)
    if not (protocol.transport.disconnecting or protocol.transport.disconnected):
        raise SystemExit(f"{kind.__name__} took {bad[:10]!r}")
print("closed all")
"""
    done = subprocess.run([sys.executable, "-O", "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "closed all\n"), done.stderr
