"""The answer to a request, and the way to its body.  Floor 4."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from selvage.failure import Failure
from selvage.interfaces import IPushProducer, implementer
from selvage.web._headers import Headers
from selvage.web.client._errors import ResponseDone
from selvage.web.interfaces import UNKNOWN_LENGTH, IResponse

if TYPE_CHECKING:
    from selvage.web.client._framing import Version

__all__ = ["Response", "TransportProxyProducer", "makeStatefulDispatcher"]


def makeStatefulDispatcher(name: str, template: Callable[..., Any]) -> Callable[..., Any]:
    """Make a method that calls another one, by the state of its object.

    Args:
        name: the method for the state "BUSY" is called `_name_BUSY`.
        template: gives its name and docstring.

    Twisted: `twisted.web._newclient.makeStatefulDispatcher`.
    """

    @wraps(template)
    def dispatch(self: Any, *args: Any, **kwargs: Any) -> Any:
        method = getattr(self, f"_{name}_{self._state}", None)
        if method is None:
            raise RuntimeError(f"{self!r} has no method {name} in the state {self._state!r}")
        return method(*args, **kwargs)

    return dispatch


@implementer(IPushProducer)
class TransportProxyProducer:
    """Lends a transport to a response for as long as the response has a right to it.

    Args:
        producer: the transport; None for one that is never lent.

    Twisted: `twisted.web._newclient.TransportProxyProducer`; `abortConnection` is passed on, too.
    """

    #: Programs reach the connection by it, for its certificate say.
    _producer: Any

    disconnecting = False

    def __init__(self, producer: Any) -> None:
        self._producer = producer

    def stopProxying(self) -> None:
        """Take the transport back."""
        self._producer = None

    def pauseProducing(self) -> None:
        """Hold the server back."""
        if self._producer is not None:
            self._producer.pauseProducing()

    def resumeProducing(self) -> None:
        """Let the server go on."""
        if self._producer is not None:
            self._producer.resumeProducing()

    def stopProducing(self) -> None:
        """Give the connection up."""
        if self._producer is not None:
            self._producer.stopProducing()

    def loseConnection(self) -> None:
        """Close the connection."""
        if self._producer is not None:
            self._producer.loseConnection()

    def abortConnection(self) -> None:
        """Close the connection at once."""
        if self._producer is not None:
            self._producer.abortConnection()


@implementer(IResponse)
class Response:
    """The answer to a request: its header is in, its body is still to come.

    The server is held back until `deliverBody` is called.  Read each body, or close the connection
    (`readBody(response).cancel()`): it is busy until then.

    Args:
        version: such as ``(b"HTTP", 1, 1)``.
        code: the status code.
        phrase: the phrase beside it, which may be empty.
        headers: without those about the connection, such as Content-Length.
        _transport: what the body's protocol gets for a transport.

    Attributes:
        length: how many octets the body has, or `UNKNOWN_LENGTH`.
        request: the `IClientRequest` that this is the answer to.
        previousResponse: the redirection that led to the request, None when there was none.
        trailers: the fields behind a body in chunks, once it is whole.  They are not part of `headers`: whoever sent
            them knew the body already, and what decides by headers has decided.

    Twisted: `twisted.web.client.Response`, and `trailers`.
    """

    length: Any = UNKNOWN_LENGTH

    def __init__(self, version: Version, code: int, phrase: bytes, headers: Headers, _transport: Any) -> None:
        self.version = version
        self.code = code
        self.phrase = phrase
        self.headers = headers
        self.request: Any = None
        self.previousResponse: Any = None
        self._transport = _transport
        # INITIAL: nobody wants the body yet, so it is kept.  CONNECTED: it is handed on.  DEFERRED_CLOSE: it is whole
        # (or there is no more of it), and nobody wanted it yet.  FINISHED.
        self._state = "INITIAL"
        self._bodyProtocol: Any = None
        self._bodyBuffer: list[bytes] | None = None
        self._finished: Failure | None = None
        self._trailers: list[tuple[bytes, bytes]] = []

    @classmethod
    def _construct(
        cls, version: Version, code: int, phrase: bytes, headers: Headers, _transport: Any, request: Any
    ) -> Response:
        """Make a response that knows its request."""
        response = cls(version, code, phrase, headers, _transport)
        response.request = request
        return response

    def __repr__(self) -> str:
        return f"<Response {self.code} {self.phrase.decode('latin-1')} {self._state.lower()}>"

    @property
    def trailers(self) -> Headers:
        """The fields behind the body."""
        return Headers._of_wire(self._trailers)

    def setPreviousResponse(self, previousResponse: Any) -> None:
        """Set `previousResponse`."""
        self.previousResponse = previousResponse

    def deliverBody(self, protocol: Any) -> None:
        """Hand the body to a protocol: what has come of it at once, the rest as it comes.

        Its transport can pause and resume the server.  Its `connectionLost` is told of `ResponseDone` when the body
        was whole, of `PotentialDataLoss` when nothing says whether it was, else of `ResponseFailed`.

        Raises:
            RuntimeError: it was called before.
        """
        state = self._state
        if state == "INITIAL":
            protocol.makeConnection(self._transport)
            self._bodyProtocol = protocol
            self._state = "CONNECTED"
            buffered, self._bodyBuffer = self._bodyBuffer, None
            if buffered:
                for data in buffered:
                    protocol.dataReceived(data)
            if self._transport is not None:
                self._transport.resumeProducing()
        elif state == "DEFERRED_CLOSE":
            protocol.makeConnection(self._transport)
            buffered, self._bodyBuffer = self._bodyBuffer, None
            for data in buffered or ():
                protocol.dataReceived(data)
            self._state = "FINISHED"
            protocol.connectionLost(self._finished)
        else:
            raise RuntimeError(f"the body of {self!r} has been asked for already; it is delivered once")

    def _bodyDataReceived(self, data: bytes) -> None:
        """Take a piece of the body from the parser."""
        if self._state == "CONNECTED":
            self._bodyProtocol.dataReceived(data)
        elif self._state == "INITIAL":
            if self._bodyBuffer is None:
                self._bodyBuffer = [data]
            else:
                self._bodyBuffer.append(data)
        else:
            raise RuntimeError(f"the body of {self!r} is over, but there is more of it")

    def _bodyDataFinished(self, reason: Failure | None = None) -> None:
        """Know from the parser that there is no more.

        Args:
            reason: why; None when the body is whole.
        """
        if reason is None:
            reason = _response_done()
        if self._state == "CONNECTED":
            self._state = "FINISHED"
            protocol, self._bodyProtocol = self._bodyProtocol, None
            protocol.connectionLost(reason)
        elif self._state == "INITIAL":
            self._state = "DEFERRED_CLOSE"
            self._finished = reason
        else:
            raise RuntimeError(f"the body of {self!r} is over, and cannot end a second time")


def _response_done() -> Failure:
    return Failure(ResponseDone("Response body fully received"))
