"""The request of a site, which finds its resource and has it answer.  Floor 4.

Twisted: `twisted.web.server.Request`.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote as _quote, unquote_to_bytes

from selvage.failure import Failure, report
from selvage.interfaces import IConsumer, implementer
from selvage.logger import Logger
from selvage.web import _request
from selvage.web._answers import answer_with, who_answers
from selvage.web._channel import HTTPChannel
from selvage.web._components import Componentized
from selvage.web._content_file import _getContentFile, let_go
from selvage.web._dates import datetimeToString
from selvage.web._limits import Limits
from selvage.web._pages import errorPage
from selvage.web._resource import resource_at_head, streams_body
from selvage.web._sentinels import NOT_DONE_YET
from selvage.web._status import INTERNAL_SERVER_ERROR, NO_BODY_CODES, NOT_ALLOWED, NOT_IMPLEMENTED
from selvage.web.errors import BodyTooLarge, RequestBodyError, UnsupportedMethod
from selvage.web.interfaces import IRequest

__all__ = ["NOT_DONE_YET", "Request", "path_of_url", "quote", "supportedMethods", "version"]

#: What the header Server says; no number, which would only help who looks for old ones.
version = b"Selvage"

#: Methods that a resource may refuse with 405; others, which nobody has to know, are answered 501.
supportedMethods = (b"GET", b"HEAD", b"POST")

_KNOWN_METHODS = frozenset((*supportedMethods, b"PUT", b"DELETE", b"PATCH", b"OPTIONS"))

_FAILED = b"<html><head><title>Processing Failed</title></head><body><b>Processing Failed</b></body></html>"


def quote(string: str | bytes, *args: Any, **kwargs: Any) -> bytes:
    """As `urllib.parse.quote`, but giving bytes."""
    return _quote(string, *args, **kwargs).encode("ascii")


class _Date:
    """The value of the header Date, made once a second."""

    def __init__(self) -> None:
        self.second = 0
        self.text = b""

    def now(self) -> bytes:
        second = int(time.time())
        if second != self.second:
            self.second = second
            self.text = datetimeToString(second)
        return self.text


_date = _Date()


@implementer(IRequest)
class Request(_request.Request, Componentized):
    """A request to a `Site`.

    Args:
        channel: what sends the answer.
        parsePOSTFormSubmission: whether a submitted form is added to `args`; the site says by default.
    """

    _log = Logger()

    #: The site.
    site: Any = None
    #: The type of a body that does not say its own; None for none.
    defaultContentType: bytes | None = b"text/html"
    #: Type and body of the answer when a handler fails; tells nothing of the program.
    failure_page: tuple[bytes, bytes] = (b"text/html", _FAILED)
    #: What `rememberRootURL` remembered.
    appRootURL: bytes | None = None
    prepath: list[bytes] = None  # type: ignore[assignment]
    postpath: list[bytes] = None  # type: ignore[assignment]
    sitepath: list[bytes] = []

    # Whether the resource that is known from the head streams the body; None when nobody has asked.
    _hinted: bool | None = None
    _encoder: Any = None
    _inFakeHead = False
    _secureSession: Any = None
    _insecureSession: Any = None

    # --- Finding the resource, and having it answer ------------------------------------------------------------

    def process(self) -> None:
        """Find the resource and have it answer.  Called once."""
        self.site = site = self.channel.site
        fields = self.responseHeaders._rawHeaders
        fields[b"Server"] = [version]
        fields[b"Date"] = [_date.text if int(time.time()) == _date.second else _date.now()]
        path = self.path
        if path[:1] != b"/":
            if path == b"*":
                self._handleStar()
                return
            path = path_of_url(path)
        self.prepath = []
        segments = path[1:].split(b"/")
        self.postpath = [unquote_to_bytes(part) for part in segments] if b"%"[0] in path else segments
        try:
            resource = site.getResourceFor(self)
            if self._hinted and self._put_off(resource):
                return
            self._ask(resource)
        except BaseException:
            self.processingFailed(Failure())

    def _ask(self, resource: Any) -> None:
        """Have the resource that was found answer, in the encoding that it asks for, unless the body is too large for it."""
        limits = getattr(resource, "body_limits", None)
        if limits is not None and not self._streams:
            self._check_size(limits)
        get_encoder = getattr(resource, "getEncoder", None)
        if get_encoder is not None:
            self._encoder = get_encoder(self)
        self.render(resource)

    # --- Bodies that do not come at once -----------------------------------------------------------------------

    def plan_body(self, method: bytes, target: bytes) -> Limits | None:
        """Find out how the body is to be taken; called when the head is there and the body is not, before `gotLength`.

        Returns: the limits of the resource; None when it has none of its own.
        """
        self.method, self.uri = method, target
        self.path = target.partition(b"?")[0]
        try:
            resource = self._resource_at_head()
            self._hinted = self._streams = streams_body(resource, self)
            limits: Limits | None = getattr(resource, "body_limits", None)
        except Exception:
            self._report_no_plan()
            return None
        return limits

    def _resource_at_head(self) -> Any:
        path = self.path if self.path[:1] == b"/" else path_of_url(self.path)
        self.prepath = []
        self.postpath = [unquote_to_bytes(part) for part in path[1:].split(b"/")]
        return resource_at_head(self.channel.site.resource, self)

    def _leaves_forms(self) -> bool:
        # A body that came at once is left to the same resources as one that did not.
        if self._hinted is None:
            self._hinted = False
            if getattr(self.channel, "site", None) is not None:
                try:
                    self._hinted = streams_body(self._resource_at_head(), self)
                except Exception:
                    self._report_no_plan()
        return self._hinted

    def _report_no_plan(self) -> None:
        report(Failure(), f"{self!r}: nobody says how to take its body", source="web", request=self)

    def _put_off(self, resource: Any) -> bool:
        """See to it that a resource which does not stream has the whole body, though the one above it said that it might.

        Returns: whether it will answer later, or not at all.
        """
        if not self._hinted or streams_body(resource, self):
            return False
        self._hinted = False
        if self._streams:
            self._render_when_whole(resource)
            return True
        return not self._parse_form()

    def _check_size(self, limits: Limits) -> None:
        size, limit = self.content.seek(0, 2), limits.body_bytes
        self.content.seek(0)
        if limit is not None and size > limit:
            raise BodyTooLarge(limit)

    def _render_when_whole(self, resource: Any) -> None:
        """Have a resource answer when all of the body is there."""
        arriving = self.body
        file = (self.site.getContentFile or _getContentFile)(arriving.length)

        def whole(_: object) -> None:
            self._body = None
            self._streams = False
            self.content = file
            try:
                file.seek(0)
                if self.method == b"POST" and self._parsePOSTFormSubmission and not self._parse_form():
                    return
                self._ask(resource)
            except BaseException:
                self.processingFailed(Failure())

        def failed(reason: Failure) -> None:
            let_go(file)
            if not self._disconnected:
                self.processingFailed(reason)

        arriving.deliver_to(_Spool(file)).addCallbacks(whole, failed)

    def _handleStar(self) -> None:
        """Answer to OPTIONS for all of the server; nothing else can be asked of that."""
        if self.method != b"OPTIONS":
            self.setResponseCode(NOT_ALLOWED)
            self.setHeader(b"allow", b"OPTIONS")
        self._send(b"")

    def render(self, resrc: Any) -> None:
        """Have a resource answer."""
        try:
            body = resrc.render(self)
        except UnsupportedMethod as error:
            self._render_unsupported(resrc, error)
            return
        if body.__class__ is bytes:
            self._send(body, resrc)
        else:
            self._rendered(resrc, body)

    def _rendered(self, resrc: Any, body: Any) -> None:
        """Answer with what a resource returned, of whatever type."""
        if body is NOT_DONE_YET or (body.__class__ is int and body == NOT_DONE_YET):
            return
        if isinstance(body, bytes):
            self._send(body, resrc)
        else:
            answer_with(self, resrc, body)

    def _send(self, body: bytes, resrc: Any = None) -> None:
        """Answer with this body and nothing more."""
        fields = self.responseHeaders._rawHeaders
        if (
            self._encoder is None
            and self.code not in NO_BODY_CODES
            and self._response_trailers is None
            # What a resource says itself of the length that GET would give (RFC 9110 section 9.3.2) is left as it is.
            and (body or self.method != b"HEAD" or b"Content-Length" not in fields)
        ):
            fields[b"Content-Length"] = [b"%d" % len(body)]
        if body and self.method == b"HEAD":
            if resrc is not None:
                self._log.info(
                    "HEAD request {request} for resource {resource} is returning a message body. It is left out.",
                    request=self,
                    resource=resrc,
                )
            body = b""
        if self._may_answer_quickly():
            if b"Content-Type" not in fields:
                self._default_content_type()
            self._answer(body)
        else:
            self.write(body)
            self.finish()

    def _may_answer_quickly(self) -> bool:
        """Tell whether `_answer` does what `write` and `finish` do (benchmarks: web hello)."""
        channel = self.channel
        write: Any = self.write
        finish: Any = self.finish
        try:
            return (
                self._encoder is None
                and not self.startedWriting
                and not self._inFakeHead
                and not self._disconnected
                and self.producer is None
                and b"Content-Length" in self.responseHeaders._rawHeaders
                # A subclass, or who puts something else in their place, has a say; to look into `__dict__` would have it made.
                and write.__func__ is _WRITE
                and finish.__func__ is _FINISH
                and channel.write.__func__ is _CHANNEL_WRITE
                and channel.writeHeaders.__func__ is _CHANNEL_WRITE_HEADERS
            )
        except AttributeError:
            return False  # what is no method of anybody is not ours

    def _render_unsupported(self, resrc: Any, error: UnsupportedMethod) -> None:
        allowed = error.allowedMethods
        if self.method == b"HEAD" and b"GET" in allowed:
            self._fake_head(resrc)
            return
        names = ", ".join(method.decode("ascii", "backslashreplace") for method in allowed)
        method = self.method.decode("ascii", "backslashreplace")
        if self.method in _KNOWN_METHODS:
            self.setHeader(b"Allow", b", ".join(allowed))
            uri = self.uri.decode("ascii", "backslashreplace")
            page = errorPage(
                NOT_ALLOWED,
                "Method Not Allowed",
                f'Your browser approached me (at {uri}) with the method "{method}". I only allow the methods {names} here.',
            )
        else:
            page = errorPage(NOT_IMPLEMENTED, "Huh?", f"I don't know how to treat a {method} request.")
        page.render(self)

    def _fake_head(self, resrc: Any) -> None:
        """Answer HEAD by a resource that knows GET only, and leave out the body."""
        self._log.info("Using GET to fake a HEAD request for {resrc}", resrc=resrc)
        self.method = b"GET"
        self._inFakeHead = True
        try:
            body = resrc.render(self)
        finally:
            self._inFakeHead = False
            self.method = b"HEAD"
        if body is NOT_DONE_YET:
            self._log.info("Tried to fake a HEAD request for {resrc}, but it got away from me.", resrc=resrc)
            self.write(b"")  # it will finish, too
        else:
            self._rendered(None, body)

    def _default_content_type(self) -> None:
        fields = self.responseHeaders._rawHeaders
        if (
            b"Content-Type" not in fields
            and self.code not in NO_BODY_CODES
            and self.defaultContentType is not None
            and fields.get(b"Content-Length") != [b"0"]
        ):
            fields[b"Content-Type"] = [self.defaultContentType]

    def write(self, data: bytes) -> None:
        """Send a piece of the body; the first one sends status and headers before it."""
        if not self.startedWriting:
            if self._inFakeHead:
                return
            self._default_content_type()
        if self._encoder is not None:
            data = self._encoder.encode(data)
        _request.Request.write(self, data)

    def finish(self) -> None:
        """End the answer; called once."""
        if self._encoder is not None and not self.finished and not self._disconnected:
            data = self._encoder.finish()
            if data or not self.startedWriting:
                _request.Request.write(self, data)
            self._encoder = None
        _request.Request.finish(self)

    # --- When it fails -----------------------------------------------------------------------------------------

    def processingFailed(self, reason: Failure) -> Failure:
        """Report a failure, and answer 500; or cut the connection, when part of the answer has been sent.

        Returns: `reason`.
        """
        if reason.check(RequestBodyError):
            return self._body_failed(reason)
        # Without the query, which may hold what is not to be told.
        where = b"%b %b" % (self.method, self.path or b"?")
        message = f"Error while answering {where.decode('ascii', 'backslashreplace')}"
        report(reason, message, source="web", request=self)
        if self.finished or self._disconnected:
            return reason
        if self.producer is not None:
            self.unregisterProducer()  # whatever it was to write is not written any more
        if self.startedWriting:
            # What was sent says that more comes; only a connection that breaks says that it does not.
            abort = getattr(self.channel, "abortConnection", self.loseConnection)
            abort()
            return reason
        self._encoder = None
        self.setResponseCode(INTERNAL_SERVER_ERROR)
        kind, page = self.failure_page
        if self.site and self.site.displayTracebacks:
            kind, page = b"text/html", self._traceback_page(reason)
        self.setHeader(b"content-type", kind)
        self._send(page)
        return reason

    def _body_failed(self, reason: Failure) -> Failure:
        """Answer for a body that did not come to its end; that is the client's doing, and reported to nobody."""
        error: Any = reason.value
        self._log.info("{request}: {error}", request=self, error=error)
        if self.finished or self._disconnected:
            return reason
        if self.producer is not None:
            self.unregisterProducer()
        if self.startedWriting:
            getattr(self.channel, "abortConnection", self.loseConnection)()
            return reason
        self._encoder = None
        self.setResponseCode(error.status)
        self.setHeader(b"content-type", b"text/plain; charset=utf-8")
        self._send(str(error).encode("utf-8"))
        return reason

    def _traceback_page(self, reason: Failure) -> bytes:
        from selvage.failure import to_html

        return to_html(reason).encode("ascii", "xmlcharrefreplace")

    def _did_not_return_bytes(self, resrc: Any, body: Any) -> None:
        """Report that a resource returned what cannot be sent."""
        what, hint = f"a {type(body).__name__}", ""
        if body is None:
            what, hint = "None", " (is a `return` missing?)"
        elif callable(getattr(body, "render", None)):
            hint = " (a resource answers by its own render(request))"
        elif isinstance(body, BaseException):
            hint = " (was it to be raised?)"
        raise TypeError(
            f"{who_answers(resrc, self)} returned {what} for {self!r}{hint}: return bytes, str, a dict or list for JSON, "
            "an iterator of bytes, a Deferred or coroutine of one of these, or NOT_DONE_YET"
        )

    # --- Sessions ----------------------------------------------------------------------------------------------

    def getSession(self, sessionInterface: Any = None, forceNotSecure: bool = False) -> Any:
        """Return the session that the client's cookie names, or begin one.

        Over TLS it is a session of its own, whose cookie is never sent in the clear.

        Args:
            sessionInterface: adapt the session to this interface.
            forceNotSecure: use the session of plain connections, even over TLS.
        """
        secure = self.isSecure() and not forceNotSecure
        session = self._secureSession if secure else self._insecureSession
        site = self.site
        if session is None or site.sessions.get(session.uid) is not session:
            name = b"_".join([b"TWISTED_SECURE_SESSION" if secure else b"TWISTED_SESSION", *self.sitepath])
            uid = self.getCookie(name)
            session = None if uid is None else site.sessions.get(uid)
            if session is None:
                session = site.makeSession()
                self.addCookie(name, session.uid, path=b"/", secure=secure, httpOnly=True, sameSite="lax")
            if secure:
                self._secureSession = session
            else:
                self._insecureSession = session
        session.touch()
        return session.getComponent(sessionInterface) if sessionInterface else session

    @property
    def session(self) -> Any:
        """The session, when it was asked for already; else None."""
        return self._secureSession if self.isSecure() else self._insecureSession

    # --- Addresses ---------------------------------------------------------------------------------------------

    def _url(self, segments: list[bytes]) -> bytes:
        port: Any = getattr(self.getHost(), "port", None)
        secure = self.isSecure()
        usual = port is None or port == (443 if secure else 80)
        host = self.getRequestHostname()
        if b":" in host:
            host = b"[%b]" % host
        return b"%b://%b%b/%b" % (
            b"https" if secure else b"http",
            host,
            b"" if usual else b":%d" % port,
            b"/".join([quote(segment, safe="") for segment in segments]),
        )

    def prePathURL(self) -> bytes:
        """Return the URL of the resource that was found."""
        return self._url(self.prepath)

    def URLPath(self) -> Any:
        """Return the URL of the resource that was found, as something to navigate from."""
        from selvage.web._urlpath import URLPath

        return URLPath.fromRequest(self)

    def rememberRootURL(self) -> None:
        """Remember the URL above the resource found so far as the application's root."""
        self.appRootURL = self._url(self.prepath[:-1])

    def getRootURL(self) -> bytes | None:
        """Return what `rememberRootURL` remembered."""
        return self.appRootURL

    def sibLink(self, name: bytes) -> bytes:
        """Return a relative link to what is beside the resource."""
        return len(self.postpath) * b"../" + name

    def childLink(self, name: bytes) -> bytes:
        """Return a relative link to what is below the resource."""
        left = len(self.postpath)
        if left:
            return (left - 1) * b"../" + name
        if self.prepath and self.prepath[-1]:
            return self.prepath[-1] + b"/" + name
        return name

    # --- What a distant server calls (twisted.web.distrib) -------------------------------------------------------

    def view_write(self, issuer: Any, data: bytes) -> None:
        """As `write`."""
        self.write(data)

    def view_finish(self, issuer: Any) -> None:
        """As `finish`."""
        self.finish()

    def view_addCookie(self, issuer: Any, k: Any, v: Any, **kwargs: Any) -> None:
        """As `addCookie`."""
        self.addCookie(k, v, **kwargs)

    def view_setHeader(self, issuer: Any, k: Any, v: Any) -> None:
        """As `setHeader`."""
        self.setHeader(k, v)

    def view_setLastModified(self, issuer: Any, when: float) -> None:
        """As `setLastModified`."""
        self.setLastModified(when)

    def view_setETag(self, issuer: Any, tag: bytes) -> None:
        """As `setETag`."""
        self.setETag(tag)

    def view_setResponseCode(self, issuer: Any, code: int, message: bytes | None = None) -> None:
        """As `setResponseCode`."""
        self.setResponseCode(code, message)

    def view_registerProducer(self, issuer: Any, producer: Any, streaming: bool) -> None:
        """As `registerProducer`, for a producer that is far away."""
        self.registerProducer(_RemoteProducerWrapper(producer), streaming)

    def view_unregisterProducer(self, issuer: Any) -> None:
        """As `unregisterProducer`."""
        self.unregisterProducer()


class _RemoteProducerWrapper:
    """A producer that is far away."""

    def __init__(self, remote: Any) -> None:
        self.resumeProducing = remote.remoteMethod("resumeProducing")
        self.pauseProducing = remote.remoteMethod("pauseProducing")
        self.stopProducing = remote.remoteMethod("stopProducing")


@implementer(IConsumer)
class _Spool:
    """A file as the consumer of a body."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, data: bytes) -> None:
        """Keep a piece."""
        self._file.write(data)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take it as fast as it comes."""

    def unregisterProducer(self) -> None:
        """Do nothing: the end is told otherwise."""


# What the quick way stands for.
_WRITE, _FINISH = Request.write, Request.finish
_CHANNEL_WRITE, _CHANNEL_WRITE_HEADERS = HTTPChannel.write, HTTPChannel.writeHeaders


def path_of_url(target: bytes) -> bytes:
    """Return the path of a whole URL, as proxies are sent it."""
    rest = target.partition(b"://")[2]
    slash = rest.find(b"/")
    return b"/" if slash < 0 else rest[slash:]
