"""One connection of WebSocket, on either side, from the end of its handshake on.  Floor 4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage.errors import ConnectionLost
from selvage.failure import Failure, report
from selvage.protocols import Protocol, connectionDone
from selvage.web.websocket._frames import (
    GOING_AWAY,
    INTERNAL_ERROR,
    NORMAL_CLOSURE,
    Closed,
    Frames,
    Ping,
    Pong,
    Violation,
)

__all__ = ["CLOSE_TIMEOUT_S", "WebSocketViolation", "Wire"]

#: Seconds that a peer has to answer a closing frame and, at the client, to end the connection.
CLOSE_TIMEOUT_S = 10.0

#: Bytes that may wait to be sent before pongs are left out: a peer that pings and does not read fills no memory here.
_PONGS_WHILE_UNSENT_BYTES = 1 << 16

#: Codes that stand for what no frame may say (RFC 6455 section 7.4.1).
_NO_STATUS = 1005


class WebSocketViolation(ConnectionLost):
    """The peer broke the rules of WebSocket, or went beyond a limit.

    Attributes:
        code: the status code that it was told.
        reason: what it did.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code}: {reason}")
        self.code = code
        self.reason = reason


class Wire(Protocol):
    """Between a transport and the program's protocol; to the program it is the `WebSocketTransport`.

    Args:
        frames: this side of the connection.
        protocol: the program's.
        call_later: as of a reactor; None for no deadline.
        subprotocol: what was agreed on.
    """

    transport: Any

    #: What the peer said when it closed: status code (1005 when it gave none, 1006 when it did not close) and reason.
    close_code = 1006
    close_reason = ""

    def __init__(
        self,
        frames: Frames,
        protocol: Any,
        call_later: Callable[..., Any] | None = None,
        subprotocol: str | None = None,
    ) -> None:
        self._frames = frames
        self._protocol = protocol
        self._call_later = call_later
        self._closing: Any = None
        self._violation: WebSocketViolation | None = None
        self._lost = False
        self._has_producer = False
        #: The subprotocol that was agreed on, None for none.
        self.subprotocol = subprotocol

    # What the transport calls.

    def dataReceived(self, data: bytes) -> None:
        """Take input."""
        for event in self._frames.receive(data):
            if self._lost:
                return
            if isinstance(event, str):
                self._deliver(self._protocol.textMessageReceived, event)
            elif isinstance(event, bytes):
                self._deliver(self._protocol.bytesMessageReceived, event)
            elif isinstance(event, Ping):
                self._answer_ping(event.payload)
            elif isinstance(event, Pong):
                self._deliver(self._protocol.pongReceived, event.payload)
            elif isinstance(event, Closed):
                self._peer_closed(event)
            else:
                self._refuse(event)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the program, once."""
        self._lost = True
        if self._closing is not None and self._closing.active():
            self._closing.cancel()
        self._protocol.connectionLost(reason if self._violation is None else Failure(self._violation))

    def _deliver(self, receive: Callable[[Any], object], what: Any) -> None:
        # After this side has closed, what the peer had on its way means nothing to the program.
        if not self._frames.is_open:
            return
        try:
            receive(what)
        except Exception:
            self._program_failed()

    def _program_failed(self) -> None:
        report(Failure(), "A WebSocket protocol failed", source="websocket", protocol=self._protocol)
        self.loseConnection(INTERNAL_ERROR)

    def _answer_ping(self, payload: bytes) -> None:
        unsent = getattr(self.transport, "unsent_bytes", None)
        if self._frames.is_open and (unsent is None or unsent() <= _PONGS_WHILE_UNSENT_BYTES):
            self._write(self._frames.pong(payload))

    def _peer_closed(self, event: Closed) -> None:
        self.close_code, self.close_reason = event.code, event.reason
        if self._frames.may_close:
            self._write(self._frames.close(NORMAL_CLOSURE if event.code == _NO_STATUS else event.code))
        self._end()

    def _refuse(self, violation: Violation) -> None:
        self._violation = WebSocketViolation(violation.code, violation.reason)
        if self._frames.may_close:
            self._write(self._frames.close(violation.code, violation.reason))
        self._end()

    def _end(self) -> None:
        """Both sides have closed, or the peer cannot be understood: nothing more is read."""
        self.detachProducer()  # or the transport would wait for what it has still to say
        self.transport.loseConnection()
        self._set_deadline()

    def _set_deadline(self) -> None:
        if self._closing is None and self._call_later is not None and not self._lost:
            self._closing = self._call_later(CLOSE_TIMEOUT_S, self._run_out_of_patience)

    def _run_out_of_patience(self) -> None:
        abort = getattr(self.transport, "abortConnection", None) or self.transport.loseConnection
        abort()

    def _write(self, data: bytes | bytearray) -> None:
        self.transport.write(bytes(data))

    # What the program calls.

    def sendTextMessage(self, text: str) -> None:
        """Send a text message; after `loseConnection` it is dropped."""
        if self._frames.is_open:
            self._write(self._frames.text(text))

    def sendBytesMessage(self, data: bytes) -> None:
        """Send a binary message; after `loseConnection` it is dropped."""
        if self._frames.is_open:
            self._write(self._frames.binary(data))

    def ping(self, payload: bytes = b"") -> None:
        """Ask the peer whether it is there; `pongReceived` gets the same payload.

        Raises:
            ValueError: the payload has more than 125 bytes.
        """
        if len(payload) > 125:
            raise ValueError(f"a ping carries up to 125 bytes, not {len(payload)}")
        if self._frames.is_open:
            self._write(self._frames.ping(payload))

    def loseConnection(self, code: int = NORMAL_CLOSURE, reason: str = "") -> None:
        """Close, with a status code and a reason of up to 123 bytes; what was sent before arrives.

        The connection ends when the peer has answered, or does not answer in time.
        """
        if self._frames.is_open:
            self._write(self._frames.close(code, reason))
            self._set_deadline()

    def going_away(self) -> None:
        """Close, because the server stops."""
        self.loseConnection(GOING_AWAY)

    def attachProducer(self, producer: Any) -> None:
        """Have a push producer paused while the peer does not read fast enough."""
        self._has_producer = True
        self.transport.registerProducer(producer, True)

    def detachProducer(self) -> None:
        """Let go of the producer."""
        if self._has_producer:
            self._has_producer = False
            self.transport.unregisterProducer()
