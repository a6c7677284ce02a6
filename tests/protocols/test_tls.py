"""TLS over any transport: a pair in memory, a real connection, and TLS itself."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from zope.interface import implementer

from selvage import failure
from selvage.errors import (
    ConnectionDone,
    ConnectionLost,
    HandshakeError,
    HandshakeTimeoutError,
    PeerCertificateError,
    TLSError,
    TruncatedError,
)
from selvage.failure import Failure
from selvage.interfaces import IHalfCloseableProtocol, IHandshakeListener, INegotiated, IPushProducer
from selvage.protocols import ClientFactory, Factory
from selvage.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from selvage.tasks import Clock
from selvage.testing import StringTransport
from selvage.testing.iosim import connectedServerAndClient
from selvage.transports._tls_creators import LegacyContextFactoryWarning
from tests.reports import expected_reports
from tests.transports.certificates import (
    HOST,
    OpenSSLContext,
    client_context,
    openssl_client_context,
    openssl_server_context,
    server_context,
)
from tests.transports.helpers import Recorder, Recording


def factory(
    is_client: bool, protocol: Any = Recorder, clock: Any = None, **options: Any
) -> TLSMemoryBIOFactory:
    context = options.pop("context", None) or (client_context() if is_client else server_context())
    if is_client:
        options.setdefault("server_hostname", HOST)
    wrapped = (ClientFactory if is_client else Factory).forProtocol(protocol)
    return TLSMemoryBIOFactory(context, is_client, wrapped, clock or Clock(), **options)


class Joined:
    """A client and a server with TLS, joined in memory, with one clock."""

    def __init__(self, client: Any = Recorder, server: Any = Recorder, **options: Any) -> None:
        self.clock = Clock()
        contexts = options.pop("contexts", (None, None))
        self.client_tls, self.server_tls, self.pump = connectedServerAndClient(
            lambda: factory(False, server, self.clock, context=contexts[1], **options).buildProtocol(None),
            lambda: factory(True, client, self.clock, context=contexts[0], **options).buildProtocol(None),
            greet=False,
            clock=self.clock,
        )
        self.client: Any = self.client_tls.wrappedProtocol
        self.server: Any = self.server_tls.wrappedProtocol

    def flush(self) -> None:
        for _ in range(4):
            self.pump.flush()
            self.clock.advance(0)


CONTEXTS = {
    "standard": lambda: (None, None),
    "openssl": lambda: (OpenSSLContext(openssl_client_context()), OpenSSLContext(openssl_server_context())),
}


@pytest.fixture(autouse=True)
def reports() -> Iterator[list[failure.Report]]:
    """What arrived at the hub; a test that expects something takes it out, anything else is an error."""
    with expected_reports() as collected:
        yield collected


@pytest.fixture(params=sorted(CONTEXTS))
def contexts(request):
    return CONTEXTS[request.param]()


def test_data_goes_both_ways(contexts):
    joined = Joined(contexts=contexts)
    joined.client.transport.write(b"before the handshake")
    joined.flush()
    assert joined.server.data == b"before the handshake"
    joined.server.transport.writeSequence([b"an", b"swer"])
    joined.flush()
    assert joined.client.data == b"answer"
    assert INegotiated.providedBy(joined.client.transport)
    assert joined.client.transport is joined.client_tls
    assert joined.client_tls.tls_facts.version == "TLSv1.3"
    assert joined.client_tls.negotiatedProtocol is None
    assert joined.client_tls.getPeerCertificate() is not None
    assert joined.server_tls.getPeerCertificate() is None
    assert joined.client_tls.getHandle() is joined.client_tls._tlsConnection


def test_close_is_clean_on_both_sides(contexts):
    joined = Joined(contexts=contexts)
    joined.client.transport.write(b"x" * 1_000_000)
    joined.client.transport.loseConnection()
    joined.client.transport.write(b"too late")
    joined.flush()
    assert joined.server.data == b"x" * 1_000_000
    assert type(joined.client.reasons[0].value) is ConnectionDone
    assert type(joined.server.reasons[0].value) is ConnectionDone
    assert joined.client_tls.getPeerCertificate() is None
    assert joined.client_tls.unsent_bytes() == 0


class Plain(TLSMemoryBIOFactory):
    """Its connections encrypt each write by itself."""

    protocol = TLSMemoryBIOProtocol


def test_what_is_written_after_lose_connection_is_dropped_when_nothing_is_gathered_too():
    clock = Clock()
    client_tls, server_tls, pump = connectedServerAndClient(
        lambda: factory(False, clock=clock).buildProtocol(None),
        lambda: Plain(
            client_context(), True, ClientFactory.forProtocol(Recorder), clock, server_hostname=HOST
        ).buildProtocol(None),
        greet=False,
        clock=clock,
    )
    transport, server = client_tls.wrappedProtocol.transport, server_tls.wrappedProtocol
    transport.write(b"all there is")
    transport.loseConnection()  # waits for the handshake
    transport.write(b", too late")
    pump.flush()
    assert server.data == b"all there is"


def test_data_is_delivered_after_lose_connection_until_the_peer_s_goodbye():
    joined = Joined()
    joined.flush()
    joined.server.transport.write(b"y" * 300_000)
    joined.client.transport.loseConnection()
    joined.flush()
    assert joined.client.data == b"y" * 300_000
    assert type(joined.client.reasons[0].value) is ConnectionDone


def test_what_one_data_received_writes_is_one_record():
    class Echo(Recorder):
        def dataReceived(self, data):
            for number in range(20):
                self.transport.write(b"%d," % number)

    joined = Joined(server=Echo)
    joined.flush()
    sent: list[bytes] = []
    below = joined.server_tls.transport
    below.write = lambda data, write=below.write: (sent.append(data), write(data))
    joined.client.transport.write(b"go")
    joined.flush()
    assert joined.client.data == b"".join(b"%d," % number for number in range(20))
    assert len(sent) == 1


def test_what_a_turn_writes_is_one_record():
    joined = Joined()
    joined.flush()
    sent: list[bytes] = []
    below = joined.client_tls.transport
    below.write = lambda data, write=below.write: (sent.append(data), write(data))
    for number in range(20):
        joined.client.transport.write(b"%d," % number)
    assert sent == []
    assert joined.client.transport.unsent_bytes() > 40
    joined.flush()
    assert len(sent) == 1


@pytest.mark.parametrize("data", ["text", 5, None])
def test_only_bytes_are_written(data):
    joined = Joined()
    with pytest.raises(TypeError, match="takes bytes"):
        joined.client.transport.write(data)


def test_buffers_that_may_change_are_copied():
    joined = Joined()
    data = bytearray(b"early")
    joined.client.transport.write(data)
    data[:] = b"later"
    joined.flush()
    assert joined.server.data == b"early"


# --- TLS in TLS ------------------------------------------------------------------------------------------------------


def test_tls_in_tls():
    clock = Clock()
    heard: list[str] = []

    @implementer(IHandshakeListener)
    class Listener(Recorder):
        def handshakeCompleted(self):
            heard.append(self.transport.tls_facts.version)

    def nested(is_client: bool) -> Any:
        inner = factory(is_client, Listener, clock)
        outer = TLSMemoryBIOFactory(
            client_context() if is_client else server_context(),
            is_client,
            inner,
            clock,
            server_hostname=HOST if is_client else None,
        )
        return outer.buildProtocol(None)

    client, server, pump = connectedServerAndClient(
        lambda: nested(False), lambda: nested(True), greet=False, clock=clock
    )
    inner_client = client.wrappedProtocol.wrappedProtocol
    inner_server = server.wrappedProtocol.wrappedProtocol
    inner_client.transport.write(b"x" * 100_000)
    for _ in range(6):
        pump.flush()
    assert inner_server.data == b"x" * 100_000
    assert heard == ["TLSv1.3", "TLSv1.3"]
    inner_client.transport.loseConnection()
    for _ in range(6):
        pump.flush()
    assert type(inner_client.reasons[0].value) is ConnectionDone
    assert type(inner_server.reasons[0].value) is ConnectionDone


# --- Ends that are not clean -------------------------------------------------------------------------------------------


def test_truncation_is_no_clean_end(contexts):
    joined = Joined(contexts=contexts)
    joined.client.transport.write(b"part")
    joined.flush()
    joined.client_tls.transport.loseConnection()  # below TLS
    joined.flush()
    error = joined.server.reasons[0].value
    assert isinstance(error, TruncatedError)
    assert isinstance(error, ConnectionLost)


def test_end_during_the_handshake(contexts):
    joined = Joined(contexts=contexts)
    joined.client_tls.transport.loseConnection()
    joined.flush()
    assert isinstance(joined.server.reasons[0].value, HandshakeError)


def test_abort():
    joined = Joined()
    joined.flush()
    joined.client.transport.write(b"dropped")
    joined.client.transport.abortConnection()
    joined.client.transport.abortConnection()
    joined.flush()
    assert joined.server.data == b""
    assert len(joined.client.reasons) == len(joined.server.reasons) == 1


def test_closing_before_the_handshake_with_nothing_written_does_without_it():
    joined = Joined()
    joined.server.transport.loseConnection()
    joined.flush()
    assert type(joined.server.reasons[0].value) is ConnectionDone
    assert isinstance(joined.client.reasons[0].value, HandshakeError)


def test_garbage():
    transport = StringTransport()
    tls = factory(False).buildProtocol(None)
    protocol = tls.wrappedProtocol
    tls.makeConnection(transport)
    tls.dataReceived(b"GET / HTTP/1.1\r\n\r\n")
    assert transport.disconnecting
    tls.dataReceived(b"more")
    tls.connectionLost(Failure(ConnectionDone()))
    assert isinstance(protocol.reasons[0].value, HandshakeError)
    assert "plain HTTP" in str(protocol.reasons[0].value)
    assert protocol.events == ["made", "lost"]


def test_damaged_record():
    joined = Joined()
    joined.flush()
    below = joined.client_tls.transport
    below.write = lambda data, write=below.write: write(data[:-1] + bytes([data[-1] ^ 1]))
    joined.client.transport.write(b"x")
    joined.flush()
    assert isinstance(joined.server.reasons[0].value, TLSError)
    assert "damaged" in str(joined.server.reasons[0].value)


def test_certificate_that_is_not_trusted():
    joined = Joined(contexts=(client_context(trusted=False), None))
    joined.client.transport.write(b"secret")
    joined.flush()
    error = joined.client.reasons[0].value
    assert isinstance(error, PeerCertificateError)
    assert error.problem == "unknown-authority"
    assert HOST in str(error)
    assert joined.server.data == b""


def test_handshake_timeout():
    joined = Joined(handshake_timeout=60)
    joined.clock.advance(59.5)
    assert not joined.server.reasons
    joined.clock.advance(1)
    joined.flush()
    assert isinstance(joined.server.reasons[0].value, HandshakeTimeoutError)
    assert "60 seconds" in str(joined.server.reasons[0].value)


def test_handshake_timeout_is_on_by_default_and_ends_with_the_handshake():
    joined = Joined()
    assert [call.getTime() for call in joined.clock.getDelayedCalls()].count(60.0) == 2
    joined.flush()
    assert joined.clock.getDelayedCalls() == []
    joined = Joined(handshake_timeout=None)
    assert all(call.getTime() < 1 for call in joined.clock.getDelayedCalls())


def test_a_peer_that_does_not_answer_our_goodbye():
    joined = Joined()
    joined.flush()
    joined.client.transport.loseConnection()
    assert not joined.client_tls.transport.disconnecting
    joined.clock.advance(11)
    assert joined.client_tls.transport.disconnecting


def test_verification_that_fails_late_is_the_reason():
    joined = Joined()
    joined.flush()
    joined.client_tls.failVerification(Failure(ZeroDivisionError()))
    joined.flush()
    assert type(joined.client.reasons[0].value) is ZeroDivisionError


def test_an_exception_in_a_callback_of_the_library_is_reported_and_ends_it(reports):
    from OpenSSL import SSL

    context = openssl_client_context()

    def verify(*args: Any) -> bool:
        raise ZeroDivisionError

    context.set_verify(SSL.VERIFY_PEER, verify)
    joined = Joined(contexts=(OpenSSLContext(context), None))
    joined.client.transport.write(b"secret")
    joined.flush()
    assert type(joined.client.reasons[0].value) is ZeroDivisionError
    assert joined.server.data == b""
    assert [type(report.failure.value) for report in reports] == [ZeroDivisionError]
    reports.clear()


# --- Half-closes, listeners, producers ---------------------------------------------------------------------------------


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Recorder):
    def readConnectionLost(self):
        self._note("read lost")

    def writeConnectionLost(self):
        self._note("write lost")


def test_half_close():
    joined = Joined(server=HalfCloseable)
    joined.client.transport.write(b"question")
    joined.flush()
    joined.client.transport.loseWriteConnection()
    joined.client.transport.write(b"dropped")
    joined.flush()
    assert joined.server.events == ["made", b"question", "read lost"]
    joined.server.transport.write(b"answer")
    joined.server.transport.loseConnection()
    joined.flush()
    assert joined.client.data == b"answer"
    assert type(joined.server.reasons[0].value) is ConnectionDone


def test_a_half_close_below_is_no_half_close():
    """Only the goodbye is the peer's word; a FIN could be anybody's."""
    tls = factory(False, HalfCloseable).buildProtocol(None)
    tls.makeConnection(StringTransport())
    assert not IHalfCloseableProtocol.providedBy(tls)
    assert not hasattr(tls, "readConnectionLost")


def test_listener_may_break_off_before_anything_is_sent():
    @implementer(IHandshakeListener)
    class Suspicious(Recorder):
        def connectionMade(self):
            self.transport.write(b"secret")

        def handshakeCompleted(self):
            self.transport.abortConnection()

    joined = Joined(client=Suspicious)
    joined.flush()
    assert joined.server.data == b""
    assert joined.client.reasons


@implementer(IPushProducer)
class Push:
    def __init__(self) -> None:
        self.log: list[str] = []

    def pauseProducing(self):
        self.log.append("pause")

    def resumeProducing(self):
        self.log.append("resume")

    def stopProducing(self):
        self.log.append("stop")


def test_producer_is_paused_until_the_handshake_is_done():
    joined = Joined()
    producer = Push()
    joined.client.transport.registerProducer(producer, True)
    joined.client.transport.write(b"x" * 100_000)
    assert producer.log == ["pause"]
    joined.flush()
    assert producer.log[:2] == ["pause", "resume"]
    assert joined.server.data == b"x" * 100_000
    joined.client.transport.loseConnection()
    joined.client.transport.write(b"y")
    joined.flush()
    assert joined.server.data[-1:] == b"y"
    assert not joined.client.reasons
    joined.client.transport.unregisterProducer()
    joined.flush()
    assert type(joined.client.reasons[0].value) is ConnectionDone


def test_producer_on_a_lost_connection_is_stopped():
    joined = Joined()
    joined.client.transport.abortConnection()
    joined.flush()
    producer = Push()
    joined.client_tls.registerProducer(producer, True)
    assert producer.log == ["stop"]


def test_second_producer_is_refused():
    joined = Joined()
    joined.client.transport.registerProducer(Push(), True)
    with pytest.raises(RuntimeError):
        joined.client.transport.registerProducer(Push(), True)


# --- What is left --------------------------------------------------------------------------------------------------------


def test_nothing_is_left_of_a_lost_connection(contexts):
    gc.collect()
    gc.disable()
    try:
        joined = Joined(contexts=contexts)
        joined.client.transport.write(b"x")
        joined.flush()
        joined.client.transport.loseConnection()
        joined.flush()
        gone = weakref.ref(joined.client_tls), weakref.ref(joined.client)
        assert joined.clock.getDelayedCalls() == []
        del joined
        gc.collect(0)
    finally:
        gc.enable()
    assert [ref() for ref in gone] == [None, None]


def test_before_and_after_there_is_no_engine():
    tls = TLSMemoryBIOProtocol(None, None)
    assert tls.engine is None
    assert tls.getHandle() is None
    assert tls.getPeerCertificate() is None
    assert tls.negotiatedProtocol is None
    assert tls.tls_facts is None


def test_factory():
    made = factory(False)
    assert made.protocol is BufferingTLSTransport
    assert made.logPrefix() == "Factory (TLS)"
    assert made.noisy is False
    with pytest.raises(TypeError), pytest.warns(LegacyContextFactoryWarning):
        TLSMemoryBIOFactory(object(), True, Recording())
