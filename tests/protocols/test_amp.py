"""AMP: boxes as bytes, commands over a connection in memory, what a hostile peer can do, and Twisted's own at the other end."""

from __future__ import annotations

import datetime
import decimal
import importlib.util
import os
import subprocess
import sys
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from selvage.defer import CancelledError, Deferred, ensureDeferred
from selvage.errors import ConnectionDone, ConnectionLost
from selvage.failure import Failure, subscribe, unsubscribe
from selvage.paths import FilePath
from selvage.protocols import ClientCreator, amp
from selvage.testing import StringTransport
from selvage.testing.iosim import connectedServerAndClient
from tests.transports.conftest import loop, reactor, run  # noqa: F401 - fixtures

# --- Boxes ---------------------------------------------------------------------------------------------------------

# The machine may be busy with something else.
at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

keys = st.binary(min_size=1, max_size=20)
boxes = st.dictionaries(keys, st.binary(max_size=60), min_size=1, max_size=4).map(amp.AmpBox)


class Kept:
    """Receives boxes."""

    def __init__(self):
        self.boxes = []
        self.reason = None

    def startReceivingBoxes(self, sender): ...

    def ampBoxReceived(self, box):
        self.boxes.append(box)

    def stopReceivingBoxes(self, reason):
        self.reason = reason


def receiving(limit: int = amp.BinaryBoxProtocol.MAX_BOX_LENGTH) -> tuple[Any, Kept, Any]:
    kept, transport = Kept(), StringTransport()
    protocol = amp.BinaryBoxProtocol(kept)
    protocol.MAX_BOX_LENGTH = limit
    protocol.makeConnection(transport)
    return protocol, kept, transport


@at_any_speed
@given(st.lists(boxes, max_size=4), st.lists(st.integers(1, 50), max_size=20))
def test_boxes_are_the_same_however_they_are_cut(sent, cuts):
    data = b"".join(box.serialize() for box in sent)
    protocol, kept, transport = receiving()
    for size in cuts:
        protocol.dataReceived(data[:size])
        data = data[size:]
    protocol.dataReceived(data)
    assert kept.boxes == sent
    assert not transport.disconnecting


@at_any_speed
@given(st.lists(boxes, max_size=4))
def test_boxes_are_read_from_files_too(sent):
    data = b"".join(box.serialize() for box in sent)
    assert amp.parseString(data) == amp.parse(BytesIO(data)) == sent
    assert [box.copy() for box in sent] == sent


@at_any_speed
@given(st.binary(max_size=120))
def test_any_bytes_are_boxes_or_an_error(data):
    try:
        found = amp.parseString(data)
    except amp.AmpError:
        return
    assert sum(len(box.serialize()) for box in found) <= len(data)


@pytest.mark.parametrize("data", [b"\0", b"\0\1", b"\0\1a", b"\0\1a\0", b"\0\1a\0\1b", b"\1\0" + b"x" * 256])
def test_what_is_cut_off_is_no_box(data):
    with pytest.raises((amp.MalformedAmpBox, amp.TooLong)):
        amp.parseString(data)


# --- Arguments -----------------------------------------------------------------------------------------------------

zones = st.integers(-14 * 60, 14 * 60).map(
    lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes))
)

VALUES: dict[Any, Any] = {
    amp.Integer(): st.integers(),
    amp.String(): st.binary(max_size=100),
    amp.Float(): st.floats(allow_nan=False),
    amp.Boolean(): st.booleans(),
    amp.Unicode(): st.text(max_size=100),
    amp.Path(): st.sampled_from([FilePath("/tmp/x"), FilePath("/é")]),
    amp.Decimal(): st.decimals(allow_nan=False),
    amp.DateTime(): st.datetimes(timezones=zones),
    amp.ListOf(amp.Unicode()): st.lists(st.text(max_size=20), max_size=5),
    amp.ListOf(amp.ListOf(amp.Integer())): st.lists(st.lists(st.integers(-9, 9), max_size=3), max_size=3),
}


@at_any_speed
@given(st.data())
def test_arguments_arrive_as_they_were_sent(data):
    kind = data.draw(st.sampled_from(list(VALUES)))
    value = data.draw(VALUES[kind])
    sent: dict[bytes, bytes] = {}
    kind.toBox(b"x", sent, {"x": value}, None)
    received: dict[str, Any] = {}
    kind.fromBox(b"x", sent, received, None)
    assert received == {"x": value}


@at_any_speed
@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_an_error(octets):
    for kind in VALUES:
        try:
            kind.fromString(octets)
        except (ValueError, TypeError, amp.AmpError):
            pass


@pytest.mark.parametrize("octets", [b"1_0", b" 1", b"1 ", b"", b"0x1", "\u0661".encode(), b"1.0"])
def test_integers_are_read_strictly(octets):
    """Two sides that read the same bytes differently can be played off against each other."""
    with pytest.raises(ValueError, match="is no integer"):
        amp.Integer().fromString(octets)


def test_lists_of_boxes():
    kind = amp.AmpList([(b"name", amp.Unicode()), (b"age", amp.Integer(optional=True))])
    people = [{"name": "a", "age": 1}, {"name": "b", "age": None}]
    assert kind.fromStringProto(kind.toStringProto(people, None), None) == people
    with pytest.raises(TypeError, match="are bytes"):
        amp.AmpList([("name", amp.Unicode())])
    with pytest.raises(amp.TooLong, match="local value"):
        amp.ListOf(amp.String()).toString([b"x" * 65536])


@pytest.fixture
def reports():
    seen: list[Any] = []
    subscribe(seen.append)
    yield seen
    unsubscribe(seen.append)


# --- Commands ------------------------------------------------------------------------------------------------------


class TooMuch(Exception): ...


class TheEnd(Exception): ...


class Sum(amp.Command):
    arguments = [(b"a", amp.Integer()), (b"b", amp.Integer())]
    response = [(b"total", amp.Integer())]
    errors = {TooMuch: b"TOO_MUCH"}
    fatalErrors = {TheEnd: b"THE_END"}


class Wait(amp.Command): ...


class Adder(amp.AMP):
    def __init__(self):
        super().__init__()
        self.asked = []
        self.waiting = Deferred()

    @Sum.responder
    async def sum(self, a, b):
        self.asked.append((a, b))
        if a == 13:
            raise TooMuch("of it")
        if a == 66:
            raise TheEnd("is near")
        return {"total": a + b}

    @Wait.responder
    def wait(self):
        return self.waiting


def joined() -> tuple[Any, Any, Any]:
    return connectedServerAndClient(Adder, Adder)


def outcome(deferred: Any) -> list[Any]:
    result: list[Any] = []
    deferred.addBoth(
        lambda value: result.append(value) if not isinstance(value, Failure) else result.append(value.value)
    )
    return result


def test_both_sides_ask_and_coroutines_answer():
    client, server, pump = joined()
    there, back = outcome(client.callRemote(Sum, a=1, b=2)), outcome(server.callRemote(Sum, a=3, b=4))
    pump.flush()
    assert (there, back) == ([{"total": 3}], [{"total": 7}])


def test_declared_errors_come_back_as_themselves():
    client, _server, pump = joined()
    failed = outcome(client.callRemote(Sum, a=13, b=0))
    pump.flush()
    assert (type(failed[0]), str(failed[0])) == (TooMuch, "of it")
    failed, later = outcome(client.callRemote(Sum, a=66, b=0)), outcome(client.callRemote(Sum, a=1, b=0))
    pump.flush()
    assert type(failed[0]) is TheEnd
    assert type(later[0]) in (dict, ConnectionDone)
    assert client.transport is None


def test_error_that_is_awaited_is_not_the_connections():
    client, _server, pump = joined()

    async def ask():
        with pytest.raises(TooMuch):
            await client.callRemote(Sum, a=13, b=0)
        return await client.callRemote(Sum, a=1, b=1)

    asked = outcome(ensureDeferred(ask()))
    pump.flush()
    assert asked == [{"total": 2}]


def test_error_that_nobody_takes_ends_the_connection(reports):
    client, _server, pump = joined()
    client.callRemote(Sum, a=13, b=0)
    pump.flush()
    assert client.transport is None
    assert [report.failure.type for report in reports] == [TooMuch]


def test_cancelled_question_may_be_answered_late():
    client, server, pump = joined()
    asked = client.callRemote(Wait)
    failed = outcome(asked)
    pump.flush()
    asked.cancel()
    server.waiting.callback({})
    pump.flush()
    assert type(failed[0]) is CancelledError
    again = outcome(client.callRemote(Sum, a=1, b=1))
    pump.flush()
    assert again == [{"total": 2}]


def test_wrong_arguments_fail_before_anything_is_sent():
    client, server, pump = joined()
    assert type(outcome(client.callRemote(Sum, a=1))[0]) is amp.InvalidSignature
    with pytest.raises(amp.InvalidSignature, match="c is not a valid argument"):
        client.callRemote(Sum, a=1, b=2, c=3)
    pump.flush()
    assert server.asked == []


def test_each_class_has_its_own_responders():
    class Doubler(Adder):
        @Sum.responder
        def sum(self, a, b):
            return {"total": 2 * (a + b)}

    client, _server, pump = connectedServerAndClient(Doubler, Adder)
    doubled = outcome(client.callRemote(Sum, a=1, b=2))
    plain = outcome(_server.callRemote(Sum, a=1, b=2))
    pump.flush()
    assert (doubled, plain) == ([{"total": 6}], [{"total": 3}])


# --- Peers who mean no good ----------------------------------------------------------------------------------------


def test_attack_103_amp_huge_boxes():
    """A box that never ends is given up, and nothing of it is kept; what came with it is not looked at."""
    protocol, kept, transport = receiving(limit=1000)
    pair = b"\0\1k" + b"\0\x64" + b"v" * 100
    for number in range(9):
        protocol.dataReceived(pair.replace(b"k", b"%d" % number))
    assert not transport.disconnecting
    protocol.dataReceived(pair + b"\0\0" + amp.AmpBox(a=b"b").serialize())
    assert transport.disconnecting
    assert kept.boxes == []
    assert protocol._box is None
    protocol.dataReceived(amp.AmpBox(a=b"b").serialize())
    assert kept.boxes == []
    protocol.connectionLost(Failure(ConnectionDone()))
    assert kept.reason.check(amp.MalformedAmpBox)
    assert "MAX_BOX_LENGTH=1000" in str(kept.reason.value)


def test_attack_103_amp_unpickles_nothing():
    """What a peer sends is read by argument types that make plain values, and by no pickle."""
    from selvage.protocols.amp import _arguments, _box, _connection, _dispatch

    for module in (_arguments, _box, _connection, _dispatch):
        assert not {"pickle", "marshal", "jelly"} & set(vars(module))


def test_answer_to_what_nobody_asked_ends_the_connection():
    client, _server, _pump = joined()
    with pytest.raises(amp.MalformedAmpBox, match="b'77', which nobody asked"):
        client.dataReceived(amp.AmpBox(_answer=b"77").serialize())


def test_error_without_code_is_an_error():
    client, _server, _pump = joined()
    failed = outcome(client.callRemoteString(b"x"))
    client.dataReceived(amp.AmpBox(_error=b"1").serialize())
    assert (type(failed[0]), failed[0].errorCode) == (amp.RemoteAmpError, b"UNKNOWN")


def test_wrong_values_end_the_connection_and_are_reported(reports):
    client, server, pump = joined()
    failed = outcome(client.callRemoteString(b"Sum", a=b"one", b=b"2"))
    pump.flush()
    assert type(failed[0]) is amp.RemoteAmpError
    assert server.asked == []
    assert server.transport is None
    assert [report.failure.type for report in reports] == [ValueError]


def test_names_from_the_wire_reach_responders_only(reports):
    _client, server, _pump = joined()
    for name in (b"__class__", b"transport", b"\xff\xfe", b"makeConnection"):
        assert server.locateResponder(name) is None


def test_words_of_an_error_fit_into_its_box():
    class Wordy(amp.AMP):
        @Sum.responder
        def sum(self, a, b):
            raise TooMuch("x" * 100_000)

    client, _server, pump = connectedServerAndClient(Wordy, Adder)
    failed = outcome(client.callRemote(Sum, a=1, b=2))
    pump.flush()
    assert type(failed[0]) is TooMuch


def test_descriptors_that_nobody_takes_are_closed():
    protocol, _kept, transport = receiving()
    ends = []
    for _ in range(257):
        reading, writing = os.pipe()
        ends.append(reading)
        protocol.fileDescriptorReceived(writing)
    assert transport.disconnecting  # at one too many
    protocol.connectionLost(Failure(ConnectionLost()))
    for reading in ends:
        assert os.read(reading, 1) == b""
        os.close(reading)
    with pytest.raises(amp.MalformedAmpBox, match="descriptor 0 has not come"):
        amp.Descriptor().fromStringProto(b"0", protocol)


# --- TLS -----------------------------------------------------------------------------------------------------------


def test_what_waits_for_tls_never_goes_in_the_clear():
    """The other side refuses: what was to be encrypted is not sent, and the connection is closed."""

    class Refusing(Adder):
        def locateResponder(self, name):
            return None if name == b"StartTLS" else super().locateResponder(name)

    client, server, pump = connectedServerAndClient(Refusing, Adder)
    refused = outcome(client.callRemote(amp.StartTLS))
    secret = outcome(client.callRemote(Sum, a=42, b=42))
    pump.flush()
    assert type(refused[0]) is amp.UnhandledCommand
    assert type(secret[0]) is ConnectionDone
    assert server.asked == []


def test_tls_starts_once():
    client, _server, _pump = joined()
    client.callRemote(amp.StartTLS).addErrback(lambda failure: None)
    with pytest.raises(amp.OnlyOneTLS, match="TLS starts once"):
        client.callRemote(amp.StartTLS)


class Secret(amp.Command):
    response = [(b"encrypted", amp.Boolean())]


class Guarded(amp.AMP):
    @Secret.responder
    def secret(self):
        from selvage.interfaces import ISSLTransport

        return {"encrypted": ISSLTransport.providedBy(self.transport)}


def test_tls_over_a_real_connection_without_certificates(reactor, run):  # noqa: F811
    pytest.importorskip("cryptography", reason="cryptography is not installed")
    from selvage.protocols import Factory

    async def main():
        port = reactor.listenTCP(0, Factory.forProtocol(Guarded), interface="127.0.0.1")
        client = await ClientCreator(reactor, Guarded).connectTCP("127.0.0.1", port.getHost().port)
        assert await client.callRemote(Secret) == {"encrypted": False}
        started = client.callRemote(amp.StartTLS)
        waiting = client.callRemote(Secret)  # kept until it is encrypted
        await started
        assert await waiting == {"encrypted": True}
        gone = Deferred()
        client.connectionLost = lambda reason: (Guarded.connectionLost(client, reason), gone.callback(None))
        client.transport.loseConnection()
        await gone
        await port.stopListening()

    run(main)


# --- Twisted at the other end --------------------------------------------------------------------------------------

PEER = """
import sys
from twisted.internet import endpoints, protocol, reactor
from twisted.protocols import amp

class TooMuch(Exception): pass

class Sum(amp.Command):
    arguments = [(b"a", amp.Integer()), (b"b", amp.Integer())]
    response = [(b"total", amp.Integer())]
    errors = {TooMuch: b"TOO_MUCH"}

class Echo(amp.Command):
    arguments = response = [
        (b"text", amp.Unicode()), (b"when", amp.DateTime()), (b"price", amp.Decimal()),
        (b"rows", amp.AmpList([(b"x", amp.ListOf(amp.Integer()))])), (b"flag", amp.Boolean(optional=True)),
    ]

class Adder(amp.AMP):
    @Sum.responder
    def sum(self, a, b):
        if a == 13:
            raise TooMuch("of it")
        return {"total": a + b}

    @Echo.responder
    def echo(self, **values):
        return values

port = reactor.listenTCP(0, protocol.Factory.forProtocol(Adder), interface="127.0.0.1")
print(port.getHost().port, amp.__name__, flush=True)
reactor.run()
"""


class Echo(amp.Command):
    arguments = response = [
        (b"text", amp.Unicode()),
        (b"when", amp.DateTime()),
        (b"price", amp.Decimal()),
        (b"rows", amp.AmpList([(b"x", amp.ListOf(amp.Integer()))])),
        (b"flag", amp.Boolean(optional=True)),
    ]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("twisted") is None, reason="Twisted is not installed")
def test_speaks_with_twisted(reactor, run):  # noqa: F811
    environment = {name: value for name, value in os.environ.items() if name != "SELVAGE_TWISTED"}
    peer = subprocess.Popen([sys.executable, "-c", PEER], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert peer.stdout is not None
        number = int(peer.stdout.readline().split()[0])

        async def main():
            client = await ClientCreator(reactor, amp.AMP).connectTCP("127.0.0.1", number)
            assert await client.callRemote(Sum, a=2**80, b=-1) == {"total": 2**80 - 1}
            with pytest.raises(TooMuch, match="of it"):
                await client.callRemote(Sum, a=13, b=0)
            values = {
                "text": "wörter",
                "when": datetime.datetime(2026, 11, 27, 12, 30, tzinfo=amp.utc),
                "price": decimal.Decimal("1.50"),
                "rows": [{"x": [1, -2]}, {"x": []}],
                "flag": None,
            }
            assert await client.callRemote(Echo, **values) == values
            with pytest.raises(amp.UnhandledCommand):
                await client.callRemote(Wait)
            gone = Deferred()
            client.connectionLost = lambda reason: gone.callback(None)
            client.transport.loseConnection()
            await gone

        run(main)
    finally:
        peer.kill()
        peer.wait()
        assert peer.stdout is not None
        peer.stdout.close()
