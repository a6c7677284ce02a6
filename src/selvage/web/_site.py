"""A site: the factory that serves a tree of resources.  Floor 4."""

from __future__ import annotations

import os
from binascii import hexlify
from typing import TYPE_CHECKING, Any

from selvage.defer import Deferred
from selvage.interfaces import IProtocolNegotiationFactory, implementer
from selvage.logger import Logger
from selvage.web._factory import H2_ENABLED, HTTPFactory
from selvage.web._limits import DEFAULT_LIMITS, Limits
from selvage.web._resource import getChildForRequest, refuse_mistaken
from selvage.web._session import Session
from selvage.web._site_request import Request

if TYPE_CHECKING:
    from selvage.interfaces import IAddress

__all__ = ["Site"]

#: Bytes of chance in the name of a session: nobody guesses one.
_SESSION_BYTES = 32


@implementer(IProtocolNegotiationFactory)
class Site(HTTPFactory):
    """Serves a tree of resources; give it to `reactor.listenTCP` or an endpoint.

    Args:
        resource: the root.
        requestFactory: makes the requests; `Request` by default.
        parsePOSTFormSubmission: whether submitted forms are added to `request.args`.
        strict: whether more is asked of requests than llhttp and Twisted ask: one Host, a target of the right form.
        limits: what is taken from one client.
        args, kwargs: for `HTTPFactory`: logPath, timeout, logFormatter, reactor.

    Twisted: `twisted.web.server.Site`.
    """

    counter = 0
    requestFactory: Any = Request
    #: Whether errors are answered with the story of the failure.  Only for a program that nobody else can reach.
    displayTracebacks = False
    sessionFactory: Any = Session
    sessionCheckTime = 1800
    isLeaf = 0
    #: Hook: called with the length of a body, None when nobody knows; returns the file that is to hold it.  None for our own.
    getContentFile: Any = None

    _log = Logger()
    _entropy = staticmethod(os.urandom)

    def __init__(
        self,
        resource: Any,
        requestFactory: Any = None,
        *args: Any,
        parsePOSTFormSubmission: bool = True,
        strict: bool = True,
        limits: Limits = DEFAULT_LIMITS,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        refuse_mistaken(resource, type(self).__name__)
        if not isinstance(limits, Limits):
            raise TypeError(
                f"limits= is a {type(limits).__name__}: give Limits, such as Limits(body_bytes=10_000_000)"
            )
        self.sessions: dict[bytes, Any] = {}
        self.resource = resource
        if requestFactory is not None:
            self.requestFactory = requestFactory
        self._parsePOSTFormSubmission = parsePOSTFormSubmission
        self._strict = strict
        self._limits = limits
        self._open: set[Any] = set()
        self._all_gone: Deferred[None] | None = None  # made when it stops
        self._cut: Any = None

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Return a channel that serves this site."""
        protocol = super().buildProtocol(addr)
        channel = getattr(protocol, "_channel", protocol)
        channel.site = self
        channel.requestFactory = self.requestFactory
        channel.strict = self._strict
        channel.limits = self._limits
        return protocol

    # --- Stopping ----------------------------------------------------------------------------------------------

    @property
    def is_finishing(self) -> bool:
        """Whether `finish_requests` was called."""
        return self._all_gone is not None

    def finish_requests(self, patience_s: float = 30) -> Deferred[None]:
        """Let answers that have begun be finished, and close each connection then; those that are idle, at once.

        Stop listening first, or new connections go on to come.

        Args:
            patience_s: seconds until what is still open is cut.

        Fires with None when no connection is left.
        """
        if self._all_gone is None:
            self._all_gone = Deferred()
            for channel in list(self._open):
                channel.finish_and_close()
            if self._open:
                self._cut = self.reactor.callLater(patience_s, self._cut_all)
            self._channel_gone(None)
        waiting: Deferred[None] = Deferred()
        self._all_gone.addCallback(lambda _: waiting.callback(None))
        return waiting

    def cut_requests(self) -> None:
        """Cut whatever connections are open: who has called `finish_requests` has lost patience."""
        if self._cut is not None and self._cut.active():
            self._cut.cancel()
        self._cut_all()

    def _cut_all(self) -> None:
        self._cut = None
        for channel in list(self._open):
            for request in channel.open_requests():
                # Without the query, which may hold what is not to be told.
                where = b"%b %b" % (request.method, request.path or b"?")
                self._log.warn(
                    "{where} had no whole answer when the site ended, and is cut; was request.finish() forgotten?",
                    where=where.decode("ascii", "backslashreplace"),
                    request=request,
                )
            channel.abortConnection()

    def _channel_made(self, channel: Any) -> None:
        self._open.add(channel)
        if self._all_gone is not None:
            channel.finish_and_close()

    def _channel_gone(self, channel: Any) -> None:
        self._open.discard(channel)
        if not self._open and self._all_gone is not None and not self._all_gone.called:
            cut, self._cut = self._cut, None
            if cut is not None:
                cut.cancel()
            self._all_gone.callback(None)

    def getResourceFor(self, request: Any) -> Any:
        """Return the resource that a request's path leads to."""
        request.site = self
        # The names of its cookies; a site within a site has a path of its own.
        request.sitepath = request.prepath[:]
        resource = self.resource
        return resource if resource.isLeaf else getChildForRequest(resource, request)

    def makeSession(self) -> Any:
        """Begin a session."""
        uid = self._mkuid()
        session = self.sessions[uid] = self.sessionFactory(self, uid)
        session.startCheckingExpiration()
        return session

    def _mkuid(self) -> bytes:
        """Return a name for a session, which is its secret as well."""
        self.counter += 1
        return hexlify(self._entropy(_SESSION_BYTES))

    def getSession(self, uid: bytes) -> Any:
        """Return a session.

        Raises:
            KeyError: it has ended, or never was.
        """
        return self.sessions[uid]

    def acceptableProtocols(self) -> list[bytes]:
        """Return what can be negotiated over TLS, the best first."""
        return [b"h2", b"http/1.1"] if H2_ENABLED else [b"http/1.1"]

    # A site can stand within another one.

    def render(self, request: Any) -> Any:
        """Send the client to the path that ends with a slash."""
        request.redirect(request.prePathURL() + b"/")
        request.finish()

    def _stands_for(self, request: Any) -> Any:
        return self.resource

    def getChildWithDefault(self, pathEl: bytes, request: Any) -> Any:
        """Return what is under the root."""
        request.site = self
        return self.resource.getChildWithDefault(pathEl, request)
