"""What a protocol has received and not looked at, which `startTLS` asks for."""

from __future__ import annotations

from typing import Any

import pytest

from selvage.protocols import Factory, Protocol
from selvage.protocols.basic import Int16StringReceiver, LineOnlyReceiver, LineReceiver, NetstringReceiver
from selvage.protocols.policies import ProtocolWrapper, WrappingFactory
from selvage.protocols.stateful import StatefulProtocol
from selvage.testing import StringTransport


class Taking:
    """Takes what is unread when the first message has come."""

    messages: list[bytes]
    unread: bytes = b""

    def took(self, message: bytes) -> None:
        self.messages = [*getattr(self, "messages", []), message]
        if len(self.messages) == 1:
            self.unread = self.take_unread()  # type: ignore[attr-defined]


class Lines(Taking, LineReceiver):
    lineReceived = Taking.took


class OnlyLines(Taking, LineOnlyReceiver):
    lineReceived = Taking.took


class Strings(Taking, Int16StringReceiver):
    stringReceived = Taking.took


class Netstrings(Taking, NetstringReceiver):
    stringReceived = Taking.took


class States(Taking, StatefulProtocol):
    def getInitialState(self) -> Any:
        return self.took, 3


CASES = [
    (Lines, b"one\r\n", b"two\r\nthr"),
    (OnlyLines, b"one\r\n", b"two\r\nthr"),
    (Strings, b"\0\3one", b"\0\3two\0\5th"),
    (Netstrings, b"3:one,", b"3:two,5:th"),
    (States, b"one", b"twoth"),
]


def connected(kind: Any) -> Any:
    protocol = kind()
    protocol.makeConnection(StringTransport())
    return protocol


@pytest.mark.parametrize(("kind", "first", "rest"), CASES)
def test_what_follows_a_message_can_be_taken(kind, first, rest):
    protocol = connected(kind)
    protocol.dataReceived(first + rest)
    assert protocol.messages == [b"one"]
    assert protocol.unread == rest
    assert protocol.take_unread() == b""
    protocol.dataReceived(first)
    assert protocol.messages == [b"one", b"one"], "it goes on with what comes later"


@pytest.mark.parametrize(("kind", "first", "rest"), CASES)
def test_there_may_be_nothing_to_take(kind, first, rest):
    protocol = connected(kind)
    assert protocol.take_unread() == b""
    protocol.dataReceived(first)
    assert protocol.unread == b""


def test_policies_hand_the_question_on():
    inner = Lines()
    wrapper = ProtocolWrapper(WrappingFactory(Factory()), inner)
    wrapper.makeConnection(StringTransport())
    wrapper.dataReceived(b"par")
    assert wrapper.take_unread() == b"par"
    assert ProtocolWrapper(WrappingFactory(Factory()), Protocol()).take_unread() == b""
