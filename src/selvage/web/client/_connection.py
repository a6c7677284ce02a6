"""One connection to a server: a request, its response, and perhaps the next one.  Floor 4.

Theory of operation.  The state is a word:

    QUIESCENT                               nothing is asked; `request` may be called
    TRANSMITTING                            the request is being written
    TRANSMITTING_AFTER_RECEIVING_RESPONSE   it still is, but the answer has been read; the connection is given up
    WAITING                                 the request is written; the answer is awaited, or read
    GENERATION_FAILED                       the request could not be written whole; the connection is ending
    ABORTING                                somebody has ended the connection, which has not said so yet
    CONNECTION_LOST                         it is over

Nothing of one request is left on the connection when the next one begins.  A connection is used again only when request
and response are both whole, both sides want that, and the server has sent nothing besides; whatever is given up, by
cancelling, by a deadline, by an error, takes its connection with it, so that a late answer is never the answer to
somebody else's request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from selvage.defer import CancelledError, Deferred, fail, maybeDeferred, succeed
from selvage.errors import ConnectionDone
from selvage.failure import Failure
from selvage.logger import Logger
from selvage.protocols import Protocol, connectionDone
from selvage.web.client._errors import (
    ConnectionAborted,
    RequestGenerationFailed,
    RequestNotSent,
    RequestTransmissionFailed,
)
from selvage.web.client._parser import HTTPClientParser
from selvage.web.client._request import Request
from selvage.web.client._response import TransportProxyProducer

if TYPE_CHECKING:
    from selvage.web.client._response import Response

__all__ = ["HTTP11ClientProtocol"]

_log = Logger("selvage.web.client")


class HTTP11ClientProtocol(Protocol):
    """The client's side of a connection that speaks HTTP/1.1.

    Args:
        quiescentCallback: called with this object each time that it may be used for another request.

    Twisted: `twisted.web.client.HTTP11ClientProtocol`.  A response that comes while the request is still being written
    is handed out as soon as its header is in.
    """

    transport: Any

    _state = "QUIESCENT"
    _parser: HTTPClientParser | None = None
    _finishedRequest: Deferred[Any] | None = None
    _currentRequest: Any = None
    _transportProxy: TransportProxyProducer | None = None
    _responseDeferred: Deferred[Any] | None = None
    _writing: Deferred[Any] | None = None

    def __init__(self, quiescentCallback: Callable[[Any], object] = lambda connection: None) -> None:
        self._quiescentCallback = quiescentCallback
        self._abortDeferreds: list[Deferred[None]] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._state.lower()}>"

    @property
    def state(self) -> str:
        """The word for the state; see the module."""
        return self._state

    # --- Requests ------------------------------------------------------------------------------------------------

    def request(self, request: Any) -> Deferred[Response]:
        """Send a request.

        Fires with the `Response` when its header is in.
        Fails with `RequestNotSent` when the connection is busy or gone, `RequestGenerationFailed` when the request
            cannot be written, `RequestTransmissionFailed` when the connection is lost before it was, `ResponseFailed`
            when there is no whole header of a response, and `ResponseNeverReceived`, which is one, when there is
            nothing of it.  Cancelling ends the connection.
        """
        if self._state != "QUIESCENT":
            return fail(RequestNotSent(f"the connection is not free for a request: {self!r}"))
        proxy = TransportProxyProducer(self.transport)
        parser = HTTPClientParser(request, self._finishResponse, self._cancel_request)
        parser.transport = proxy
        self._currentRequest = request
        self._transportProxy = proxy
        self._parser = parser
        answered = self._responseDeferred = parser._responseDeferred
        if type(request) is Request and request.bodyProducer is None:
            # The quick way: written at once, one Deferred for all.  benchmarks/, "client".
            self._finishedRequest = answered
            try:
                head = request._head()
            except Exception:
                self._generation_failed(Failure())
            else:
                self._state = "WAITING"
                self.transport.write(head)
            return answered
        return self._write(request)

    def _write(self, request: Any) -> Deferred[Response]:
        """Write a request whose body takes its time."""
        self._state = "TRANSMITTING"
        finished: Deferred[Response] = Deferred(self._cancel_request)
        self._finishedRequest = finished
        self._writing = maybeDeferred(request.writeTo, self.transport)
        self._writing.addCallbacks(self._written, self._not_written)
        return finished

    def _written(self, _: Any) -> None:
        if self._state == "TRANSMITTING":
            self._state = "WAITING"
            self._hand_out()

    def _not_written(self, failure: Failure) -> None:
        if self._state == "TRANSMITTING":
            self._generation_failed(failure)
        else:
            _log.failure(
                "Error writing request, but not in valid state to finalize request: {state}",
                failure,
                state=self._state,
            )

    def _generation_failed(self, failure: Failure) -> None:
        self._state = "GENERATION_FAILED"
        finished = self._finishedRequest
        self.transport.abortConnection()
        self._forget_request()
        if finished is not None and not finished.called:
            finished.errback(Failure(RequestGenerationFailed([failure])))

    def _hand_out(self) -> None:
        """Let whoever asked have the response, now or when it comes."""
        finished, answered = self._finishedRequest, self._responseDeferred
        if finished is not None and answered is not None and answered is not finished:
            self._responseDeferred = finished
            answered.chainDeferred(finished)

    def _cancel_request(self, finished: Deferred[Any]) -> None:
        """Give a request up, and the connection with it."""
        if self._state == "TRANSMITTING" and self._writing is not None and not self._writing.called:
            self._writing.cancel()
            if self._state == "TRANSMITTING":  # its producer does not say so
                self._generation_failed(Failure(CancelledError()))
        else:
            self._state = "ABORTING"
            self.transport.abortConnection()
            self._disconnectParser(Failure(CancelledError()))

    # --- Responses -----------------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Read on."""
        parser = self._parser
        if parser is None:
            if self._state == "QUIESCENT":
                # Nobody asked for it, so it could be taken for the answer to the next request.
                self._state = "ABORTING"
                self.transport.abortConnection()
            return
        try:
            parser.dataReceived(data)
        except Exception:
            failure = Failure()
            if self._writing is not None and not self._writing.called:
                self._currentRequest.stopWriting()
            self._hand_out()
            self.transport.abortConnection()
            self._disconnectParser(failure)
        else:
            if self._state == "TRANSMITTING" and parser._responseDeferred.called:
                self._hand_out()

    def _finishResponse(self, rest: bytes) -> None:
        """Decide what becomes of the connection when a response has been read."""
        parser, request = self._parser, self._currentRequest
        if parser is None:
            return  # the connection is over: its end was the end of the response
        if self._state == "TRANSMITTING":
            self._state = "TRANSMITTING_AFTER_RECEIVING_RESPONSE"
            self._hand_out()
            # Not `loseConnection`: that waits for the body, which the server may never read.
            self.transport.abortConnection()
            self._disconnectParser(Failure(ConnectionDone("synthetic!")))
            return
        self._state = "QUIESCENT"
        if request.bodyProducer is not None and _unsent_bytes(self.transport):
            # Answered before the server has the body, which it may never read: as above.
            self.transport.abortConnection()
            self._disconnectParser(Failure(ConnectionDone("synthetic!")))
            return
        if rest or not parser._reader.reusable or not request.persistent:
            self._giveUp(Failure(ConnectionDone("synthetic!")))
            return
        self._forget_request()
        try:
            self._quiescentCallback(self)
        except Exception:
            _log.failure(
                "The callback of an HTTP connection that became free failed; the connection is closed"
            )
            self.transport.loseConnection()

    def _forget_request(self) -> HTTPClientParser | None:
        """Take back what was lent to a request; return its parser."""
        parser, proxy = self._parser, self._transportProxy
        self._parser = None
        self._currentRequest = None
        self._finishedRequest = None
        self._responseDeferred = None
        self._writing = None
        self._transportProxy = None
        if proxy is not None:
            proxy._producer = None
        return parser

    def _disconnectParser(self, reason: Failure) -> None:
        """End the response, if there is one to end."""
        parser = self._forget_request()
        if parser is not None:
            parser.connectionLost(reason)

    def _giveUp(self, reason: Failure) -> None:
        """End the connection, and the response."""
        self.transport.loseConnection()
        self._disconnectParser(reason)

    # --- The end -------------------------------------------------------------------------------------------------

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell whoever waits."""
        state, self._state = self._state, "CONNECTION_LOST"
        if state == "ABORTING":
            reason = Failure(ConnectionAborted())
        finished, request, parser = self._finishedRequest, self._currentRequest, self._parser
        if self._writing is not None and not self._writing.called:
            request.stopWriting()
        if finished is not None and not finished.called and finished is not self._responseDeferred:
            # The request has not been written whole.  Nobody waits for the parser's own Deferred.
            self._forget_request()
            finished.errback(Failure(RequestTransmissionFailed([reason])))
        elif parser is not None:
            self._disconnectParser(reason)
        waiting, self._abortDeferreds = self._abortDeferreds, []
        for each in waiting:
            each.callback(None)

    def abort(self) -> Deferred[None]:
        """End the connection, whatever is going on.

        Fires with None when it is over.  Whoever waits for a response fails with `ConnectionAborted` among the reasons.
        """
        if self._state == "CONNECTION_LOST":
            return succeed(None)
        self._state = "ABORTING"
        self.transport.abortConnection()
        over: Deferred[None] = Deferred()
        self._abortDeferreds.append(over)
        return over


def _unsent_bytes(transport: Any) -> int:
    """Return how much a transport has not sent yet; 0 for one that does not know."""
    unsent = getattr(transport, "unsent_bytes", None)
    return 0 if unsent is None else unsent()
