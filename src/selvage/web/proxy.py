"""Pass requests on to another server: of the program's choice (reverse), or of the client's.  Floor 4.

Headers that are about one connection are not passed on, in either direction; who waits for whom is held back on both
sides.

Twisted: `twisted.web.proxy`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from selvage._publish import publish
from selvage.failure import Failure
from selvage.protocols import ClientFactory, connectionDone
from selvage.reactor import get_reactor
from selvage.web._channel import HTTPChannel
from selvage.web._http_client import HTTPClient
from selvage.web._request import _QUEUED_SENTINEL, Request
from selvage.web._resource import Resource, no_resource
from selvage.web._sentinels import NOT_DONE_YET
from selvage.web._status import BAD_GATEWAY, BAD_REQUEST, NO_BODY_CODES, NOT_IMPLEMENTED

__all__ = [
    "Proxy",
    "ProxyClient",
    "ProxyClientFactory",
    "ProxyRequest",
    "ReverseProxy",
    "ReverseProxyRequest",
    "ReverseProxyResource",
]

#: Headers about one connection (RFC 9110 section 7.6.1), and what is for this proxy alone.
_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"expect",  # the body is here
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)

#: What the other side reads a message by: who names it in Connection, to have it left out, wants two to read differently.
_NEVER_LEFT_OUT = frozenset((b"content-length", b"host"))

#: Headers that a request has been given already, and that the other server's take the place of.
_REPLACED = (b"server", b"date", b"content-type")


def _message_of(request: Any) -> tuple[dict[bytes, bytes], bytes]:
    """Return the headers of a request by their names in lower case, several of one name as one, and its body."""
    headers = {
        name.lower(): (b"; " if name.lower() == b"cookie" else b", ").join(values)
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    request.content.seek(0, 0)
    body: bytes = request.content.read()
    return headers, body


def _named_in(connection: bytes) -> set[bytes]:
    """Return the names in a Connection header, in lower case: those headers are about the connection, too."""
    return {token.strip().lower() for token in connection.split(b",")} - _NEVER_LEFT_OUT


def _passed_on(headers: dict[bytes, bytes], data: bytes) -> dict[bytes, bytes]:
    """Return the headers that go to the other server."""
    left_out = _HOP_BY_HOP | _named_in(headers.get(b"connection", b""))
    kept = {name: value for name, value in headers.items() if name not in left_out}
    if b"transfer-encoding" in headers:
        # The body was in chunks, and is not any more.
        kept[b"content-length"] = b"%d" % len(data)
    kept[b"connection"] = b"close"
    return kept


class ProxyClient(HTTPClient):
    """Asks the other server, and answers the client with what it says.

    Args:
        command: the method.
        rest: the target, without scheme and host.
        version: of the client's request.
        headers: of the client's request, by names in lower case.
        data: the body.
        father: the client's request.
    """

    transport: Any
    _finished = False
    # Whether the answer has no body, whatever length it gives.
    _bodiless = False

    def __init__(
        self, command: bytes, rest: bytes, version: bytes, headers: dict[bytes, bytes], data: Any, father: Any
    ) -> None:
        self.father = father
        self.command = command
        self.rest = rest
        self.headers = _passed_on(headers, data)
        self.data = data
        # Headers of the answer that it calls its connection's.
        self._left_out: set[bytes] = set()

    def connectionMade(self) -> None:
        """Ask."""
        if self.father is not None:
            self.father.notifyFinish().addErrback(self._client_gone)
        # Only a request of ours keeps a producer's pace; it holds the other server back while its client does not read.
        if isinstance(self.father, Request):
            self.father.registerProducer(self.transport, True)
        self.sendCommand(self.command, self.rest)
        for name, value in self.headers.items():
            self.sendHeader(name, value)
        self.endHeaders()
        self.transport.write(self.data)

    def _client_gone(self, _: Failure) -> None:
        self._finished = True
        self.transport.loseConnection()

    def handleStatus(self, version: bytes, code: bytes, message: bytes) -> None:
        """Pass the status on."""
        self.father.setResponseCode(int(code), message)
        self._bodiless = self.command == b"HEAD" or int(code) in NO_BODY_CODES

    def handleHeader(self, key: bytes, value: bytes) -> None:
        """Pass a header on, if it is not about the connection."""
        name = key.lower()
        if name == b"transfer-encoding" and not self._finished:
            # HTTP/1.0 was asked for, which has none: whoever answers so cannot be told where the answer ends.
            self._answer_instead()
        elif name == b"connection":
            self._left_out |= _named_in(value)
        elif self._finished or name in _HOP_BY_HOP:
            return
        elif name in _REPLACED:
            self.father.responseHeaders.setRawHeaders(key, [value])
        else:
            self.father.responseHeaders.addRawHeader(key, value)

    def handleEndHeaders(self) -> None:
        """Leave out what is about the connection, and wait for no body where there is none."""
        if self._finished:
            return
        for name in self._left_out:
            self.father.responseHeaders.removeHeader(name)
        if self._bodiless:
            self.handleResponseEnd()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take notice of an answer that is over, not whole, or not there."""
        if not self._finished and self.firstLine:
            self._answer_instead()
        elif not self._finished and self.length:
            # The client must not take what there is for the whole.
            self._finished = True
            self._stop_pacing()
            self.father.loseConnection()
        else:
            super().connectionLost(reason)

    def _stop_pacing(self) -> None:
        if isinstance(self.father, Request):
            self.father.unregisterProducer()

    def _answer_instead(self) -> None:
        father = self.father
        father.setResponseCode(BAD_GATEWAY)
        for name, _ in list(father.responseHeaders.getAllRawHeaders()):
            father.responseHeaders.removeHeader(name)
        father.responseHeaders.setRawHeaders(b"content-type", [b"text/html"])
        father.write(b"<h1>The answer of the server behind cannot be read</h1>")
        self.handleResponseEnd()

    def handleResponsePart(self, buffer: bytes) -> None:
        """Pass a piece of the body on."""
        if not self._finished:
            self.father.write(buffer)

    def handleResponseEnd(self) -> None:
        """Finish the answer, once."""
        if self._finished:
            return
        self._finished = True
        self._stop_pacing()
        self.father.finish()
        self.transport.loseConnection()


class ProxyClientFactory(ClientFactory):
    """Makes the connection to the other server; arguments as of `ProxyClient`."""

    protocol: Any = ProxyClient
    noisy = False

    def __init__(
        self, command: bytes, rest: bytes, version: bytes, headers: dict[bytes, bytes], data: Any, father: Any
    ) -> None:
        self.father = father
        self.command = command
        self.rest = rest
        self.headers = headers
        self.data = data
        self.version = version

    def buildProtocol(self, addr: Any) -> Any:
        """Return a protocol that asks what this factory was made for."""
        return self.protocol(self.command, self.rest, self.version, self.headers, self.data, self.father)

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        """Tell the client."""
        self.father.setResponseCode(NOT_IMPLEMENTED, b"Gateway error")
        self.father.responseHeaders.addRawHeader(b"Content-Type", b"text/html")
        self.father.write(b"<H1>Could not connect</H1>")
        self.father.finish()


class ProxyRequest(Request):
    """A request whose target names the server to ask.

    Whoever may send one can reach whatever this machine reaches: know who may.
    """

    protocols: dict[bytes, Any] = {b"http": ProxyClientFactory}
    ports = {b"http": 80}

    def __init__(self, channel: Any, queued: Any = _QUEUED_SENTINEL, reactor: Any = None) -> None:
        super().__init__(channel, queued)
        self.reactor = get_reactor() if reactor is None else reactor

    def process(self) -> None:
        """Ask the server that the target names."""
        try:
            target = urlsplit(self.uri)
            host, port = (target.hostname or b"").decode("ascii"), target.port
        except ValueError:
            host, port = "", None
        if not host or target.scheme not in self.protocols:
            self.setResponseCode(BAD_REQUEST)
            self.write(b"The target of a request to a proxy is a URL that begins with http://.")
            self.finish()
            return
        headers, body = _message_of(self)
        headers.setdefault(b"host", target.netloc.rpartition(b"@")[2])
        rest = (target.path or b"/") + (b"?" + target.query if target.query else b"")
        factory = self.protocols[target.scheme](self.method, rest, self.clientproto, headers, body, self)
        self.reactor.connectTCP(host, port or self.ports[target.scheme], factory)


class Proxy(HTTPChannel):
    """Speaks with clients that want to reach other servers."""

    requestFactory = ProxyRequest


class ReverseProxyRequest(Request):
    """A request that is passed on to the server of its factory, which has `host` and `port`."""

    proxyClientFactoryClass: Any = ProxyClientFactory

    def __init__(self, channel: Any, queued: Any = _QUEUED_SENTINEL, reactor: Any = None) -> None:
        super().__init__(channel, queued)
        self.reactor = get_reactor() if reactor is None else reactor

    def process(self) -> None:
        """Ask that server."""
        factory: Any = self.factory  # type: ignore[attr-defined]
        self.requestHeaders.setRawHeaders(b"host", [factory.host.encode("ascii")])
        passed_on = self.proxyClientFactoryClass(
            self.method, self.uri, self.clientproto, *_message_of(self), self
        )
        self.reactor.connectTCP(factory.host, factory.port, passed_on)


class ReverseProxy(HTTPChannel):
    """Speaks with clients of a server behind; its factory has `host` and `port`."""

    requestFactory = ReverseProxyRequest


class ReverseProxyResource(Resource):
    """Answers as a server behind does, for its path and all below it.

    Args:
        host: of the server behind.
        port: of it.
        path: what this resource's own path becomes there.
        reactor: connects; the default one if not given.
    """

    proxyClientFactoryClass: Any = ProxyClientFactory

    def __init__(self, host: str, port: int, path: bytes, reactor: Any = None) -> None:
        super().__init__()
        self.host = host
        self.port = port
        self.path = path
        self.reactor = reactor

    def getChild(self, path: bytes, request: Any) -> Any:
        """Return what stands for one segment below; a page for 404 for those that lead up again."""
        # A server behind may decode a slash before it looks for dots.
        if {b".", b".."}.intersection(path.replace(b"\\", b"/").split(b"/")):
            return no_resource()
        below = self.path + b"/" + quote(path, safe="").encode("ascii")
        return type(self)(self.host, self.port, below, self.reactor)

    def render(self, request: Any) -> int:
        """Ask the server behind."""
        host = self.host if self.port == 80 else f"{self.host}:{self.port}"
        request.requestHeaders.setRawHeaders(b"host", [host.encode("ascii")])
        query = urlsplit(request.uri).query
        rest = self.path + b"?" + query if query else self.path
        headers, body = _message_of(request)
        if body:
            # Over HTTP/2 it needs no length; without one the server behind reads it as the next request.
            headers[b"content-length"] = b"%d" % len(body)
        factory = self.proxyClientFactoryClass(
            request.method, rest, request.clientproto, headers, body, request
        )
        reactor = get_reactor() if self.reactor is None else self.reactor
        reactor.connectTCP(self.host, self.port, factory)
        return NOT_DONE_YET


publish(globals())
