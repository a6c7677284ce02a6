"""TLS over any transport: over another policy, over TLS, over a pair in memory.  Floor 3.

    TLSMemoryBIOFactory(context, False, factory)     # a factory whose connections speak TLS

A protocol of its own stands between transport and program, as with every policy (`_wrapping.py`).  To the transport it is a protocol
that is sent ciphertext; to the program it is a transport.  The machine is `selvage.transports._tls_session`.  Streams of the reactor
have TLS of their own (`listenSSL`, `connectSSL`, `startTLS`), below the connection and not above.

*Writing.*  What one `dataReceived` writes becomes one record batch and leaves at its end; what is written at any other time leaves
when the turn is over.

*The end.*  `loseConnection` says goodbye (close_notify) and closes when the peer has said it, too; meanwhile data is still
delivered, as in Twisted.  A transport that just ends was cut off (`TruncatedError`).

*Time.*  A handshake or a goodbye that takes too long ends the connection.  The time is that of `clock`, or of the loop that the
connection below rides on; a transport in memory without a clock has none.

Twisted: `twisted.protocols.tls`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

from selvage._publish import publish
from selvage.errors import ConnectionDone
from selvage.failure import Failure, report
from selvage.interfaces import INegotiated, ISystemHandle, implementer
from selvage.protocols._protocol import connectionDone
from selvage.protocols._tls_producers import (
    _AggregateSmallWrites as _AggregateSmallWrites,
    _ProducerMembrane as _ProducerMembrane,
    _PullToPush as _PullToPush,
)
from selvage.protocols._wrapping import ProtocolWrapper, WrappingFactory
from selvage.transports.tls import (
    CLOSE_TIMEOUT_S,
    ENDED,
    HANDSHAKE,
    HANDSHAKE_TIMEOUT_S,
    OPEN,
    SomeConnectionCreator as SomeConnectionCreator,
    TLSSession,
    bytes_to_write,
    cut_off,
    engine_maker,
    half_closeable,
    join_to_write,
    peer_certificate,
    peer_text,
    tell_handshake,
    too_slow,
)

if TYPE_CHECKING:
    from selvage.transports.tls import TLSEngine, TLSFacts

__all__ = ["BufferingTLSTransport", "TLSMemoryBIOFactory", "TLSMemoryBIOProtocol"]


def _get_default_clock() -> Any:
    """Return the ambient reactor."""
    from selvage.reactor import get_reactor

    return get_reactor()


@implementer(INegotiated, ISystemHandle)
class TLSMemoryBIOProtocol(ProtocolWrapper):
    """One connection with TLS, over a transport of any kind.

    Args:
        factory: the `TLSMemoryBIOFactory` that made it.
        wrappedProtocol: the program's protocol.
        _connectWrapped: False when that is connected already, to a transport which hands on to this one.
    """

    #: Whether TLS is spoken, as connections say it.
    TLS = True

    _session: TLSSession | None = None
    # Why it ended, when that is not for the transport to say.
    _reason: Failure | None = None
    _shaken = _aborted = _lost = _finished = _corked = _said_peer_ended = False
    _write_closed = False
    _producer: _ProducerMembrane | None = None
    _cancel_timer: Callable[[], object] | None = None

    def __init__(self, factory: Any, wrappedProtocol: Any, _connectWrapped: bool = True) -> None:
        super().__init__(factory, wrappedProtocol)
        self._connectWrapped = _connectWrapped

    # --- Beginning ---------------------------------------------------------------------------------------------------

    def makeConnection(self, transport: Any) -> None:
        """Take the transport, be the wrapped protocol's, and shake hands."""
        self._session = TLSSession(self.factory._make_engine(self), self._peer_name)
        self._attach(transport)
        if self._connectWrapped:
            self.wrappedProtocol.makeConnection(self)
        if self._session is None or self._aborted:
            return
        timeout = self.factory.handshake_timeout
        if timeout is not None:
            self._set_timer(timeout, self._handshake_took_too_long)
        self._session.begin()
        self._shake_on()

    @property
    def server_hostname(self) -> str | None:
        """For a client, whom it means to reach."""
        given: str | None = self.factory.server_hostname
        return given or getattr(self.transport, "_tls_name", None)

    def _peer_name(self) -> str:
        if self.factory.isClient and self.server_hostname:
            return str(self.server_hostname)
        return peer_text(self)

    def _shake_on(self) -> None:
        """Send what the handshake has to say, and take notice when it is done or has failed."""
        self._send()
        session = self._session
        if session is None:
            return
        if session.state == OPEN and not self._shaken:
            self._shaken = True
            self._stop_timer()
            tell_handshake(self.wrappedProtocol)
            if self._session is None or self._aborted:
                return
            session.flush()
            self._send()
            self._let_producer_go_on()
            self._finish_if_nothing_waits()
        if session.state == ENDED:
            self._react()

    def _handshake_took_too_long(self) -> None:
        self._break_off(Failure(too_slow(self.factory.handshake_timeout, self._peer_name())))

    # --- Receiving ---------------------------------------------------------------------------------------------------

    def dataReceived(self, bytes: bytes) -> None:
        """Decrypt, and pass on."""
        session = self._session
        if session is None or self._aborted:
            return
        if not self._shaken:
            session.feed(bytes)
            self._shake_on()
            if self._session is None or not self._shaken:
                return
            bytes = b""
        plaintext = session.receive(bytes)
        if plaintext:
            self._corked = True
            try:
                self.wrappedProtocol.dataReceived(plaintext)
            finally:
                self._corked = False
            self._uncork()
            if self._session is None:
                return
        self._send()
        if self._producer is not None:
            self._let_producer_go_on()
        if session.state == ENDED or session.engine.ended:
            self._react()

    def _uncork(self) -> None:
        """Write what `dataReceived` wrote; the base class has done so already."""

    def _react(self) -> None:
        """Do what a failure or the peer's goodbye asks for, once."""
        session = self._session
        assert session is not None
        if session.state == ENDED:
            if session.is_bug:
                session.is_bug = False
                failure = cast("Failure", session.failure)
                report(failure, "Unhandled error in a TLS callback", source="protocol", protocol=self)
            self._tlsShutdownFinished(session.failure)
        elif session.peer_ended and not self._said_peer_ended:
            self._said_peer_ended = True
            if not self.disconnecting and self._hears_of_half_closes():
                return
            self._uncork()
            self.disconnecting = True
            if not session.said_goodbye:
                self._shutdownTLS()
            self._tlsShutdownFinished(None)

    def _hears_of_half_closes(self) -> bool:
        """Tell a half-closeable protocol that the peer is done; False when it is none and the connection is over."""
        listener = half_closeable(self.wrappedProtocol)
        if listener is not None:
            listener.readConnectionLost()
        return listener is not None

    # --- Writing -----------------------------------------------------------------------------------------------------

    def write(self, bytes: bytes) -> None:
        """Send; dropped once the connection is closing, unless a producer has still something to say."""
        data = bytes_to_write(bytes)
        if self._may_write():
            self._write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send the joined pieces."""
        self.write(join_to_write(iovec))

    def _may_write(self) -> bool:
        return (
            not self._lost and not self._write_closed and not (self.disconnecting and self._producer is None)
        )

    def _write(self, data: bytes) -> None:
        """Encrypt and send, whatever was said about closing: that is looked at when the program writes."""
        session = self._session
        if session is None or self._lost or not data or session.said_goodbye:
            return
        session.send(data)
        self._send()
        if session.state == ENDED:
            self._react()
        elif session.waiting and self._producer is not None:
            # What the peer has to say first may take long.
            self._producer.pauseProducing()

    def _send(self) -> None:
        session = self._session
        if session is not None:
            ciphertext = session.take()
            if ciphertext:
                transport: Any = self.transport
                transport.write(ciphertext)

    def unsent_bytes(self) -> int:
        """Return how many bytes wait, for the handshake or for the transport below."""
        waiting = 0 if self._session is None else self._session.waiting
        below = getattr(self.transport, "unsent_bytes", None)
        return waiting if below is None else waiting + int(below())

    # --- Producers ---------------------------------------------------------------------------------------------------

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take a source of data; TLS holds it back, and so does the transport below.

        Raises:
            RuntimeError: another one is registered and was never unregistered.
        """
        if self._lost:
            producer.stopProducing()
            return
        if self._producer is not None:
            raise RuntimeError(
                f"Cannot register producer {producer!r}: producer {self._producer._producer!r} was never unregistered; "
                "call unregisterProducer() first"
            )
        pull = None
        if not streaming:
            producer = pull = _PullToPush(producer, self)
        membrane = _ProducerMembrane(producer)
        transport: Any = self.transport
        transport.registerProducer(membrane, True)
        self._producer = membrane
        if pull is not None:
            pull.startStreaming()

    def unregisterProducer(self) -> None:
        """Let go of the producer; when somebody meant to close meanwhile, close now."""
        membrane, self._producer = self._producer, None
        if membrane is None:
            return
        if isinstance(membrane._producer, _PullToPush):
            membrane._producer.stopStreaming()
        transport: Any = self.transport
        transport.unregisterProducer()
        self._finish_if_nothing_waits()

    def stopConsuming(self) -> None:
        """Let go of the producer and close."""
        self.unregisterProducer()
        self.loseConnection()

    def _let_producer_go_on(self) -> None:
        session = self._session
        if (
            self._producer is not None
            and session is not None
            and not session.waiting
            and self._producer._producerPaused
        ):
            self._producer.resumeProducing()

    # --- The end -----------------------------------------------------------------------------------------------------

    def loseConnection(self) -> None:
        """Close when all is sent and no producer is registered; wait for the peer to do the same.

        Before the handshake, with nothing written, there is nobody to say goodbye to.
        """
        if self.disconnecting or self._lost:
            return
        self.disconnecting = True
        session = self._session
        if session is not None and not self._shaken and not session.waiting and self._producer is None:
            self._tlsShutdownFinished(None)
        else:
            self._finish_if_nothing_waits()

    def _finish_if_nothing_waits(self) -> None:
        session = self._session
        if session is None or self._aborted or not self.disconnecting or self._producer is not None:
            return
        if self._shaken and not session.waiting and not session.said_goodbye:
            self._shutdownTLS()

    def loseWriteConnection(self) -> None:
        """Say goodbye when all is sent, and go on receiving."""
        if self._session is not None and not self.disconnecting:
            self._write_closed = True
            self._session.goodbye()
            self._send()

    def _shutdownTLS(self) -> None:
        """Say goodbye, and close when the peer has."""
        session = self._session
        if session is None:
            return
        session.goodbye()
        self._send()
        if session.peer_ended or session.state == ENDED:
            self._tlsShutdownFinished(session.failure)
        else:
            self._set_timer(CLOSE_TIMEOUT_S, self._goodbye_took_too_long)

    def _goodbye_took_too_long(self) -> None:
        """Close without the peer's goodbye; what it still reads is sent first."""
        self._tlsShutdownFinished(None)

    def _tlsShutdownFinished(self, reason: Failure | None) -> None:
        """Close the transport below: TLS is over, for this reason when it is not a good one."""
        if self._finished:
            return
        self._finished = True
        self._stop_timer()
        if reason is not None and self._reason is None:
            self._reason = reason
        self._send()
        transport: Any = self.transport
        transport.loseConnection()

    def abortConnection(self) -> None:
        """Close at once, without a word."""
        if self._lost:
            return
        self._aborted = True
        self.disconnecting = True
        self._stop_timer()
        transport: Any = self.transport
        transport.abortConnection()

    def _break_off(self, reason: Failure) -> None:
        if self._reason is None:
            self._reason = reason
        self.abortConnection()

    def failVerification(self, reason: Failure) -> None:
        """Break off: whoever verifies the peer does not like it.

        Args:
            reason: what `connectionLost` will be told.
        """
        if self._session is not None:
            self._session.fail(reason)
        self._break_off(reason)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the wrapped protocol, with the best reason that is known, and let go of everything."""
        if self._lost:
            return
        self._lost = True
        self._stop_timer()
        reason = self._reason or self._judge(reason)
        self._session = None
        membrane, self._producer = self._producer, None
        if membrane is not None and isinstance(membrane._producer, _PullToPush):
            membrane._producer.stopStreaming()
        super().connectionLost(reason)

    def _judge(self, reason: Failure) -> Failure:
        """Return why it ended, told what the transport below says: without TLS's goodbye, its end is no clean one."""
        session = self._session
        if session is None or self._aborted or self._finished or session.said_goodbye:
            return reason
        handshaken = session.state != HANDSHAKE
        if handshaken and (session.peer_ended or not reason.check(ConnectionDone)):
            return reason
        error = cut_off(handshaken, self._peer_name())
        error.__cause__ = reason.value
        return Failure(error)

    # --- Time --------------------------------------------------------------------------------------------------------

    def _set_timer(self, seconds: float, call: Callable[[], object]) -> None:
        self._stop_timer()
        clock = self.factory._given_clock
        engine = getattr(self.transport, "_engine", None)
        if clock is not None:
            later = clock.callLater(seconds, self._timed_out, call)
        elif engine is not None:
            # Not the reactor's: whoever takes a reactor apart to see what is left should not find what ends by itself.
            later = engine.loop.call_later(seconds, self._timed_out, call)
        else:
            return
        self._cancel_timer = later.cancel

    def _timed_out(self, call: Callable[[], object]) -> None:
        self._cancel_timer = None
        call()

    def _stop_timer(self) -> None:
        cancel, self._cancel_timer = self._cancel_timer, None
        if cancel is not None:
            cancel()

    # --- What was agreed on ------------------------------------------------------------------------------------------

    @property
    def engine(self) -> TLSEngine | None:
        """What does the mathematics; None before and after the connection."""
        return None if self._session is None else self._session.engine

    @property
    def _tlsConnection(self) -> Any:
        """The object of the library that does it; may be replaced, for tests."""
        return None if self._session is None else self._session.engine.handle

    @_tlsConnection.setter
    def _tlsConnection(self, connection: Any) -> None:
        assert self._session is not None
        self._session.engine.handle = connection

    def getHandle(self) -> Any:
        """Return the object of the library that does it: an `ssl.SSLObject` or an `OpenSSL.SSL.Connection`."""
        return self._tlsConnection

    def getPeerCertificate(self) -> Any:
        """Return the peer's certificate, None when it has shown none (yet).

        That is an `OpenSSL.crypto.X509`, as Twisted's programs know it; where pyOpenSSL is not installed, its DER.
        """
        return None if self._session is None else peer_certificate(self._session.engine)

    @property
    def negotiatedProtocol(self) -> bytes | None:
        """The name of the protocol that ALPN chose; None when it chose none, or not yet."""
        return None if self._session is None else self._session.engine.negotiated_protocol()

    @property
    def tls_facts(self) -> TLSFacts | None:
        """Version, cipher, protocol and certificate that were agreed on; None before the handshake is done."""
        return None if self._session is None or not self._shaken else self._session.engine.facts()


class BufferingTLSTransport(TLSMemoryBIOProtocol):
    """Gathers what is written in one turn, or in one `dataReceived`, before it is encrypted."""

    def __init__(self, factory: Any, wrappedProtocol: Any, _connectWrapped: bool = True) -> None:
        super().__init__(factory, wrappedProtocol, _connectWrapped)
        self._aggregator = _AggregateSmallWrites(self._write, factory._clock)

    def write(self, bytes: bytes) -> None:
        """Send; dropped once the connection is closing, unless a producer has still something to say."""
        if bytes.__class__ is not _bytes:
            bytes = bytes_to_write(bytes)
        if self._may_write():
            if self._corked:
                self._aggregator.gather(bytes)
            else:
                self._aggregator.write(bytes)

    def writeSequence(self, sequence: Iterable[bytes]) -> None:
        """Send the joined pieces."""
        self.write(join_to_write(sequence))

    def _uncork(self) -> None:
        self._aggregator.flush()

    def unsent_bytes(self) -> int:
        """Return how many bytes wait, for the end of the turn, the handshake or the transport below."""
        return self._aggregator.waiting + super().unsent_bytes()

    def unregisterProducer(self) -> None:
        """Let go of the producer; when somebody meant to close meanwhile, close now."""
        self._aggregator.flush()
        super().unregisterProducer()

    def loseConnection(self) -> None:
        """Close when all is sent."""
        self._aggregator.flush()
        super().loseConnection()

    def loseWriteConnection(self) -> None:
        """Say goodbye when all is sent, and go on receiving."""
        self._aggregator.flush()
        super().loseWriteConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget what was not sent, and tell the wrapped protocol."""
        self._aggregator.discard()
        super().connectionLost(reason)


class TLSMemoryBIOFactory(WrappingFactory[TLSMemoryBIOProtocol]):
    """Puts TLS on the connections of another factory.

    Args:
        contextFactory: an `ssl.SSLContext`, the options of `selvage.tls`, a provider of `IOpenSSLClientConnectionCreator` or
            `IOpenSSLServerConnectionCreator`, or an object whose `getContext()` returns a context, which is asked once, now.
        isClient: which side of the handshake.
        wrappedFactory: builds the protocols.
        clock: an `IReactorTime`; the ambient reactor by default.
        handshake_timeout: seconds for the peer to finish the handshake; None for no end.
        server_hostname: for a client with an `ssl.SSLContext`, the name that the server has to have; by default the host that the
            transport below was connected to.

    Raises:
        TypeError: `contextFactory` is none of these.  Whatever it raises itself is raised as well.
    """

    protocol = BufferingTLSTransport
    noisy = False

    def __init__(
        self,
        contextFactory: Any,
        isClient: bool,
        wrappedFactory: Any,
        clock: Any = None,
        *,
        handshake_timeout: float | None = HANDSHAKE_TIMEOUT_S,
        server_hostname: str | None = None,
    ) -> None:
        super().__init__(wrappedFactory)
        self._make_engine = engine_maker(contextFactory, isClient, 2)
        self._given_clock = clock
        self._clock = _get_default_clock() if clock is None else clock
        self.isClient = isClient
        self.handshake_timeout = handshake_timeout
        self.server_hostname = server_hostname

    def logPrefix(self) -> str:
        """Return the wrapped factory's prefix and "(TLS)"."""
        return super().logPrefix().replace(f"({type(self).__name__})", "(TLS)")


_bytes = bytes  # Twisted's name for an argument hides the class

publish(globals())
