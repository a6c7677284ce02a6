"""Netstrings, and strings sorted by a state."""

from __future__ import annotations

from typing import Any

import pytest

from selvage import _events
from selvage.protocols._framing import NetstringBuffer, NetstringParseError
from selvage.protocols.basic import (
    IncompleteNetstring,
    Int8StringReceiver,
    NetstringReceiver,
    StatefulStringProtocol,
)
from selvage.testing import StringTransport


class Notes(NetstringReceiver):
    def __init__(self) -> None:
        self.strings: list[bytes] = []

    def stringReceived(self, string: bytes) -> None:
        self.strings.append(string)
        if string == b"more":
            self.dataReceived(b"5:inner,")
        elif string == b"fail":
            raise ZeroDivisionError


def connected() -> Any:
    notes = Notes()
    notes.makeConnection(StringTransport())
    return notes


def test_string_received_has_to_be_overridden() -> None:
    with pytest.raises(NotImplementedError, match="has to override stringReceived"):
        NetstringReceiver().stringReceived(b"x")


@pytest.mark.parametrize(
    "stream",
    [
        b":",
        b"a",
        b" 1:a,",
        b"+1:a,",
        b"-1:a,",
        b"01:a,",
        b"00:,",
        b"1_0:",
        b"1 :a,",
        b"1:ab",
        b"0:a",
        b"99999999",
        b"100000",
    ],
)
def test_what_is_no_netstring_closes(stream: bytes) -> None:
    notes = connected()
    notes.dataReceived(b"1:x,")
    notes.dataReceived(stream)
    notes.dataReceived(b"1:y,")
    assert (notes.strings, notes.transport.disconnecting) == ([b"x"], True)


def test_limit_counts_the_string_only() -> None:
    notes = connected()
    notes.MAX_LENGTH = 3
    notes.dataReceived(b"3:abc,")
    assert notes.strings == [b"abc"]
    notes.dataReceived(b"4")
    assert notes.transport.disconnecting


def test_reconnecting_begins_anew() -> None:
    notes = connected()
    notes.dataReceived(b"x")
    notes.makeConnection(StringTransport())
    notes.dataReceived(b"1:a,")
    assert notes.strings == [b"a"]


def test_data_received_within_a_hook_comes_after_what_waits() -> None:
    notes = connected()
    notes.dataReceived(b"4:more,1:b,")
    assert notes.strings == [b"more", b"b", b"inner"]


def test_exception_keeps_what_was_not_delivered() -> None:
    notes = connected()
    with pytest.raises(ZeroDivisionError):
        notes.dataReceived(b"4:fail,1:b,")
    notes.dataReceived(b"1:c,")
    assert notes.strings == [b"fail", b"b", b"c"]


def test_sending() -> None:
    notes = connected()
    notes.sendString(b"hello")
    assert notes.transport.value() == b"5:hello,"
    with pytest.raises(TypeError, match="encode it"):
        notes.sendString("hello")


def test_buffer_collects_single_bytes() -> None:
    buffer = NetstringBuffer()
    for byte in b"12:hello ":
        buffer.feed(bytes([byte]))
        assert buffer.next_string(100) is None
    buffer.feed(b"world.,")
    assert buffer.next_string(100) == b"hello world."


def test_errors_are_values() -> None:
    assert issubclass(NetstringParseError, ValueError)
    assert issubclass(IncompleteNetstring, Exception)


class Login(StatefulStringProtocol, Int8StringReceiver):
    def proto_init(self, string: bytes) -> str:
        self.user = string
        return "password"

    def proto_password(self, string: bytes) -> str:
        return "done" if string == b"secret" else "locked"


def test_states_follow_one_another() -> None:
    login = Login()
    login.makeConnection(StringTransport())
    login.dataReceived(b"\x03joe\x06secret")
    assert (login.user, login.state) == (b"joe", "done")
    assert login.transport.disconnecting  # type: ignore[attr-defined]


def test_state_without_method_is_mentioned() -> None:
    heard: list[str] = []

    def listen(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        heard.append(format.format(**fields))

    login = Login()
    login.makeConnection(StringTransport())
    _events.subscribe(listen)
    try:
        login.dataReceived(b"\x03joe\x05wrong\x05again")
    finally:
        _events.unsubscribe(listen)
    assert (login.state, heard) == ("locked", ["callback locked not found"])
