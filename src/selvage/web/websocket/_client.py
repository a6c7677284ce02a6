"""Connect to a server of WebSocket.  Floor 4.

Twisted: `WebSocketClientEndpoint` of `twisted.web.websocket`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import h11

from selvage.defer import Deferred
from selvage.errors import ConnectionDone
from selvage.failure import Failure
from selvage.protocols import Factory, Protocol, connectionDone
from selvage.web._headers import Headers
from selvage.web.client import URI, BrowserLikePolicyForHTTPS, Response, _StandardEndpointFactory
from selvage.web.client._response import TransportProxyProducer
from selvage.web.websocket._deflate import client_offer, finalize_answer
from selvage.web.websocket._frames import MAX_FRAGMENTS, MAX_MESSAGE_BYTES, Frames
from selvage.web.websocket._handshake import BadHandshake, check_answer, new_key, request_head
from selvage.web.websocket._interfaces import check_protocol
from selvage.web.websocket._wire import Wire

__all__ = ["HANDSHAKE_TIMEOUT_S", "ConnectionRejected", "WebSocketClientEndpoint"]

#: Seconds that a server has to answer the handshake.
HANDSHAKE_TIMEOUT_S = 20.0

#: Bytes that the head of the answer may have.
_MAX_HEAD_BYTES = 32_768

_SWITCHING = 101

# Answers that only precede the answer (RFC 9110 section 15.2.1; RFC 8297).
_PRECEDING = (100, 103)

_SCHEMES = {b"ws": b"http", b"wss": b"https"}


class ConnectionRejected(Exception):
    """The server did not accept the connection.

    Attributes:
        response: its answer, with `code`, `headers` and a body that `deliverBody` gives; None when there was none.
    """

    def __init__(self, response: Any, why: str | None = None) -> None:
        super().__init__(why or f"the server answered {response.code} {response.phrase.decode('latin-1')}")
        self.response = response


class WebSocketClientEndpoint:
    """A server of WebSocket.

    Args:
        endpointFactory: an `IAgentEndpointFactory`, makes the connection.
        url: begins with `ws:`, `wss:`, `http:` or `https:`.
        headers: sent with the handshake, such as Origin and Authorization.
        subprotocols: those that are offered, the one liked best first.
        compress: offers permessage-deflate.
        max_message_bytes: of one message, inflated.
        reactor: keeps the deadlines of handshake and closing; without one there are none.

    Raises:
        ValueError: the URL is none of a server of WebSocket.
    """

    def __init__(
        self,
        endpointFactory: Any,
        url: str,
        *,
        headers: Headers | None = None,
        subprotocols: Collection[str] = (),
        compress: bool = True,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        reactor: Any = None,
    ) -> None:
        scheme, colon, rest = url.encode("ascii").partition(b":")
        uri = URI.fromBytes(_SCHEMES.get(scheme.lower(), scheme) + colon + rest)
        if uri.scheme not in _SCHEMES.values() or uri.fragment:
            raise ValueError(
                f"{url!r} is no URL of WebSocket: those begin with ws:// or wss:// and have no fragment"
            )
        self._endpoint_factory = endpointFactory
        self._uri = uri
        self._url = url
        self._headers = headers or Headers()
        self._subprotocols = subprotocols
        self._compress = compress
        self._max_message_bytes = max_message_bytes
        self._call_later: Callable[..., Any] | None = None if reactor is None else reactor.callLater

    @classmethod
    def new(
        cls,
        reactor: Any,
        url: str,
        tlsPolicy: Any = None,
        connectTimeout: int | None = None,
        bindAddress: bytes | None = None,
        **options: Any,
    ) -> WebSocketClientEndpoint:
        """Return an endpoint that connects as an `Agent` does.

        Args:
            reactor: connects.
            url: begins with `ws:`, `wss:`, `http:` or `https:`.
            tlsPolicy: an `IPolicyForHTTPS`; by default that of browsers.
            connectTimeout: seconds.
            bindAddress: the local address.
            options: those of the class.
        """
        policy = BrowserLikePolicyForHTTPS() if tlsPolicy is None else tlsPolicy
        factory = _StandardEndpointFactory(reactor, policy, connectTimeout, bindAddress)
        return cls(factory, url, reactor=reactor, **options)

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Connect.

        Args:
            protocolFactory: a `WebSocketClientFactory`.

        Fires:
            With its protocol, once messages can be sent.  Cancelling closes the connection.

        Fails:
            With `ConnectionRejected` when the server does not accept, or as the endpoint's `connect` does.

        Raises:
            TypeError: the factory built no protocol of WebSocket.
        """
        uri = self._uri
        endpoint = self._endpoint_factory.endpointForURI(uri)
        handshake = _Handshake(self)
        done: Deferred[Any] = Deferred(lambda _: handshake.give_up())
        handshake.done = done
        handshake.protocol = protocolFactory.buildProtocol(self._url)
        check_protocol(handshake.protocol, protocolFactory)

        def refused(failure: Failure) -> None:
            if not done.called:
                done.errback(failure)

        factory = Factory.forProtocol(lambda: handshake)
        handshake.connecting = endpoint.connect(factory)
        handshake.connecting.addErrback(refused)
        return done

    def _new_frames(self, deflate: Any) -> Frames:
        return Frames(True, deflate, self._max_message_bytes, MAX_FRAGMENTS)


class _Handshake(Protocol):
    """Asks for the upgrade; afterwards all input goes to the wire, or to the body of a rejection."""

    transport: Any
    connecting: Any = None
    done: Deferred[Any]
    protocol: Any

    def __init__(self, options: WebSocketClientEndpoint) -> None:
        self._options = options
        self._key = new_key()
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_BYTES)
        self._wire: Wire | None = None
        self._rejected: Response | None = None
        self._lender: TransportProxyProducer | None = None
        self._deadline: Any = None

    def connectionMade(self) -> None:
        """Send the handshake."""
        options = self._options
        uri = options._uri
        self._wire = wire = Wire(options._new_frames(None), self.protocol, options._call_later)
        wire.transport = self.transport
        self.protocol.negotiationStarted(wire)
        head = request_head(
            uri.originForm,
            uri.netloc.rpartition(b"@")[2],
            self._key,
            options._headers,
            options._subprotocols,
            client_offer() if options._compress else "",
        )
        # h11 has to know that there was a request; what it would write of it is not used.
        self._http.send(
            h11.Request(method="GET", target="/", headers=[("host", "h"), ("upgrade", "websocket")])
        )
        self._http.send(h11.EndOfMessage())
        if options._call_later is not None:
            self._deadline = options._call_later(HANDSHAKE_TIMEOUT_S, self._too_slow)
        self.transport.write(head)

    def dataReceived(self, data: bytes) -> None:
        """Take input."""
        if self.done.called and self._rejected is None:
            if self._wire is not None:
                self._wire.dataReceived(data)
            return
        self._http.receive_data(data)
        self._read_answer()

    def _read_answer(self) -> None:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                self._fail(f"the server's answer is no HTTP: {error}")
                return
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return
            if isinstance(event, h11.InformationalResponse):
                if event.status_code in _PRECEDING:
                    continue
                self._informed(event)
                return
            if isinstance(event, h11.Response):
                self._reject(event)
            elif isinstance(event, h11.Data):
                assert self._rejected is not None
                self._rejected._bodyDataReceived(bytes(event.data))
            else:
                self._body_ended()
                return

    def _informed(self, event: h11.InformationalResponse) -> None:
        if event.status_code == _SWITCHING:
            self._switch(_headers_of(event))
            return
        # An answer of this kind has no body, and announces another one; none that would be an upgrade.
        self._reject(event)
        self._body_ended()

    def _switch(self, headers: Headers) -> None:
        options = self._options
        try:
            subprotocol = check_answer(headers, self._key, options._subprotocols)
            deflate = self._negotiated(headers)
        except BadHandshake as error:
            self._fail(str(error))
            return
        wire = self._wire
        assert wire is not None
        wire._frames = options._new_frames(deflate)
        wire.subprotocol = subprotocol
        self._cancel_deadline()
        rest, _ = self._http.trailing_data
        self.protocol.negotiationFinished()
        self.done.callback(self.protocol)
        if rest:
            wire.dataReceived(rest)

    def _negotiated(self, headers: Headers) -> Any:
        answers = headers.getRawHeaders(b"sec-websocket-extensions", [])
        if not answers:
            return None
        header = b", ".join(answers).decode("latin-1")
        deflate = (
            finalize_answer(header, self._options._max_message_bytes) if self._options._compress else None
        )
        if deflate is None:
            raise BadHandshake(f"the server chose the extensions {header!r}, which were not offered")
        return deflate

    def _reject(self, event: h11.Response | h11.InformationalResponse) -> None:
        self._cancel_deadline()
        self._wire = None
        self._lender = TransportProxyProducer(self.transport)
        self._rejected = Response(
            (b"HTTP", 1, 1), event.status_code, bytes(event.reason), _headers_of(event), self._lender
        )
        if not self.done.called:
            self.done.errback(ConnectionRejected(self._rejected))

    def _body_ended(self) -> None:
        rejected, self._rejected = self._rejected, None
        if rejected is not None:
            rejected._bodyDataFinished(Failure(ConnectionDone("the body is whole")))
        self.transport.loseConnection()

    def _fail(self, why: str) -> None:
        self._cancel_deadline()
        self._wire = None
        rejected, self._rejected = self._rejected, None
        if rejected is not None:
            rejected._bodyDataFinished(Failure(ConnectionRejected(rejected, why)))
        elif not self.done.called:
            self.done.errback(ConnectionRejected(None, why))
        self.transport.loseConnection()

    def _too_slow(self) -> None:
        self._wire = None
        self.done.errback(
            ConnectionRejected(None, f"the server did not answer within {HANDSHAKE_TIMEOUT_S:g} s")
        )
        self.transport.abortConnection()

    def _cancel_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    def give_up(self) -> None:
        """The program has cancelled."""
        self._cancel_deadline()
        self._wire = None
        if self.transport is not None:
            self.transport.abortConnection()
        else:
            self.connecting.cancel()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell who waits."""
        self._cancel_deadline()
        if self._rejected is not None:
            # A body that ends with the connection ends here.
            self._http.receive_data(b"")
            self._read_answer()
        elif not self.done.called:
            self.done.errback(reason)
        elif self._wire is not None:
            self._wire.connectionLost(reason)


def _headers_of(event: h11.Response | h11.InformationalResponse) -> Headers:
    headers = Headers()
    for name, value in event.headers:
        headers.addRawHeader(bytes(name), bytes(value))
    return headers
