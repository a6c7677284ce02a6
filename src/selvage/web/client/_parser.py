"""Responses as Twisted's parsers tell of them, over the reader of `_framing.py`.  Floor 4."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.logger import Logger
from selvage.protocols import Protocol, connectionDone
from selvage.web._headers import Headers
from selvage.web._losses import PotentialDataLoss, _DataLoss
from selvage.web.client._errors import BadResponseVersion, ParseError, ResponseFailed, ResponseNeverReceived
from selvage.web.client._framing import (
    BODY,
    CONNECTION_CONTROL,
    DONE,
    HEADER,
    STATUS,
    ResponseReader,
    Version,
)
from selvage.web.client._response import Response
from selvage.web.interfaces import UNKNOWN_LENGTH

__all__ = ["HTTPClientParser", "HTTPParser"]

_log = Logger("selvage.web.client")

_NO_HEADERS = Headers()

_LENGTH = {b"Content-Length"}

_match_version = re.compile(rb"([^/]+)/([0-9]+)\.([0-9]+)").fullmatch


class HTTPParser(Protocol):
    """Tells its hooks of a response; they are called as its header is read.

    Attributes:
        state: STATUS, HEADER, BODY or DONE.

    Twisted: `twisted.web._newclient.HTTPParser`; what is no HTTP is refused with `ParseError`, lines that end with a
    bare LF and folded ones included.
    """

    #: The fields of `connHeaders`, in lower case.
    CONNECTION_CONTROL_HEADERS: ClassVar[set[bytes]] = {name.lower() for name in CONNECTION_CONTROL}

    transport: Any
    state: str = STATUS
    bodyDecoder: Any = None

    # What `connHeaders` is made of when somebody asks for it.
    _control: dict[bytes, list[bytes]] | None = None

    def __init__(self) -> None:
        self._reader = ResponseReader(self, self._is_bodiless())

    @cached_property
    def headers(self) -> Headers:
        """The fields that are no business of the connection."""
        return Headers()

    @cached_property
    def connHeaders(self) -> Headers:
        """The fields that are."""
        headers = Headers()
        if self._control is not None:
            headers._rawHeaders = self._control
        return headers

    def _is_bodiless(self) -> bool:
        """Tell whether no body follows, whatever the header says."""
        return False

    def dataReceived(self, data: bytes) -> None:
        """Read on.

        Raises:
            ParseError: it is no response.
        """
        self._reader.receive_data(data)

    def isConnectionControlHeader(self, name: bytes) -> bool:
        """Tell whether a field is about the connection; `name` is in lower case."""
        return name in self.CONNECTION_CONTROL_HEADERS

    def switchToBodyMode(self, decoder: Any) -> None:
        """Begin the body.

        Raises:
            RuntimeError: it has begun.
        """
        if self.state == BODY:
            raise RuntimeError("the body has begun already")
        self.state = BODY
        self.bodyDecoder = decoder

    # --- Hooks ---------------------------------------------------------------------------------------------------

    def statusReceived(self, status: bytes) -> None:
        """Hook: called with the status line."""

    def headerReceived(self, name: bytes, value: bytes) -> None:
        """Hook: called with each field, once the header is whole; this version keeps it."""
        control = self.isConnectionControlHeader(name.lower())
        (self.connHeaders if control else self.headers).addRawHeader(name, value)

    def allHeadersReceived(self) -> None:
        """Hook: called behind the last field; this version begins the body."""
        self.switchToBodyMode(None)

    # --- What the reader calls -----------------------------------------------------------------------------------

    def status_received(self, line: bytes, version: Version, code: int, phrase: bytes) -> None:
        """Tell the hook."""
        self.statusReceived(line)
        self.state = HEADER

    def informational_received(self, fields: list[tuple[bytes, bytes]]) -> None:
        """Forget it."""
        self.state = STATUS

    def fields_received(self, fields: list[tuple[bytes, bytes]]) -> None:
        """Tell the hooks."""
        for name, value in fields:
            self.headerReceived(name, value)
        self.allHeadersReceived()

    def body_begins(self, length: int | None) -> None:
        """Do nothing; for subclasses."""

    def body_received(self, data: bytes) -> None:
        """Do nothing; for subclasses."""

    def message_complete(self, rest: bytes) -> None:
        """Know that the response is whole."""
        self.state = DONE


class HTTPClientParser(HTTPParser):
    """Makes a `Response` of what a server sends.

    Args:
        request: what is answered.
        finisher: called with what came behind the response when that is whole, before its body's end is told.
        canceller: of the Deferred that fires with the response.

    Twisted: `twisted.web._newclient.HTTPClientParser`.
    """

    response: Response | None = None

    _everReceivedData = False

    # Whether a subclass has hooks of its own; else the reader's calls need not be put into their words.
    _has_hooks: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        hooks = ("statusReceived", "headerReceived", "allHeadersReceived", "isConnectionControlHeader")
        cls._has_hooks = any(getattr(cls, hook) is not getattr(HTTPClientParser, hook) for hook in hooks)

    def __init__(
        self,
        request: Any,
        finisher: Callable[[bytes], object],
        canceller: Callable[[Deferred[Any]], object] | None = None,
    ) -> None:
        self.request = request
        self.finisher = finisher
        self._responseDeferred: Deferred[Any] = Deferred(canceller)
        super().__init__()

    def _is_bodiless(self) -> bool:
        return getattr(self.request, "method", b"") == b"HEAD"

    def dataReceived(self, data: bytes) -> None:
        """Read on, and hold the server back as soon as a body comes that nobody wants yet."""
        self._everReceivedData = True
        self._reader.receive_data(data)
        response = self.response
        if response is not None and response._state == "INITIAL" and self.state is BODY:
            self.transport.pauseProducing()

    def parseVersion(self, strversion: bytes) -> Version:
        """Return the parts of such as ``HTTP/1.1``.

        Raises:
            BadResponseVersion: it is no version.
        """
        match = _match_version(strversion)
        if match is None:
            raise BadResponseVersion("this is no version of a protocol", strversion)
        name, major, minor = match.groups()
        return name, int(major), int(minor)

    def statusReceived(self, status: bytes) -> None:
        """Begin a response.

        Raises:
            ParseError: this is no status line.
        """
        version, _, rest = status.partition(b" ")
        code, _, phrase = rest.partition(b" ")
        if not code.isdigit():
            raise ParseError("the status code is no number", status)
        self._begin_response(self.parseVersion(version), int(code), phrase)

    def _begin_response(self, version: Version, code: int, phrase: bytes) -> None:
        self.response = Response._construct(version, code, phrase, self.headers, self.transport, self.request)

    def isConnectionControlHeader(self, name: bytes) -> bool:
        """Tell whether a field is about the connection; what answers HEAD tells the length of what it is about."""
        if name == b"content-length" and self._reader.bodiless:
            return False
        return super().isConnectionControlHeader(name)

    # --- What the reader calls -----------------------------------------------------------------------------------

    def status_received(self, line: bytes, version: Version, code: int, phrase: bytes) -> None:
        """Begin a response."""
        if self._has_hooks:
            self.statusReceived(line)
        else:
            # Its headers follow.
            self.response = response = Response(version, code, phrase, _NO_HEADERS, self.transport)
            response.request = self.request
        self.state = HEADER

    def informational_received(self, fields: list[tuple[bytes, bytes]]) -> None:
        """Tell a body that waits for it, or mention it; and wait for the final response."""
        waits = getattr(getattr(self.request, "bodyProducer", None), "informational_received", None)
        if waits is not None:
            waits(self._reader.code)
        else:
            _log.info("Ignoring unexpected {code} response", code=self._reader.code)
        self.response = None
        self.state = STATUS

    def fields_received(self, fields: list[tuple[bytes, bytes]]) -> None:
        """Put the fields where they belong."""
        if self._has_hooks or "headerReceived" in self.__dict__:
            self.response.headers = self.headers  # type: ignore[union-attr]
            super().fields_received(fields)
            return
        # The quick way: benchmarks/, "client".
        headers = Headers._of_wire(fields)
        own = headers._rawHeaders
        control = CONNECTION_CONTROL & own.keys()
        if control:
            if self._reader.bodiless:
                control -= _LENGTH
            self._control = {name: own.pop(name) for name in control}
        self.headers = headers
        self.response.headers = headers  # type: ignore[union-attr]
        self.state = BODY

    def body_begins(self, length: int | None) -> None:
        """Hand the response out, unless it has no body: then the connection is free first."""
        response = self.response
        assert response is not None
        response.length = UNKNOWN_LENGTH if length is None else length
        if length != 0:
            self._responseDeferred.callback(response)

    def body_received(self, data: bytes) -> None:
        """Hand a piece to the response."""
        self.response._bodyDataReceived(data)  # type: ignore[union-attr]

    def message_complete(self, rest: bytes) -> None:
        """Give the connection back, then tell of the body's end."""
        self.state = DONE
        response, reader = self.response, self._reader
        assert response is not None
        if reader.trailers:
            response._trailers = reader.trailers
        self.finisher(rest)
        response._bodyDataFinished()
        if not self._responseDeferred.called:
            self._responseDeferred.callback(response)

    def connectionLost(self, reason: Any = connectionDone) -> None:
        """Tell whoever waits that no more will come."""
        if self.state == BODY and self._responseDeferred.called:
            self._body_cut(reason)
        elif self.state != DONE:
            error = ResponseFailed if self._everReceivedData else ResponseNeverReceived
            self.state = DONE
            self._responseDeferred.errback(Failure(error([reason])))

    def _body_cut(self, reason: Any) -> None:
        """End the body where the connection ended."""
        self.state = DONE
        assert self.response is not None
        try:
            if self._reader.receive_eof() is None:
                self.finisher(b"")
                self.response._bodyDataFinished(Failure(PotentialDataLoss()))
            else:
                reasons = [reason, Failure(_DataLoss("the connection ended before the body did"))]
                self.response._bodyDataFinished(Failure(ResponseFailed(reasons, self.response)))
        except Exception:
            _log.failure("The protocol that a body was delivered to failed at its end")
