"""One request and its answer, without knowledge of sites and resources.  Floor 4.

The request is what wire and application have in common; see docs/design/http.md.  A channel (`HTTPChannel`, or a stream of
HTTP/2) makes it, gives it headers, body and at last `requestReceived`; the application calls `write` and `finish`, which
call `writeHeaders`, `write` and `requestDone` of the channel.  It does not know the version of HTTP beyond what decides
how the body is marked off.
"""

from __future__ import annotations

import math
import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any, AnyStr

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.interfaces import IConsumer, implementer
from selvage.logger import Logger
from selvage.web._answer_head import last_chunk
from selvage.web._answer_headers import complete_headers
from selvage.web._body import ArrivingContent, RequestBody
from selvage.web._conditions import is_known, is_known_since, is_unmodified, is_wanted
from selvage.web._content_file import IN_MEMORY_BYTES, _getContentFile, let_go, not_kept
from selvage.web._cookies import parse_cookies, write_cookie
from selvage.web._forms import FormError, form_arguments, parse_qs
from selvage.web._headers import Headers
from selvage.web._request_contract import (
    _IDeprecatedHTTPChannelToRequestInterface as _IDeprecatedHTTPChannelToRequestInterface,
)
from selvage.web._request_facts import RequestFacts
from selvage.web._status import FOUND, NO_BODY_CODES, NOT_MODIFIED, OK, PRECONDITION_FAILED, RESPONSES
from selvage.web._transfer import toChunk
from selvage.web.errors import BodyIncomplete, RequestBodyError

if TYPE_CHECKING:
    from selvage.interfaces import IAddress

__all__ = ["CACHED", "Request"]

#: What `setLastModified` and `setETag` return when the client has the resource already.
CACHED = """Magic constant returned by http.Request methods to set cache
validation headers when the request is conditional and the value fails
the condition."""

#: Seconds without input while input is due, after which a connection is closed.
_REQUEST_TIMEOUT = 60

# What the types of forms begin with.
_FORMS = (b"multipart/form-data", b"application/x-www-form")

# Tells a `Request` made without the argument `queued` from one made with any.
_QUEUED_SENTINEL = object()

_OK_PHRASE = RESPONSES[OK]


@implementer(IConsumer, _IDeprecatedHTTPChannelToRequestInterface)
class Request(RequestFacts):
    """A request as it comes in, and the way to answer it.

    Override `process`, or use a `Site`, whose request finds a resource.

    Args:
        channel: what sends the answer.
        queued: for programs of old; of no effect.
        parsePOSTFormSubmission: whether a submitted form is added to `args`; None for what the site says, where there is one.

    Twisted: `twisted.web.http.Request`.
    """

    #: Set when the answer cannot arrive any more; writing is then without effect.
    _disconnected = False
    _log = Logger()

    #: The method.
    method = b"(no method yet)"
    #: The target as the client wrote it.
    uri = b"(no uri yet)"
    #: The target without the query.
    path: bytes = None  # type: ignore[assignment]
    #: The arguments of the query, and of a submitted form.
    args: dict[bytes, list[bytes]] = None  # type: ignore[assignment]
    #: The version, such as ``b"HTTP/1.1"``.
    clientproto = b"(no clientproto yet)"
    #: The body, as a file; where it is streamed, read `body` instead.
    content: Any = None
    #: The fields that came after the body, apart from the headers, for anybody can write anything there; there when the body
    #: has ended.
    trailers: Headers | None = None
    _response_trailers: Headers | None = None
    # The body for who reads it piece by piece; from the head on where it is streamed, else once somebody asked for it.
    _body: RequestBody | None = None
    # Whether the body is streamed.
    _streams = False

    #: The status code of the answer.
    code = OK
    #: The phrase beside it.
    code_message: bytes = _OK_PHRASE
    #: Whether the head of the answer has been sent.
    startedWriting = 0
    #: Bytes of the body that have been sent.
    sentLength = 0
    #: Whether the body is sent in chunks.
    chunked = 0
    # Whether the answer has no body, whatever the application writes.
    _bodiless = False
    #: Whether the answer is complete.
    finished = 0
    #: When the resource last changed, in seconds since 1970.
    lastModified: float | None = None
    #: Which version of the resource it is.
    etag: bytes | None = None
    #: Who produces the body.
    producer: Any = None

    def __init__(
        self, channel: Any, queued: object = _QUEUED_SENTINEL, parsePOSTFormSubmission: bool | None = None
    ) -> None:
        if parsePOSTFormSubmission is None:
            parsePOSTFormSubmission = getattr(
                getattr(channel, "site", None), "_parsePOSTFormSubmission", True
            )
        self.channel = channel
        self.transport = channel.transport
        self.notifications: list[Deferred[None]] = []
        # Taken from the channel where it has them already, so that none are made to be thrown away.
        self.requestHeaders: Headers = getattr(channel, "_next_headers", None) or Headers()
        self.responseHeaders = Headers()
        self.received_cookies: dict[bytes, bytes] = {}
        self.cookies: list[bytes] = []
        self.queued = queued
        self._parsePOSTFormSubmission = parsePOSTFormSubmission
        # The channel's own memory of them saves two calls (benchmarks: web hello).
        self.client: IAddress = getattr(channel, "_peer", None) or channel.getPeer()
        self.host: IAddress = getattr(channel, "_own", None) or channel.getHost()

    # --- What the channel calls --------------------------------------------------------------------------------

    def parseCookies(self) -> None:
        """Read the headers Cookie into `received_cookies`.  Called once, when the headers are in."""
        for header in self.requestHeaders.getRawHeaders(b"cookie", ()) or ():
            parse_cookies(header, self.received_cookies)

    def gotLength(self, length: int | None) -> None:
        """Hook: called once, before the body; makes `content`.

        Args:
            length: bytes of the body; None when nobody knows.

        Raises:
            BodyNotKept: there is no room for it.
        """
        if self._streams:
            body = self._body = RequestBody(self.channel)
            body.length = length
            self.content = ArrivingContent(body)
            return
        make = getattr(getattr(self.channel, "site", None), "getContentFile", None)
        if make is None and length is not None and length < IN_MEMORY_BYTES:
            self.content = BytesIO()
            return
        try:
            self.content = (make or _getContentFile)(length)
        except OSError as error:
            raise not_kept(self) from error

    def handleContentChunk(self, data: bytes) -> None:
        """Hook: called with each piece of the body; writes it to `content`.

        Raises:
            BodyNotKept: there is no room for it.
        """
        try:
            self.content.write(data)
        except OSError as error:
            if self._streams:
                raise  # it is kept nowhere: who reads it has failed
            raise not_kept(self) from error

    def body_ended(self, error: RequestBodyError | None = None) -> None:
        """Take notice of the end of a body that is streamed.  Called once.

        Args:
            error: why it is not whole.
        """
        if self._body is not None:
            self._body.end(error)

    @property
    def body(self) -> RequestBody:
        """The body, to be read piece by piece: as it comes, where the resource says `streams_body`; else from `content`."""
        if self._body is None:
            self._body = RequestBody(file=self.content)
        return self._body

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Fill in what is left and call `process`.  Called once, when all of the request is there; its head, where the body
        is streamed.

        Args:
            path: the target.

        Raises:
            BodyNotKept: there is no room for the last of it.
        """
        self.clientproto = version
        self.method = command
        self.uri = path
        streams = self._streams
        if not streams:
            try:
                self.content.seek(0, 0)
            except OSError as error:
                raise not_kept(self) from error
        if b"?"[0] in path:
            self.path, _, query = path.partition(b"?")
            try:
                self.args = parse_qs(query, 1)
            except FormError:
                self._refuse_form()
                return
        else:
            self.path = path
            self.args = {}
        if command == b"POST" and self._parsePOSTFormSubmission and not streams and not self._parse_form():
            return
        self.process()

    def _parse_form(self) -> bool:
        """Add the fields of a form to `args`; return whether that went well."""
        kinds = self.requestHeaders._rawHeaders.get(b"Content-Type")
        if not kinds or not kinds[0].lower().startswith(_FORMS):
            return True
        if self._leaves_forms():
            return True
        try:
            for name, values in form_arguments(kinds[0], self.content).items():
                self.args.setdefault(name, []).extend(values)
        except FormError as error:
            self._log.info("A form was refused: {error}", error=error, request=self)
            self._refuse_form()
            return False
        self.content.seek(0, 0)
        return True

    def _leaves_forms(self) -> bool:
        """Tell whether the body is left to the application, whatever is in it."""
        return False

    def _refuse_form(self) -> None:
        self.channel._respondToBadRequestAndDisconnect()

    def process(self) -> None:
        """Hook: called once, when the request is there; has to see to it that `finish` is called, now or later."""

    def connectionLost(self, reason: Failure) -> None:
        """Hook: called when the connection is lost before `finish`; the base version has to be called."""
        self._disconnected = True
        self.channel = None
        body = self._body
        if body is not None:
            body.end(BodyIncomplete(body.received, body.length))
        if self.content is not None:
            let_go(self.content)
        self._notify(reason)

    # --- Ends --------------------------------------------------------------------------------------------------

    def notifyFinish(self) -> Deferred[None]:
        """Return a Deferred for the end of the answer.

        Fires with None when `finish` was called.
        Fails with the reason, when the connection is lost before.
        """
        self.notifications.append(Deferred())
        return self.notifications[-1]

    def _notify(self, result: Any) -> None:
        notifications, self.notifications = self.notifications, []
        for waiting in notifications:
            waiting.callback(result) if result is None else waiting.errback(result)

    def finish(self) -> None:
        """End the answer; called once.

        Raises:
            RuntimeError: the connection was lost before; `notifyFinish` tells that in time.
        """
        if self._disconnected:
            raise RuntimeError(
                "Request.finish called on a request after its connection was lost; "
                "use Request.notifyFinish to keep track of this."
            )
        if self.finished:
            # `finish` of subclasses lies between; a program wants to see its own line.
            level = 2 if type(self).finish is Request.finish else 3
            warnings.warn("Warning! request.finish called twice.", stacklevel=level)
            return
        if not self.startedWriting:
            self.write(b"")
        if self.chunked:
            trailers = self._response_trailers
            self.channel.write(b"0\r\n\r\n" if trailers is None else last_chunk(trailers))
        if self.producer is not None:
            self._log.failure("", Failure(RuntimeError(f"Producer was not unregistered for {self.uri!r}")))
            self.unregisterProducer()
        self.finished = 1
        channel = self.channel
        if not self.queued or self.queued is _QUEUED_SENTINEL:
            self.channel = None
        channel.requestDone(self)
        if self.content is not None:
            let_go(self.content)
        if self.notifications:
            self._notify(None)

    def loseConnection(self) -> None:
        """Close the connection, with what was written and nothing more."""
        if self.channel is not None:
            self.channel.loseConnection()

    # --- Producers ---------------------------------------------------------------------------------------------

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Have `producer` write the body, as fast as the client takes it.

        Args:
            streaming: whether it is a push producer.

        Raises:
            ValueError: there is one already.
        """
        if self.producer is not None:
            raise ValueError(
                f"registering producer {producer} before previous one ({self.producer}) was unregistered"
            )
        self.streamingProducer = streaming
        self.producer = producer
        if self.channel is not None:
            self.channel.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """Take notice that the producer has written all."""
        if self.channel is not None:
            self.channel.unregisterProducer()
        self.producer = None

    # --- The answer --------------------------------------------------------------------------------------------

    def setResponseCode(self, code: int, message: bytes | None = None) -> None:
        """Set the status.

        Args:
            code: from 1 to 999, as in Twisted; what clients understand has three digits.
            message: the phrase beside it; by default what goes with the code.

        Raises:
            TypeError: the code is no int, or the phrase not bytes.
            ValueError: the code is beyond three digits, or the phrase contains a line end.
        """
        if not isinstance(code, int):
            raise TypeError(f"HTTP response code must be int, not {code!r}")
        if not 0 < code <= 999:
            raise ValueError(f"HTTP response code must have three digits: no client would understand {code}")
        if message is None:
            self.code_message = RESPONSES.get(code, b"Unknown Status")
        elif not isinstance(message, bytes):
            raise TypeError(f"HTTP response status message must be bytes, not {message!r}")
        elif b"\r" in message or b"\n" in message or b"\0" in message:
            raise ValueError(f"the phrase {message!r} would end the status line")
        else:
            self.code_message = message
        self.code = code

    def setHeader(self, name: AnyStr, value: AnyStr) -> None:
        """Set a header of the answer, in the place of what was there under that name."""
        self.responseHeaders.setRawHeaders(name, [value])

    @property
    def response_trailers(self) -> Headers:
        """Fields that are sent after the body; to be set before `finish`.

        They go where something marks the end of the body: in chunks (HTTP/1.1 without a Content-Length) and over HTTP/2.
        Elsewhere they are left out, and a client need not look at them.
        """
        if self._response_trailers is None:
            self._response_trailers = Headers()
        return self._response_trailers

    def redirect(self, url: bytes) -> None:
        """Answer 302 with this location; `finish` is yet to be called."""
        self.setResponseCode(FOUND)
        self.setHeader(b"location", url)

    def addCookie(
        self,
        k: str | bytes,
        v: str | bytes,
        expires: str | bytes | None = None,
        domain: str | bytes | None = None,
        path: str | bytes | None = None,
        max_age: str | bytes | int | None = None,
        comment: str | bytes | None = None,
        secure: object = None,
        httpOnly: object = False,
        sameSite: str | bytes | None = None,
    ) -> None:
        """Have the client keep a cookie.

        Args:
            k: its name.
            v: its value.
            expires: a date as HTTP writes it.
            max_age: seconds.
            secure: whether it is only sent over TLS.
            httpOnly: whether scripts of the page cannot read it.
            sameSite: "lax", "strict" or "none".

        Raises:
            ValueError: browsers would drop it, or it contains control characters.
        """
        attributes: dict[str, str | bytes | int | None] = {
            "Expires": expires,
            "Domain": domain,
            "Path": path,
            "Max-Age": max_age,
            "Comment": comment,
        }
        self.cookies.append(
            write_cookie(k, v, attributes, secure=secure, http_only=httpOnly, same_site=sameSite)
        )

    def write(self, data: bytes) -> None:
        """Send a piece of the body; the first one sends status and headers before it.

        Without effect when the connection is lost.

        Raises:
            RuntimeError: `finish` was called.
            TypeError: `data` is not bytes.
        """
        if self.finished:
            raise RuntimeError("Request.write called on a request after Request.finish was called.")
        if self._disconnected:
            return
        if data.__class__ is not bytes and not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"Can only write bytes to a transport, not {data!r}")
        if not self.startedWriting:
            self._start_writing()
        if data and not self._bodiless:
            self.sentLength += len(data)
            if self.chunked:
                self.channel.writeSequence(toChunk(data))
            else:
                self.channel.write(data)

    def _answer(self, body: bytes) -> None:
        """Do what ``write(body)`` and ``finish()`` do; the quick way, for an answer whose length is among its headers.

        Only where nobody has a say in either.
        """
        channel = self.channel
        code = self.code
        phrase = self.code_message
        if (
            phrase.__class__ is bytes
            and self.etag is None
            and self.lastModified is None
            and not self.cookies
            and self.method != b"HEAD"
            and code not in NO_BODY_CODES
        ):
            self.startedWriting = 1  # there is nothing to complete (benchmarks: web hello)
        else:
            phrase = complete_headers(self)
            if self._bodiless:
                body = b""
        if code == OK and phrase is _OK_PHRASE and self.clientproto == b"HTTP/1.1":
            status_line = b"HTTP/1.1 200 OK"
        else:
            status_line = b"%b %d %b" % (self.clientproto, code, phrase)
        channel.write_answer(status_line, self.responseHeaders, body)
        self.sentLength = len(body)
        self.finished = 1
        if not self.queued or self.queued is _QUEUED_SENTINEL:
            self.channel = None
        channel.requestDone(self)
        try:
            self.content.close()
        except OSError:
            pass  # as `let_go` does
        if self.notifications:
            self._notify(None)

    def _start_writing(self) -> None:
        """Send status and headers."""
        phrase = complete_headers(self)
        self.channel.writeHeaders(self.clientproto, b"%d" % self.code, phrase, self.responseHeaders)

    # --- Conditions --------------------------------------------------------------------------------------------

    def setLastModified(self, when: float) -> object:
        """Say when the resource last changed; several calls leave the latest.

        Args:
            when: seconds since 1970.

        Returns: `CACHED` when the client has it already, and 304 is set, or when it has changed after the time up to which the
        client wants it unchanged, and 412 is set; else None.
        """
        when = math.ceil(when)  # HTTP has no fractions
        if not self.lastModified or self.lastModified < when:
            self.lastModified = when
        if not is_unmodified(self.requestHeaders, self.lastModified):
            self.setResponseCode(PRECONDITION_FAILED)
        if self.code == PRECONDITION_FAILED:
            return CACHED
        if is_known_since(self.requestHeaders, self.lastModified):
            self.setResponseCode(NOT_MODIFIED)
            return CACHED
        return None

    def setETag(self, etag: bytes) -> object:
        """Say which version of the resource this is.

        Returns: `CACHED` when the client has it already, and 304 (or for other methods than GET and HEAD 412) is set, or when
        it wants another one (If-Match), and 412 is set; else None.
        """
        if etag:
            self.etag = etag
        if not is_wanted(self.requestHeaders, etag):
            self.setResponseCode(PRECONDITION_FAILED)
            return CACHED
        if is_known(self.requestHeaders, etag):
            self.setResponseCode(NOT_MODIFIED if self.method in (b"HEAD", b"GET") else PRECONDITION_FAILED)
            return CACHED
        return None

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} at {id(self):#x} method={_printable(self.method)} "
            f"uri={_printable(self.uri)} clientproto={_printable(self.clientproto)}>"
        )

    def __eq__(self, other: object) -> bool:
        return self is other if isinstance(other, Request) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return self is not other if isinstance(other, Request) else NotImplemented

    __hash__ = object.__hash__


def _printable(text: bytes) -> str:
    return text.decode("ascii", "backslashreplace")
