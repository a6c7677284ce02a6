"""The client of memcached: commands, answers in any pieces, servers that do not keep to the protocol."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from selvage.defer import TimeoutError
from selvage.errors import ConnectionLost
from selvage.failure import Failure
from selvage.protocols.memcache import ClientError, MemCacheProtocol, NoSuchCommand, ServerError
from selvage.tasks import Clock
from selvage.testing import StringTransport


def connected() -> tuple[MemCacheProtocol, Any, Clock]:
    clock = Clock()
    protocol, transport = MemCacheProtocol(), StringTransport()
    protocol.callLater = clock.callLater
    protocol.makeConnection(transport)
    return protocol, transport, clock


def outcome(deferred: Any) -> list[Any]:
    result: list[Any] = []
    deferred.addCallbacks(result.append, lambda failure: result.append(failure.value))
    return result


COMMANDS = [
    (lambda p: p.get(b"k"), b"get k", b"VALUE k 5 3\r\na\r\n\r\nEND\r\n", (5, b"a\r\n")),
    (lambda p: p.get(b"k", True), b"gets k", b"VALUE k 5 1 77\r\na\r\nEND\r\n", (5, b"77", b"a")),
    (
        lambda p: p.getMultiple([b"k", b"l"]),
        b"get k l",
        b"VALUE l 0 0\r\n\r\nEND\r\n",
        {b"k": (0, None), b"l": (0, b"")},
    ),
    (lambda p: p.set(b"k", b"v\r\n", 7, 60), b"set k 7 60 3\r\nv\r\n", b"STORED\r\n", True),
    (lambda p: p.add(b"k", b"v"), b"add k 0 0 1\r\nv", b"NOT_STORED\r\n", False),
    (lambda p: p.checkAndSet(b"k", b"v", b"77"), b"cas k 0 0 1 77\r\nv", b"EXISTS\r\n", False),
    (lambda p: p.increment(b"k", 2), b"incr k 2", b"18446744073709551615\r\n", 2**64 - 1),
    (lambda p: p.decrement(b"k"), b"decr k 1", b"NOT_FOUND\r\n", False),
    (lambda p: p.delete(b"k"), b"delete k", b"DELETED\r\n", True),
    (
        lambda p: p.stats(),
        b"stats",
        b"STAT pid 1 2\r\nSTAT empty \r\nEND\r\n",
        {b"pid": b"1 2", b"empty": b""},
    ),
    (lambda p: p.version(), b"version", b"VERSION 1.6.21\r\n", b"1.6.21"),
    (lambda p: p.flushAll(), b"flush_all", b"OK\r\n", True),
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(COMMANDS), max_size=6), st.lists(st.integers(1, 20), max_size=40))
def test_answers_belong_to_their_commands_however_they_are_cut(commands, cuts):
    protocol, transport, clock = connected()
    results = [outcome(ask(protocol)) for ask, _, _, _ in commands]
    assert transport.value() == b"".join(sent + b"\r\n" for _, sent, _, _ in commands)
    data = b"".join(answer for _, _, answer, _ in commands)
    for size in cuts:
        protocol.dataReceived(data[:size])
        data = data[size:]
    protocol.dataReceived(data)
    assert results == [[result] for _, _, _, result in commands]
    assert not clock.getDelayedCalls()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"ERROR\r\n", NoSuchCommand),
        (b"CLIENT_ERROR bad data\r\n", ClientError),
        (b"SERVER_ERROR out of memory\r\n", ServerError),
    ],
)
def test_errors_of_the_server_are_those_of_the_command(answer, error):
    protocol, _transport, _clock = connected()
    first, second = outcome(protocol.get(b"k")), outcome(protocol.delete(b"k"))
    protocol.dataReceived(answer + b"DELETED\r\n")
    assert [type(each) for each in first] == [error]
    assert second == [True]


@pytest.mark.parametrize(
    "key", [b"", b"a b", b"a\r\nflush_all", b"a\nb", b"\0", b"\x7f", b"a\tb", b"k" * 251, "text", 1]
)
def test_what_is_no_key_is_not_sent(key):
    """A key with a line end in it would bring a command of its own."""
    protocol, transport, _clock = connected()
    for ask in (
        lambda: protocol.get(key),
        lambda: protocol.getMultiple([b"k", key]),
        lambda: protocol.set(key, b"v"),
        lambda: protocol.delete(key),
        lambda: protocol.increment(key),
    ):
        assert [type(each) for each in outcome(ask())] == [ClientError]
    assert transport.value() == b""


def test_identifier_brings_no_command_of_its_own():
    protocol, transport, _clock = connected()
    assert type(outcome(protocol.checkAndSet(b"k", b"v", b"1\r\nflush_all"))[0]) is ClientError
    assert transport.value() == b""


def test_name_of_statistics_brings_no_command_of_its_own():
    protocol, transport, _clock = connected()
    for wrong in (b"items\r\nflush_all", b"", "items"):
        assert type(outcome(protocol.stats(wrong))[0]) is ClientError
    assert transport.value() == b""
    protocol.stats(b"cachedump 1 100")
    assert transport.value() == b"stats cachedump 1 100\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"STAT a b\r\n",
        b"STORED\r\n",
        b"NOT_STORED\r\n",
        b"NOT_FOUND\r\n",
        b"OK\r\n",
        b"VALUE other 0 1\r\n",
        b"VALUE k 0\r\n",
        b"VALUE k 0 -1\r\n",
        b"VALUE k 0 1 77\r\n",
        b"VALUE k 0 1\r\nabc",
        b"VALUE k 0 99999999999\r\n",
        b"VERSION 1\r\n",
        b"DELETED\r\n",
        b"EXISTS\r\n",
        b"5\r\n",
        b"nonsense\r\n",
    ],
)
def test_what_is_no_answer_is_named(answer):
    protocol, _transport, _clock = connected()
    outcome(protocol.get(b"k"))
    with pytest.raises(RuntimeError, match="the server answers|MAX_VALUE_LENGTH|does not end where"):
        protocol.dataReceived(answer)


def test_answer_that_nobody_asked_for_is_named():
    protocol, _transport, _clock = connected()
    for answer in (b"STORED\r\n", b"END\r\n", b"ERROR\r\n", b"7\r\n"):
        with pytest.raises(RuntimeError, match="what nobody asked"):
            protocol.dataReceived(answer)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_an_answer_or_an_error(data):
    protocol, _transport, _clock = connected()
    outcome(protocol.get(b"k"))
    try:
        protocol.dataReceived(data)
    except RuntimeError:
        pass


def test_server_that_is_silent_is_given_up():
    protocol, transport, clock = connected()
    first, second = outcome(protocol.get(b"k")), outcome(protocol.stats())
    clock.advance(59)
    protocol.dataReceived(b"END\r\nSTAT a b\r\n")  # the time of the second begins
    clock.advance(59)
    assert (first, second) == ([(0, None)], [])
    clock.advance(1)
    assert type(second[0]) is TimeoutError
    assert transport.disconnecting
    # What comes now would be taken for the answer to the next one.
    assert type(outcome(protocol.version())[0]) is RuntimeError


def test_everything_fails_with_the_connection():
    protocol, _transport, clock = connected()
    waiting = outcome(protocol.get(b"k"))
    protocol.connectionLost(Failure(ConnectionLost()))
    assert type(waiting[0]) is ConnectionLost
    late = outcome(protocol.set(b"k", b"v"))
    assert type(late[0]) is RuntimeError
    assert "not connected any more" in str(late[0])
    assert not clock.getDelayedCalls()
