"""What the parts of HTTP promise one another: requests, answers, bodies, agents, templates, access logs.  Floor 4.

Twisted: the names of `twisted.web.iweb`, and `IResource` of `twisted.web.resource`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from selvage.interfaces import IPushProducer
from selvage.interfaces._base import Interface, Protocol

if TYPE_CHECKING:
    from selvage.defer import Deferred
    from selvage.interfaces import IAddress, IConsumer, IStreamClientEndpoint
    from selvage.web._headers import Headers

__all__ = [
    "UNKNOWN_LENGTH",
    "IAccessLogFormatter",
    "IAgent",
    "IAgentEndpointFactory",
    "IBodyProducer",
    "IClientRequest",
    "ICredentialFactory",
    "INonQueuedRequestFactory",
    "IPolicyForHTTPS",
    "IRenderable",
    "IRequest",
    "IResource",
    "IResponse",
    "ITemplateLoader",
    "IUsernameDigestHash",
]

#: Stands where a length is asked for that nobody knows yet; compare by identity.
UNKNOWN_LENGTH = "twisted.web.iweb.UNKNOWN_LENGTH"


class IRequest(Interface, Protocol):
    """One request, as the server sees it, and the way to answer it.

    Until the first `write` status and headers can be changed; `finish` ends the answer.
    """

    @property
    def method(self) -> bytes:
        """The method, such as ``b"GET"``."""

    @property
    def uri(self) -> bytes:
        """The target as the client wrote it, with the query."""

    @property
    def path(self) -> bytes:
        """The target without the query, still encoded."""

    @property
    def args(self) -> Mapping[bytes, list[bytes]]:
        """The values of the query, and of a submitted form, by name."""

    @property
    def prepath(self) -> list[bytes]:
        """The decoded segments of the path that led to the resource."""

    @property
    def postpath(self) -> list[bytes]:
        """The decoded segments that are left."""

    @property
    def requestHeaders(self) -> Headers:
        """What the client sent."""

    @property
    def content(self) -> Any:
        """The body, as a file to read."""

    @property
    def responseHeaders(self) -> Headers:
        """What will be sent."""

    def getHeader(self, key: bytes) -> bytes | None:
        """Return the last value of a header of the request, None when there is none."""

    def getCookie(self, key: bytes) -> bytes | None:
        """Return a cookie that the client sent, None when it did not."""

    def getAllHeaders(self) -> dict[bytes, bytes]:
        """Return the last value of each header, by name in lower case."""

    def getRequestHostname(self) -> bytes:
        """Return the host that the client asked for, without the port."""

    def getHost(self) -> IAddress:
        """Return the address of this side of the connection."""

    def getClientAddress(self) -> IAddress:
        """Return the address of the other side; behind a proxy that is the proxy's."""

    def getClientIP(self) -> str | None:
        """Return the client's IP address as text, None when it has none.  Prefer `getClientAddress`."""

    def getUser(self) -> bytes:
        """Return the name of HTTP's basic authentication, empty when none was given."""

    def getPassword(self) -> bytes:
        """Return the password of HTTP's basic authentication, empty when none was given."""

    def isSecure(self) -> bool:
        """Tell whether the client came over TLS."""

    def getSession(self, sessionInterface: Any = None) -> Any:
        """Return the session that the client's cookie names; begin one when there is none.

        Args:
            sessionInterface: adapt the session to this interface.
        """

    def URLPath(self) -> Any:
        """Return the URL of the request as a path to navigate from."""

    def prePathURL(self) -> bytes:
        """Return the URL of the resource that was found."""

    def rememberRootURL(self) -> None:
        """Remember the URL of the resource found so far as the application's root."""

    def getRootURL(self) -> bytes | None:
        """Return what `rememberRootURL` remembered."""

    def finish(self) -> None:
        """End the answer.  Called once."""

    def write(self, data: bytes) -> object:
        """Send a piece of the body; the first one sends status and headers before."""

    def addCookie(
        self,
        k: bytes | str,
        v: bytes | str,
        expires: bytes | str | None = None,
        domain: bytes | str | None = None,
        path: bytes | str | None = None,
        max_age: bytes | str | int | None = None,
        comment: bytes | str | None = None,
        secure: bool | None = None,
    ) -> None:
        """Have the client keep a cookie.

        Args:
            k: its name.
            v: its value.
            max_age: seconds.
            secure: whether it may only be sent over TLS.
        """

    def setResponseCode(self, code: int, message: bytes | None = None) -> None:
        """Set the status code, and its phrase."""

    def setHeader(self, k: bytes | str, v: bytes | str) -> None:
        """Set a header of the answer, in the place of what it was."""

    def redirect(self, url: bytes) -> None:
        """Answer 302 with this location; `finish` is yet to be called."""

    def setLastModified(self, when: float) -> object:
        """Say when the resource last changed, in seconds since 1970.

        Returns: `selvage.web.http.CACHED` when the client has it already, so that no body is needed; else None.
        """

    def setETag(self, etag: bytes) -> object:
        """Say which version of the resource this is.

        Returns: `selvage.web.http.CACHED` when the client has it already, so that no body is needed; else None.
        """

    def setHost(self, host: bytes, port: int, ssl: bool = False) -> None:
        """Pretend that the request came to that host and port: for who stands behind a proxy."""


class IResource(Interface, Protocol):
    """What can be found under a URL, and what answers there."""

    @property
    def isLeaf(self) -> bool:
        """Whether the search ends here, whatever segments are left."""

    def getChildWithDefault(self, name: bytes, request: Any) -> IResource:
        """Return what one further segment leads to.

        Args:
            name: the segment, decoded.
            request: as far as it got.
        """

    def putChild(self, path: bytes, child: IResource) -> None:
        """Put `child` under one segment."""

    def render(self, request: Any) -> Any:
        """Answer the request: return the body as bytes, or `NOT_DONE_YET` when `request.finish` will be called."""


class IAccessLogFormatter(Interface, Protocol):
    """Makes the line of one request in an access log."""

    def __call__(self, timestamp: str, request: Any) -> str | None:
        """Return the line without its end; None for no line.

        Args:
            timestamp: now, as a log writes it.
            request: finished.
        """


class ICredentialFactory(Interface, Protocol):
    """One scheme of HTTP authentication."""

    @property
    def scheme(self) -> bytes:
        """Its name in lower case, such as ``b"basic"``."""

    def getChallenge(self, request: Any) -> dict[str, Any]:
        """Return the parameters of the challenge, for the header WWW-Authenticate."""

    def decode(self, response: bytes, request: Any) -> Any:
        """Return the credentials that a client sent.

        Raises:
            selvage.auth.LoginFailed: they cannot be understood.
        """


class IUsernameDigestHash(Interface, Protocol):
    """Credentials that are checked against the digest of name, realm and password."""

    def checkHash(self, digestHash: bytes) -> bool:
        """Tell whether the client knows a password of that digest."""


class IRenderable(Interface, Protocol):
    """What a template can show."""

    def lookupRenderMethod(self, name: str) -> Callable[[Any, Any], Any]:
        """Return the method that the template calls `name`; it takes the request and the tag."""

    def render(self, request: Any) -> Any:
        """Return what is shown in this one's place."""


class ITemplateLoader(Interface, Protocol):
    """Has a template."""

    def load(self) -> list[Any]:
        """Return what the template consists of."""


class IResponse(Interface, Protocol):
    """The answer to a client's request; its headers are in, its body comes."""

    @property
    def version(self) -> tuple[bytes, int, int]:
        """Protocol and version, such as ``(b"HTTP", 1, 1)``."""

    @property
    def code(self) -> int:
        """The status code."""

    @property
    def phrase(self) -> bytes:
        """The phrase beside it."""

    @property
    def headers(self) -> Headers:
        """The headers."""

    @property
    def length(self) -> Any:
        """How many bytes the body has; `UNKNOWN_LENGTH` when the server does not say."""

    @property
    def request(self) -> Any:
        """The `IClientRequest` that is answered."""

    @property
    def previousResponse(self) -> Any:
        """The answer that made the client send this request: a redirection; None when there was none."""

    def deliverBody(self, protocol: Any) -> None:
        """Have the body delivered to a protocol's `dataReceived`, and its end to `connectionLost`.  Called once."""

    def setPreviousResponse(self, response: Any) -> None:
        """Set `previousResponse`."""


class _IRequestEncoder(Interface, Protocol):
    """Encodes the body of an answer on its way out."""

    def encode(self, data: bytes) -> bytes:
        """Return what is to be sent for `data`."""

    def finish(self) -> bytes:
        """Return what is to be sent at the end.  Called once."""


class _IRequestEncoderFactory(Interface, Protocol):
    """Makes encoders for those answers that can be encoded."""

    def encoderForRequest(self, request: Any) -> _IRequestEncoder | None:
        """Return an encoder for the answer to this request, None when it is to be sent as it is."""


class IBodyProducer(IPushProducer, Protocol):
    """Has the body of a client's request."""

    @property
    def length(self) -> Any:
        """How many bytes it has, or `UNKNOWN_LENGTH`."""

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Write the body to `consumer`.  Called once.

        Fires with None when all is written.
        """

    def stopProducing(self) -> None:
        """Stop; nothing is written any more, and the Deferred of `startProducing` does not fire."""


class IAgent(Interface, Protocol):
    """Sends requests."""

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        """Send a request.

        Fires with the `IResponse` when its headers are in.
        """


class IClientRequest(Interface, Protocol):
    """A request that a client sent."""

    @property
    def method(self) -> bytes:
        """The method."""

    @property
    def absoluteURI(self) -> bytes | None:
        """The whole URL, None when it is not known."""

    @property
    def headers(self) -> Headers:
        """The headers."""


class IAgentEndpointFactory(Interface, Protocol):
    """Chooses how an agent connects."""

    def endpointForURI(self, uri: Any) -> IStreamClientEndpoint:
        """Return an endpoint for a `selvage.web.client.URI`."""


class IPolicyForHTTPS(Interface, Protocol):
    """Chooses how a client checks who it talks to."""

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        """Return an `IOpenSSLClientConnectionCreator` for that host."""


class INonQueuedRequestFactory(Interface, Protocol):
    """Marks a request factory that takes only the channel, and not whether requests are queued."""

    def __call__(self, channel: Any) -> Any:
        """Return a request on `channel`."""
