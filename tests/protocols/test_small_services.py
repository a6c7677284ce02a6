"""finger, ident and Postfix's lookup tables."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from selvage.addresses import IPv4Address
from selvage.defer import Deferred
from selvage.errors import ConnectionLost
from selvage.failure import Failure, subscribe, unsubscribe
from selvage.protocols import finger, ident, postfix
from selvage.tasks import Clock
from selvage.testing import StringTransport

# --- finger ------------------------------------------------------------------------------------------------------


class Telling(finger.Finger):
    def getDomain(self, slash_w):
        self._answer(b"everybody %d" % slash_w)

    def getUser(self, slash_w, user):
        self._answer(b"%b %d" % (user, slash_w))

    def forwardQuery(self, slash_w, user, host):
        self._answer(b"%b at %b %d" % (user, host, slash_w))


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (b"", b"everybody 0"),
        (b"/W", b"everybody 1"),
        (b"joe", b"joe 0"),
        (b" /w  joe ", b"joe 1"),
        (b"joe@host", b"joe at host 0"),
        (b"/W joe@one@two", b"joe@one at two 1"),
        (b"@host", b" at host 0"),
    ],
)
def test_finger_queries(query, answer):
    protocol, transport = Telling(), StringTransport()
    protocol.makeConnection(transport)
    protocol.dataReceived(query + b"\r\n")
    assert (transport.value(), transport.disconnecting) == (answer + b"\n", True)


def test_finger_refuses_unless_told_what_to_say():
    for query, answer in ((b"", b"denied\n"), (b"a@b", b"denied\n"), (b"a", b"No such user\n")):
        protocol, transport = finger.Finger(), StringTransport()
        protocol.makeConnection(transport)
        protocol.dataReceived(query + b"\r\n")
        assert transport.value().endswith(answer)


def test_endless_finger_query_ends_the_connection():
    protocol, transport = finger.Finger(), StringTransport()
    protocol.makeConnection(transport)
    protocol.dataReceived(b"x" * 2000)
    assert (transport.value(), transport.disconnecting) == (b"", True)


# --- ident -------------------------------------------------------------------------------------------------------


class Knowing(ident.IdentServer):
    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    def lookup(self, serverAddress, clientAddress):
        self.asked.append((serverAddress, clientAddress))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def serving(answer: Any) -> tuple[Knowing, Any]:
    ours, theirs = IPv4Address("TCP", "192.0.2.1", 113), IPv4Address("TCP", "192.0.2.2", 5000)
    protocol, transport = Knowing(answer), StringTransport(hostAddress=ours, peerAddress=theirs)
    protocol.makeConnection(transport)
    return protocol, transport


def test_ident_tells_who_has_a_connection():
    protocol, transport = serving(("UNIX", "joé"))
    protocol.dataReceived(b"25 , 6191\r\n")
    assert protocol.asked == [(("192.0.2.1", 25), ("192.0.2.2", 6191))]
    assert transport.value() == "25, 6191 : USERID : UNIX : joé\r\n".encode("latin-1")


def test_ident_may_take_its_time():
    answer: Deferred[Any] = Deferred()
    _protocol, transport = serving(answer)
    _protocol.dataReceived(b"1,2\r\n")
    assert transport.value() == b""
    answer.errback(ident.HiddenUser())
    assert transport.value() == b"1, 2 : ERROR : HIDDEN-USER\r\n"


@pytest.mark.parametrize(
    ("answer", "reported"),
    [
        (ident.IdentError(), []),
        (LookupError("table is gone"), [LookupError]),
        (("UNIX", "joe\r\n1, 2 : USERID : UNIX : root"), [ValueError]),
    ],
)
def test_ident_gives_no_more_away_than_it_must(answer, reported):
    """A name cannot smuggle a second answer in, and an error of ours is ours."""
    seen: list[Any] = []
    subscribe(seen.append)
    try:
        protocol, transport = serving(answer)
        protocol.dataReceived(b"1,2\r\n")
    finally:
        unsubscribe(seen.append)
    assert transport.value() == b"1, 2 : ERROR : UNKNOWN-ERROR\r\n"
    assert [report.failure.type for report in seen] == reported


@pytest.mark.parametrize("query", [b"", b"1", b"1,2,3", b"one,2", b"1;2", b"9" * 1001])
def test_what_is_no_ident_query_ends_the_connection(query):
    protocol, transport = serving(("UNIX", "joe"))
    protocol.dataReceived(query + b"\r\n")
    assert (transport.value(), transport.disconnecting, protocol.asked) == (b"", True, [])


@pytest.mark.parametrize("ports", [(0, 5), (5, 65536), (-1, 5)])
def test_ident_names_impossible_ports(ports):
    protocol, transport = serving(("UNIX", "joe"))
    protocol.dataReceived(b"%d,%d\r\n" % ports)
    assert transport.value() == b"%d, %d : ERROR : INVALID-PORT\r\n" % ports


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_ident_answers_or_closes_whatever_comes(line):
    protocol, transport = serving(("UNIX", "joe"))
    protocol.dataReceived(line.replace(b"\r", b" ").replace(b"\n", b" ") + b"\r\n")
    assert transport.disconnecting or transport.value().endswith(b"\r\n")


def asking() -> tuple[ident.IdentClient, Any]:
    protocol, transport = ident.IdentClient(), StringTransport()
    protocol.makeConnection(transport)
    return protocol, transport


def test_ident_client_asks_one_after_the_other():
    protocol, transport = asking()
    first, second = [], []
    protocol.lookup(25, 6191).addBoth(first.append)
    protocol.lookup(80, 6192).addBoth(second.append)
    assert transport.value() == b"25, 6191\r\n"
    protocol.dataReceived(b"25,6191: USERID :UNIX, UTF-8 : jo:e\r\n80, 6192 : ERROR : NO-USER\r\n")
    assert first == [("USERID", "UNIX, UTF-8 : jo:e")]
    assert transport.value() == b"25, 6191\r\n80, 6192\r\n"
    assert second[0].check(ident.NoUser)


@pytest.mark.parametrize(
    "answer", [b"1, 3 : USERID : UNIX : joe", b"nonsense", b"1, 2 : USERID", b"1, 2 : ERROR : X-OTHER"]
)
def test_ident_answer_to_another_question_is_none(answer):
    protocol, _transport = asking()
    failed = []
    protocol.lookup(1, 2).addErrback(failed.append)
    protocol.dataReceived(answer + b"\r\n")
    assert failed[0].type is ident.IdentError


def test_ident_answer_that_nobody_asked_for_ends_the_connection():
    protocol, transport = asking()
    protocol.dataReceived(b"1, 2 : USERID : UNIX : joe\r\n")
    assert transport.disconnecting


def test_ident_queries_fail_with_the_connection():
    protocol, _transport = asking()
    failed = []
    for ports in ((1, 2), (3, 4)):
        protocol.lookup(*ports).addErrback(failed.append)
    protocol.connectionLost(Failure(ConnectionLost()))
    protocol.lookup(5, 6).addErrback(failed.append)
    assert [failure.type for failure in failed] == [ident.IdentError] * 3


def test_ident_finds_our_own_connection_in_the_table():
    class Server(ident.ProcServerMixin, ident.IdentServer): ...

    with socket.create_server(("127.0.0.1", 0)) as port, socket.create_connection(port.getsockname()) as ours:
        theirs, _ = port.accept()
        with theirs:
            found = Server().lookup(ours.getsockname(), ours.getpeername())
            assert found[0] == "LINUX"
            import os
            import pwd

            assert found[1] == pwd.getpwuid(os.getuid()).pw_name
            with pytest.raises(ident.NoUser):
                Server().lookup(("127.0.0.1", 1), ours.getpeername())


# --- Postfix -----------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.binary())
def test_quoted_bytes_are_one_word(data):
    quoted = postfix.quote(data)
    assert postfix.unquote(quoted) == data
    assert not set(quoted) & set(range(33))
    assert quoted.isascii()


def tables(factory: Any) -> tuple[postfix.PostfixTCPMapServer, Any, Clock]:
    clock = Clock()
    protocol, transport = postfix.PostfixTCPMapServer(), StringTransport()
    protocol.callLater = clock.callLater
    protocol.factory = factory
    protocol.makeConnection(transport)
    return protocol, transport, clock


class Table:
    def __init__(self, get):
        self.get = get


def test_lookups_may_take_their_time():
    found: Deferred[Any] = Deferred()
    protocol, transport, _clock = tables(Table(lambda key: found))
    protocol.dataReceived(b"get a%20key\n")
    assert transport.value() == b""
    found.callback(b"its value")
    assert transport.value() == b"200 its%20value\n"


def test_words_of_an_error_stay_on_their_line():
    def get(key):
        raise LookupError("gone\n200 evil\r\n" + "x" * 5000)

    protocol, transport, _clock = tables(Table(get))
    protocol.dataReceived(b"get a\n")
    answer = transport.value()
    assert answer.startswith(b"400 gone 200 evil  xxx")
    assert answer.count(b"\n") == 1
    assert len(answer) <= 4096


def test_value_that_is_too_long_is_not_cut():
    protocol, transport, _clock = tables(Table(lambda key: b"v" * 4091 if key == b"fits" else b"v" * 4092))
    protocol.dataReceived(b"get fits\nget too\n")
    first, second = transport.value().splitlines()
    assert first == b"200 " + b"v" * 4091
    assert second == b"400 the value is longer than an answer may be"


@pytest.mark.parametrize("line", [b"", b" ", b"__class__", b"get.x", b"transport", b"\xff"])
def test_words_from_the_wire_reach_no_other_attribute(line):
    protocol, transport, _clock = tables({})
    protocol.dataReceived(line + b"\n")
    assert transport.value() == b"400 unknown command\n"


def test_silence_ends_the_connection():
    protocol, transport, clock = tables({b"a": b"b"})
    clock.advance(599)
    protocol.dataReceived(b"get a\n")
    clock.advance(599)
    assert not transport.disconnecting
    clock.advance(1)
    assert transport.disconnecting


def test_nobody_waits_for_commands_of_a_lost_connection():
    protocol, _transport, clock = tables({})
    protocol.connectionLost(Failure(ConnectionLost()))
    assert not clock.getDelayedCalls()


def test_factories_are_dictionaries():
    assert postfix.PostfixTCPMapDictServerFactory({b"a": b"b"}).get(b"a") == b"b"
    deferring = postfix.PostfixTCPMapDeferringDictServerFactory({b"a": b"b"})
    results = []
    deferring.get(b"a").addCallback(results.append)
    deferring.get(b"c").addCallback(results.append)
    assert results == [b"b", None]
