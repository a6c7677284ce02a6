"""Twisted's joined transports; `twisted.test.test_iosim` and the tests that use it judge the rest."""

from __future__ import annotations

import builtins
import ssl

import pytest
from zope.interface.verify import verifyObject

from selvage.errors import ConnectingCancelledError, ConnectionDone, ConnectionLost, ConnectionRefusedError
from selvage.failure import Failure
from selvage.interfaces import IAddress, IConsumer, ITCPTransport
from selvage.protocols import ClientFactory, Factory, Protocol
from selvage.tasks import Clock
from selvage.testing import MemoryReactor, MemoryReactorClock, iosim


def noting(name, events, greeting=b""):
    class Noting(Protocol):
        def connectionMade(self):
            events.append((name, "made"))
            self.transport.write(greeting) if greeting else None

        def dataReceived(self, data):
            events.append((name, data))

        def connectionLost(self, reason):
            events.append((name, reason.type))

    return Noting


def joined(**options):
    events = []
    client, server, pump = iosim.connectedServerAndClient(
        noting("server", events, options.pop("banner", b"")),
        noting("client", events, options.pop("hello", b"")),
        **options,
    )
    return client.transport, server.transport, pump, events


def test_a_transport_is_a_tcp_transport_and_a_consumer():
    transport = iosim.FakeTransport(Protocol(), True)
    assert verifyObject(ITCPTransport, transport)
    assert verifyObject(IConsumer, transport)
    assert verifyObject(IAddress, transport.getHost())
    assert transport.getPeer() is transport.peerAddress
    assert iosim.FakeTransport(Protocol(), False, "here", "there").getPeer() == "there"
    assert repr(transport) == f"FakeTransport<S,{transport.serial},Protocol>"


def test_options_of_tcp_have_no_effect():
    transport = iosim.FakeTransport(Protocol(), True)
    transport.setTcpNoDelay(True)
    transport.setTcpKeepAlive(True)
    transport.loseWriteConnection()
    transport.pauseProducing()
    transport.resumeProducing()
    assert not (transport.getTcpNoDelay() or transport.getTcpKeepAlive() or transport.disconnecting)
    assert transport.logPrefix() == "iosim"


def test_the_server_is_connected_first_and_greetings_cross():
    _, _, _, events = joined(banner=b"220", hello=b"hi")
    assert events == [("server", "made"), ("client", "made"), ("server", b"hi"), ("client", b"220")]


def test_without_greeting_nothing_has_moved():
    _, _, pump, events = joined(banner=b"220", greet=False)
    assert events == [("server", "made"), ("client", "made")]
    assert pump.pump()
    assert events[-1] == ("client", b"220")
    assert not pump.pump()


@pytest.mark.parametrize("how", ["loseConnection", "abortConnection", "stopProducing", "stopConsuming"])
def test_an_end_takes_one_step_a_side(how):
    client, server, pump, events = joined()
    del events[:]
    client.write(b"last")
    getattr(client, how)()
    client.write(b"too late")
    pump.pump()
    assert events == [("server", b"last")]
    pump.pump()
    assert events[1:] == [("server", ConnectionDone)]
    assert (client.disconnected, server.disconnecting, server.disconnected) == (True, True, False)
    assert pump.flush()
    assert events[2:] == [("client", ConnectionDone)]
    assert not pump.flush()


def test_each_end_has_its_own_reason():
    client, server, pump, events = joined()
    client.disconnectReason = ConnectionLost()
    server.loseConnection()
    pump.flush()
    assert events[2:] == [("client", ConnectionLost), ("server", ConnectionDone)]


def test_each_step_makes_calls_that_are_due():
    clock = Clock()
    client, _, pump, events = joined(clock=clock)
    clock.callLater(0, client.write, b"x")
    pump.pump(advanceClock=False)
    assert ("server", b"x") not in events
    pump.pump()
    assert ("server", b"x") in events
    assert clock.seconds() == 0


def test_debugging_prints_what_is_carried(capsys):
    client, _, pump, _ = joined(banner=b"220\r\n", debug=True)
    pump.debug = False
    client.write(b"quiet")
    pump.flush()
    client.write(b"loud")
    pump.flush(debug=True)
    assert capsys.readouterr().out == "S: b'220\\r\\n'\nC: b'loud'\n"


def test_two_that_answer_each_other_for_ever_are_a_defect(monkeypatch):
    class Parrot(Protocol):
        def dataReceived(self, data):
            self.transport.write(data)

    monkeypatch.setattr(iosim, "_FLUSH_LIMIT", 20)
    client, _, pump = iosim.connectedServerAndClient(Parrot, Parrot)
    client.transport.write(b"x")
    with pytest.raises(AssertionError, match=r"FakeTransport<C,\d+,Parrot> .* not quiet after 20 steps"):
        pump.flush()


def test_a_pull_producer_is_asked_when_registered_and_once_a_step():
    client, _, pump, events = joined()

    class Numbers:
        asked = 0

        def resumeProducing(self):
            self.asked += 1
            client.write(b"%d" % self.asked)
            if self.asked == 3:
                client.unregisterProducer()

    client.registerProducer(Numbers(), False)
    pump.flush()
    assert [data for _, data in events[2:]] == [b"1", b"2", b"3"]
    assert client.producer is None


class Certificate:
    def __init__(self, accepts=True):
        self.accepts = accepts
        self.seen = []

    def iosimVerify(self, other):
        self.seen.append(other)
        return self.accepts


def test_a_negotiation_holds_back_what_is_written_after_it_began():
    client, server, pump, events = joined()
    ours, theirs = Certificate(), Certificate()
    client.write(b"plain")
    client.startTLS(ours)
    client.write(b"secret")
    server.startTLS(theirs)
    pump.pump()
    assert events[2:] == [("server", b"plain")]
    pump.flush()
    assert events[3:] == [("server", b"secret")]
    assert (ours.seen, theirs.seen) == ([theirs], [ours])
    assert client.tls is server.tls is None


def test_a_refused_certificate_ends_the_connection():
    client, server, pump, events = joined()
    client.startTLS(Certificate(False))
    client.write(b"secret")
    server.startTLS(Certificate())
    pump.flush()
    assert events[2:] == [("server", ConnectionDone), ("client", iosim.NativeOpenSSLError)]


def test_a_negotiation_cut_off_counts_as_failed():
    client, _, _, events = joined()
    client.startTLS(Certificate())
    client.reportDisconnect()
    assert events[-1] == ("client", iosim.NativeOpenSSLError)


def test_a_negotiation_that_nobody_awaits_is_explained():
    client, server, pump, _ = joined()
    client.startTLS(Certificate())
    with pytest.raises(AssertionError, match="has not started TLS; call startTLS first"):
        pump.pump()


def test_without_pyopenssl_the_error_is_the_standard_one(monkeypatch):
    real = builtins.__import__

    def importing(name, *args, **kwargs):
        if name == "OpenSSL":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", importing)
    assert iosim.NativeOpenSSLError is ssl.SSLError
    with pytest.raises(AttributeError, match=r"selvage\.testing\.iosim.*nonsense"):
        _ = iosim.nonsense


class Client(ClientFactory):
    protocol = Protocol

    def __init__(self):
        self.failures = []

    def clientConnectionFailed(self, connector, reason):
        self.failures.append((connector, reason.type))


def test_the_completer_joins_who_connects_and_who_listens():
    reactor = MemoryReactorClock()
    reactor.connectTCP("example.com", 81, Client())
    reactor.connectTCP("example.com", 80, Client())
    reactor.listenTCP(80, Factory.forProtocol(Protocol))
    completer = iosim.ConnectionCompleter(reactor)
    pump = completer.succeedOnce()
    assert pump.client.transport is pump.clientIO
    assert pump.clock is reactor
    assert [arguments[1] for arguments in reactor.tcpClients] == [81]
    assert completer.succeedOnce() is None
    assert completer.succeedOnce() is None


def test_the_completer_fails_the_oldest_attempt():
    reactor = MemoryReactor()
    first, second = Client(), Client()
    # Another kind of connection has a connector as well; it is not to be mistaken for the one that failed.
    reactor.connectUNIX("/run/x", Client())
    connector = reactor.connectTCP("example.com", 80, first)
    reactor.connectTCP("example.com", 81, second)
    completer = iosim.ConnectionCompleter(reactor)
    completer.failOnce()
    completer.failOnce(Failure(ConnectionLost()))
    assert first.failures == [(connector, ConnectionRefusedError)]
    assert [kind for _, kind in second.failures] == [ConnectionLost]
    assert len(reactor.connectors) == 1
    with pytest.raises(IndexError):
        completer.failOnce()


def test_a_connectable_endpoint_connects_when_told():
    endpoint, completer = iosim.connectableEndpoint()
    assert completer.succeedOnce() is None
    results = []
    endpoint.connect(Factory.forProtocol(Protocol)).addBoth(results.append)
    assert not results
    pump = completer.succeedOnce()
    assert results[0].transport is pump.clientIO
    endpoint.connect(Factory.forProtocol(Protocol)).addErrback(lambda f: results.append(f.type))
    completer.failOnce()
    assert results[1] is ConnectionRefusedError
    waiting = endpoint.connect(Factory.forProtocol(Protocol))
    waiting.addErrback(lambda f: results.append(f.type))
    waiting.cancel()
    assert results[2] is ConnectingCancelledError
