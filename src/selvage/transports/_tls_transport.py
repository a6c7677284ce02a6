"""TLS between a connection and the loop: to each of them it looks like the other.  Floor 2.

A connection of ours (`_stream.Connection`) writes to, pauses and closes "the engine's transport".  With TLS that is a
`TLSTransport`, which does the same to the real one below, with ciphertext.  So producers, half-closes, pauses and the order of
the end are what they are without TLS, and output is gathered before it is encrypted: what one `dataReceived` writes
becomes one record and leaves in one system call.

*The end.*  `close` says goodbye (close_notify) and waits for the peer's, for at most `CLOSE_TIMEOUT_S` after all has left: to close
with input unread would reset the connection and could destroy what the peer has not read yet.  A peer that says goodbye first
is answered.  A connection that just ends is cut off, and that is an error (`TruncatedError`): whoever sits between the two
sides could have cut it.

*Pausing.*  The handshake goes on while input is paused; plaintext waits in the engine.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from selvage._context import speaking
from selvage.errors import HandshakeError, TLSError
from selvage.failure import Failure, report
from selvage.interfaces import IHandshakeListener

from ._states import CLOSING as CONNECTION_CLOSING, OPEN as CONNECTION_OPEN
from ._tls_errors import cut_off, named, peer_text, too_slow
from ._tls_limits import CLOSE_TIMEOUT_S, HANDSHAKE_TIMEOUT_S, MAX_ANSWERS
from ._tls_session import ENDED, HANDSHAKE, OPEN, TLSSession

if TYPE_CHECKING:
    import asyncio

    from ._stream import Connection
    from ._tls_engine import TLSEngine, TLSFacts

__all__ = [
    "TLSTransport",
    "peer_certificate",
    "tell_handshake",
]

#: What is encrypted and handed on at once, in bytes, so that a large write costs its own size in ciphertext and not twice that.
_PIECE = 256 * 1024


class TLSTransport:
    """What the loop's transport is to a connection, with TLS.

    Args:
        connection: the one above.
        below: the transport that carries the ciphertext: the loop's, one of ours, or another `TLSTransport`.
        handshake_timeout: seconds; None for no end.
        server_hostname: for a client, whom it means to reach.
    """

    __slots__ = (
        "_answers",  # bytes of answers of the protocol's since the transport below had nothing to send
        "_below",
        "_closing",  # whether `close` was called, or what stands for it
        "_connection",
        "_context",  # in which the connection's hooks run
        "_cut",  # whether the peer's end came while input waited
        "_handshake_timeout",
        "_paused",
        "_port",  # None, or what counts handshakes, while this one is under way
        "_protocol",  # the loop's protocol above: the connection, or what stands in for it
        "_said_peer_ended",
        "_session",
        "_shaken",  # whether the end of the handshake was told
        "_timer",  # ends a handshake or a goodbye that takes too long
        "_unread",  # whether the engine may hold plaintext that nobody has read
        "server_hostname",
    )

    def __init__(
        self,
        connection: Connection,
        below: Any,
        handshake_timeout: float | None = HANDSHAKE_TIMEOUT_S,
        server_hostname: str | None = None,
    ) -> None:
        self._connection = connection
        self._below = below
        self._protocol: Any = connection
        self._handshake_timeout = handshake_timeout
        self.server_hostname = server_hostname
        self._context = contextvars.copy_context()
        self._closing = self._cut = self._paused = self._said_peer_ended = self._shaken = self._unread = False
        self._timer: asyncio.TimerHandle | None = None
        self._port: Any = None
        self._answers = 0
        self._session: TLSSession

    def use(self, engine: TLSEngine) -> None:
        """Take the engine, which may have been made for this very object."""
        self._session = TLSSession(engine, self._peer_name)

    def begin(self, port: Any = None) -> None:
        """Start the handshake: from now on, what comes is ciphertext.

        Args:
            port: the `tls.Port` that counts handshakes, if there is one.
        """
        if self._below.is_closing():
            return
        if port is not None:
            self._port = port
            port.handshake_begins(self)
        self._below.set_protocol(self)
        if self._handshake_timeout is not None:
            self._set_timer(self._handshake_timeout, self._handshake_took_too_long)
        self._session.begin()
        self._shake_on()

    def _peer_name(self) -> str:
        return self.server_hostname or peer_text(self._connection)

    # --- What the transport below calls ----------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Decrypt, and pass on.

        The quick way is `Connection.data_received`, written out, so that no more than this frame is between the loop and
        `dataReceived`; benchmarks/, row "TLS echo".
        """
        session = self._session
        connection = self._connection
        if (
            session.state != OPEN
            or self._paused
            or self._protocol is not connection
            or connection._state != CONNECTION_OPEN
        ):
            self._receive_carefully(data)
            return
        plaintext = session.receive(data)
        if plaintext:
            if connection._pending is None:
                connection._pending = connection._cork
            speaking.transport = connection
            try:
                connection.protocol.dataReceived(plaintext)
            except BaseException:
                speaking.transport = None
                connection._hook_failed("dataReceived")
                return
            speaking.transport = None
            if connection._pending:
                connection._flush()
            elif connection._state == CONNECTION_OPEN:
                connection._pending = None
        self._answer()
        if session.state != OPEN or session.engine.ended:
            self._react()

    def _receive_carefully(self, data: bytes) -> None:
        """The way of `data_received` while shaking hands, paused, closing, or when somebody stands in for the connection."""
        self._session.feed(data)
        self._unread = True
        self._shake_on()
        if self._shaken and not self._paused:
            self._read_on()

    def _read_on(self) -> None:
        """Deliver the plaintext that waits in the engine."""
        self._unread = False
        plaintext = self._session.read()
        if plaintext and self._connection._state == CONNECTION_OPEN:
            self._protocol.data_received(plaintext)
        self._answer()
        self._react()
        if self._cut and not self._session.peer_ended:
            self._was_cut()
            self._below.close()

    def eof_received(self) -> bool:
        """The peer closed the transport below: fine after its goodbye or ours, else it was cut off."""
        session = self._session
        if self._unread and session.state == OPEN and not self._closing:
            self._cut = True  # judged when what came before has been read
            return True
        if session.peer_ended:
            return not self._closing  # its half was closed before; ours may go on
        self._was_cut()
        return False

    def connection_lost(self, exc: BaseException | None) -> None:
        """Pass it on."""
        self._stop_timer()
        self._count_no_more()
        if exc is not None and self._session.state == HANDSHAKE and not self._closing:
            error = HandshakeError(f"the peer broke the connection off ({exc})", self._peer_name())
            error.__cause__ = exc
            self._session.fail(named(error))
            self._note_failure()
        self._protocol.connection_lost(exc)
        self._let_go()

    def _let_go(self) -> None:
        """Break the circles of references: what TLS keeps is too large to wait for the garbage collector."""
        forget = getattr(self._session.engine.handle, "set_app_data", None)
        if forget is not None:
            forget(None)
        nobody: Any = None
        self._connection = self._protocol = nobody

    def pause_writing(self) -> None:
        """Pass it on."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on, unless plaintext waits for the handshake."""
        if not self._session.waiting:
            self._protocol.resume_writing()

    def descriptor_received(self, descriptor: int) -> None:
        """Pass it on (UNIX sockets)."""
        self._protocol.descriptor_received(descriptor)

    def descriptors_missing(self) -> None:
        """Pass it on (UNIX sockets)."""
        self._protocol.descriptors_missing()

    # --- The handshake ---------------------------------------------------------------------------------------------

    def _shake_on(self) -> None:
        """Send what the handshake has to say, and take notice when it is done or has failed."""
        self._send()
        state = self._session.state
        if state == ENDED:
            self._react()
        elif state == OPEN and not self._shaken:
            self._shaken = True
            self._stop_timer()
            self._count_no_more()
            self._handshake_done()

    def _count_no_more(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            port.handshake_ends(self)

    def _handshake_done(self) -> None:
        if self._paused and not self._closing:
            self._below.pause_reading()
        connection = self._connection
        if connection._state == CONNECTION_OPEN:
            try:
                tell_handshake(connection.protocol)
            except BaseException:
                connection._hook_failed("handshakeCompleted")
        if self._below.is_closing():
            return
        self._session.flush()
        self._send()
        if not self._below.get_write_buffer_size():
            self.resume_writing()
        if self._closing:
            self._leave()

    def give_way(self, limit: int) -> None:
        """End the handshake: others wait, and this one has taken longest."""
        said = f"{limit} at once are under way, and this one has taken longest"
        advice = "allow for more of them (max_handshakes), or find out who begins so many"
        self._session.fail(named(HandshakeError(said, self._peer_name(), advice)))
        self._note_failure()
        self._below.abort()

    def _handshake_took_too_long(self) -> None:
        assert self._handshake_timeout is not None
        self._session.fail(too_slow(self._handshake_timeout, self._peer_name()))
        self._note_failure()
        self._below.abort()

    # --- The end ---------------------------------------------------------------------------------------------------

    def _react(self) -> None:
        """Do what a failure or the peer's goodbye asks for, once."""
        if self._connection is None:
            return  # it is over
        if self._session.state == ENDED:
            if not self._below.is_closing():
                self._note_failure()
                self._send()  # an alert tells the peer why
                self._close_below()
        elif self._session.peer_ended and not self._said_peer_ended:
            self._said_peer_ended = True
            if self._closing:
                if self._session.said_goodbye:
                    self._close_below()
            elif not self._protocol.eof_received():
                self.close()

    def _note_failure(self) -> None:
        """Have `connectionLost` be told why; not after a goodbye of ours, when all was said."""
        session, connection = self._session, self._connection
        failure = session.failure
        assert failure is not None
        if session.is_bug:
            session.is_bug = False
            report(failure, "Unhandled error in a TLS callback", source="protocol", transport=connection)
        if (
            connection._state in (CONNECTION_OPEN, CONNECTION_CLOSING)
            and connection._reason is None
            and not session.said_goodbye
        ):
            connection._break(failure)

    def _was_cut(self) -> None:
        session = self._session
        if self._closing and session.said_goodbye:
            return
        session.fail(cut_off(session.state != HANDSHAKE, self._peer_name()))
        self._note_failure()

    def close(self) -> None:
        """Say goodbye when all that was written has left, wait for the peer's, and close.

        Before the handshake, with nothing written, there is nobody to say goodbye to, and no reason to do the mathematics.
        """
        self._closing = True
        if not self._shaken and not self._session.waiting:
            self._close_below()
            return
        self._session.goodbye()
        if self._shaken:
            self._send()
            self._leave()

    def _leave(self) -> None:
        if self._session.peer_ended or self._session.state == ENDED:
            self._close_below()
        elif self._session.said_goodbye:
            if self._paused:
                self._paused = False
                self._below.resume_reading()
            self._set_timer(CLOSE_TIMEOUT_S, self._goodbye_took_too_long)
            if self._unread:
                self._read_on()

    def _close_below(self) -> None:
        self._closing = True
        self._below.close()
        self._set_timer(CLOSE_TIMEOUT_S, self._goodbye_took_too_long)

    def _goodbye_took_too_long(self) -> None:
        """End it, unless the peer still reads what was written."""
        left = self._below.get_write_buffer_size()
        if left and self._connection._reason is None:
            self._set_timer(CLOSE_TIMEOUT_S, self._goodbye_took_too_long)
        else:
            self._below.abort()

    def abort(self) -> None:
        """End at once."""
        self._closing = True
        self._stop_timer()
        self._below.abort()

    def _set_timer(self, seconds: float, call: Any) -> None:
        self._stop_timer()
        self._timer = self._connection._engine.loop.call_later(seconds, call, context=self._context)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    # --- What the connection calls ---------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Encrypt and send."""
        session = self._session
        if len(data) <= _PIECE:
            session.send(data)
            self._send()
        else:
            view = memoryview(data)
            for start in range(0, len(data), _PIECE):
                session.send(bytes(view[start : start + _PIECE]))
                self._send()
        if session.state == ENDED:
            self._react()

    def writelines(self, pieces: Iterable[bytes]) -> None:
        """Encrypt and send."""
        for piece in pieces:
            self.write(piece)

    def _send(self) -> None:
        ciphertext = self._session.engine.take()
        if ciphertext:
            self._below.write(ciphertext)

    def _answer(self) -> None:
        """Send what the protocol itself has to say to what came, unless the peer makes it speak and does not listen."""
        ciphertext = self._session.engine.take()
        if not ciphertext or self._below.is_closing():
            return
        self._below.write(ciphertext)
        self._answers = self._answers + len(ciphertext) if self._below.get_write_buffer_size() else 0
        if self._answers > MAX_ANSWERS and self._session.state == OPEN:
            self._session.fail(
                named(TLSError("it asks for answers and does not read them", self._peer_name()))
            )
            self._note_failure()
            self._below.abort()

    def write_eof(self) -> None:
        """Say goodbye, and go on reading."""
        self._session.goodbye()
        self._send()

    def get_write_buffer_size(self) -> int:
        """Return how much waits, for the handshake or for the transport below."""
        return self._session.waiting + int(self._below.get_write_buffer_size())

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Pass it on."""
        self._below.set_write_buffer_limits(high, low)

    def pause_reading(self) -> None:
        """Deliver nothing; the handshake goes on."""
        self._paused = True
        if self._shaken and not self._closing:
            self._below.pause_reading()

    def resume_reading(self) -> None:
        """Deliver again."""
        self._paused = False
        if self._unread and self._shaken:
            self._connection._engine.loop.call_soon(self._resume, context=self._context)
        else:
            self._below.resume_reading()

    def _resume(self) -> None:
        if not self._paused and not self._below.is_closing():
            if self._unread:
                self._read_on()
            if not self._paused:
                self._below.resume_reading()

    def is_reading(self) -> bool:
        """Tell whether input is wanted."""
        return not self._paused and bool(self._below.is_reading())

    def is_closing(self) -> bool:
        """Tell whether the end has begun."""
        return self._closing or bool(self._below.is_closing())

    def set_protocol(self, protocol: Any) -> None:
        """Let another than the connection take what comes."""
        self._protocol = protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known under a name that asyncio uses, such as "ssl_object"; else ask below."""
        if name == "ssl_object":
            return self._session.engine.handle
        if name == "peercert":
            return self._session.engine.peer_certificate()
        if name == "cipher":
            return self._session.engine.facts().cipher
        return self._below.get_extra_info(name, default)

    def send_descriptor(self, number: int) -> None:
        """Pass it on (UNIX sockets)."""
        self._below.send_descriptor(number)

    def descriptors_waiting(self) -> int:
        """Pass it on (UNIX sockets)."""
        return int(self._below.descriptors_waiting())

    # --- What context factories and their callbacks know it by: Twisted's TLS protocol ---------------------------------

    @property
    def engine(self) -> TLSEngine:
        """What does the mathematics."""
        return self._session.engine

    def facts(self) -> TLSFacts | None:
        """Return what was agreed on, None before the handshake is done."""
        return self._session.engine.facts() if self._shaken else None

    @property
    def transport(self) -> Connection:
        """The connection."""
        return self._connection

    @property
    def wrappedProtocol(self) -> Any:
        """The program's protocol."""
        return self._connection.protocol

    @property
    def factory(self) -> _FactoryOfTLS:
        """What stands for the factory of TLS protocols: its `wrappedFactory` is the program's."""
        return _FactoryOfTLS(self._connection)

    @property
    def _tlsConnection(self) -> Any:
        return self._session.engine.handle

    def failVerification(self, reason: Failure) -> None:
        """Break off: whoever verifies the peer does not like it.  Meant for callbacks during the handshake.

        Args:
            reason: what `connectionLost` will be told.
        """
        self._session.fail(reason)
        if self._connection is not None:
            self._connection._engine.loop.call_soon(self._react, context=self._context)


class _FactoryOfTLS:
    """What creators see of a factory: with it they find an `IProtocolNegotiationFactory`."""

    def __init__(self, connection: Connection) -> None:
        of_owner = getattr(connection._owner, "factory", None)
        #: The factory of the connection's protocol, by which a port or connector knows it or the protocol itself.
        self.wrappedFactory = getattr(connection.protocol, "factory", None) if of_owner is None else of_owner


def tell_handshake(protocol: Any) -> None:
    """Tell a protocol that wants to know that the handshake is done."""
    # Asking zope takes longer, and most protocols end here.
    if hasattr(protocol, "handshakeCompleted") and IHandshakeListener.providedBy(protocol):
        protocol.handshakeCompleted()


def peer_certificate(engine: TLSEngine) -> Any:
    """Return the peer's certificate as Twisted's programs know it: of pyOpenSSL, or DER where that is not installed."""
    shown = getattr(engine.handle, "get_peer_certificate", None)
    if shown is not None:
        return shown()
    der = engine.peer_certificate()
    if der is None:
        return None
    try:
        from OpenSSL.crypto import FILETYPE_ASN1, load_certificate
    except ImportError:
        return der
    return load_certificate(FILETYPE_ASN1, der)
