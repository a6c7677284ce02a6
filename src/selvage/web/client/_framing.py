"""Where a response begins and ends: bytes in, calls of a sink out.  Floor 4; knows no socket, clock or Deferred.

Theory of operation.  The status line is ours: one regular expression that lets through what RFC 9112 allows and nothing
else.  Header fields, chunks and trailers are read by llhttp (httptools) in its strict mode, which refuses what smuggles:
two lengths, a length beside an encoding, signs, bare CR or LF, folded lines, spaces before the colon, NUL.  It gets the
header alone, cut off behind its empty line, for only that tells where the header ends; a body with a length, or one that
lasts until the end of the connection, is counted here and handed on as it came.

What llhttp lets through and is refused here: transfer encodings other than `chunked` alone; `chunked` in HTTP/1.0;
a switch of protocols that nobody asked for; headers, trailers and chunk extensions without an end.

Source: RFC 9112 sections 2.2, 4 (status line), 6.3 (length), 7.1 (chunked); RFC 9110 section 15.2 (1xx).
Deviation: a repeated Content-Length is refused even when both agree, which section 6.3 allows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from httptools import HttpParserError, HttpResponseParser

from selvage.web.client._errors import HeadTooLarge, ParseError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BODY", "DONE", "HEADER", "STATUS", "ResponseReader", "ResponseSink", "Version"]

#: Name, major and minor number.
Version = tuple[bytes, int, int]

#: Octets of a header, status line included.  Servers send a few KiB; Node allows 16 KiB, Chrome 256, curl 300.
HEAD_LIMIT_BYTES = 64 * 1024
#: Octets of a status line.  The longest phrase that has a number has 31.
STATUS_LINE_LIMIT_BYTES = 8 * 1024
#: Octets of all that stands between two pieces of a body in chunks, or behind it: sizes, extensions, trailers.
TRAILER_LIMIT_BYTES = 16 * 1024
#: Header fields of one message, and trailers.  Twisted's server allows 500.
FIELD_LIMIT = 500
#: Responses before the final one (100 to 199).  curl and Go stop at a handful; more than this is a flood.
INFORMATIONAL_LIMIT = 20

# RFC 9112 section 4:
#   status-line = HTTP-version SP status-code SP [ reason-phrase ] CRLF
#   reason-phrase = 1*( HTAB / SP / VCHAR / obs-text )
# Deviation: the space before an absent phrase may be absent, too; many a server leaves it out.
_match_status_line = re.compile(rb"(HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t -~\x80-\xff]*))?)\r\n").match

_HEAD_END = b"\r\n\r\n"

#: Octets of a line that are gathered before llhttp gets them: it joins what it gets of one field by copying.
_LUMP_BYTES = 1024

#: Header fields about the connection rather than what it carries; kept apart from those of the response.
CONNECTION_CONTROL = frozenset(
    {
        b"Connection",
        b"Content-Length",
        b"Keep-Alive",
        b"Proxy-Connection",
        b"TE",
        b"Trailers",
        b"Transfer-Encoding",
        b"Upgrade",
    }
)

# Fields that say how a message is framed, routed or who sent it: in a trailer they would come too late to be believed.
# RFC 9110 section 6.5.1.
_FORBIDDEN_TRAILERS = {name.lower() for name in CONNECTION_CONTROL} | {
    b"authorization",
    b"content-encoding",
    b"content-range",
    b"content-type",
    b"cookie",
    b"host",
    b"location",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"set-cookie",
    b"trailer",
    b"www-authenticate",
}

_HTTP_1_1: Version = (b"HTTP", 1, 1)
_VERSIONS: dict[bytes, Version] = {b"0": (b"HTTP", 1, 0), b"1": _HTTP_1_1}

#: States of a reader, under the names that Twisted's parser has for them.
STATUS = "STATUS"
HEADER = "HEADER"
BODY = "BODY"
DONE = "DONE"

_SWITCHING = 101


class ResponseSink(Protocol):
    """What a `ResponseReader` calls, in this order; each may raise, which ends the reading."""

    def status_received(self, line: bytes, version: Version, code: int, phrase: bytes) -> object:
        """Take a status line; those of informational responses come, too."""

    def informational_received(self, fields: list[tuple[bytes, bytes]]) -> object:
        """Take the header of a response before the final one."""

    def fields_received(self, fields: list[tuple[bytes, bytes]]) -> object:
        """Take the header of the final response, names and values as they came."""

    def body_begins(self, length: int | None) -> object:
        """Know how long the body is: 0 for none, None when only its end will tell."""

    def body_received(self, data: bytes) -> object:
        """Take a piece of the body, never an empty one."""

    def message_complete(self, rest: bytes) -> object:
        """Know that the response is whole; `rest` came behind it and belongs to nothing."""


_NOBODY: Any = None


class ResponseReader:
    """Reads one final response, and those before it.

    Args:
        sink: is told.
        bodiless: whether no body follows whatever the header says, as after HEAD.

    Attributes:
        state: STATUS, HEADER, BODY or DONE.
        trailers: the fields behind a chunked body, those that may be believed there.
        reusable: once the header is in, whether the connection may carry another request.

    Raises (any method): ParseError: the server does not talk HTTP, or too much of it.  Nothing may be fed after that.
    """

    __slots__ = (
        "_fed",
        "_fields",
        "_informational",
        "_left",
        "_line",
        "_parser",
        "_pieces",
        "_receive",
        "_sink",
        "_tail",
        "_version",
        "_whole",
        "bodiless",
        "code",
        "on_body",
        "reusable",
        "state",
        "trailers",
    )

    def __init__(self, sink: ResponseSink, bodiless: bool = False) -> None:
        self._sink = sink
        self.bodiless = bodiless
        self.state = STATUS
        self.code = 0
        self.reusable = False
        self.trailers: list[tuple[bytes, bytes]] = []
        self._informational = 0  # how many of those came
        self._left = 0  # octets of a body with a length that are still to come
        self._pieces: list[bytes] = []  # of a chunked body, out of one segment
        self.on_body = self._pieces.append  # llhttp's name; without a frame of ours
        self._whole = -1  # how many of the pieces the body has, once it is known to be whole
        # A function and no bound method: that would be a ring, and rings are left to the garbage collector.
        self._receive: Callable[[ResponseReader, bytes], object] = ResponseReader._receive_head
        self._version: Version | None = None  # None again when a second message begins
        self._begin()

    def _begin(self) -> None:
        """Be ready for a status line."""
        self.state = STATUS
        self._fields: list[tuple[bytes, bytes]] = []
        self._line = b""  # what has come of a line, as far as it has not been looked at
        self._tail = b""  # the last octets of the header so far: its end may be cut by segments
        self._fed = 0  # octets of the header, later of what stands between pieces of the body
        self._parser: Any = None

    def receive_data(self, data: bytes) -> None:
        """Take what the server sent, cut anywhere."""
        self._receive(self, data)

    def receive_eof(self) -> bool | None:
        """Know that nothing more will come.

        Returns: whether the response is whole; None when nothing tells whether it is.
        """
        if self.state is BODY and self._receive is ResponseReader._receive_until_close:
            return None
        return self.state is DONE

    # --- The header ----------------------------------------------------------------------------------------------

    def _receive_head(self, data: bytes) -> None:
        if self.state is STATUS:
            if self._line:
                data = self._line + data
            match = _match_status_line(data)
            if match is None:
                self._await_status_line(data)
                return
            self._take_status(match)
        end = self._find_head_end(data)
        if end < 0:
            self._tail = (self._tail + data)[-3:]
            line = self._line + data if self._line else data
            if b"\n"[0] in data or len(line) > _LUMP_BYTES:
                self._feed_head(line)
                line = b""
            self._line = line
        else:
            head = data[:end]
            if self._line:
                head = self._line + head
                self._line = b""
            self._feed_head(head)
            self._head_complete(data[end:])

    def _find_head_end(self, data: bytes) -> int:
        """Return where the header ends, behind its empty line; -1 when that has not come yet."""
        tail = self._tail
        if tail:
            end = (tail + data[:3]).find(_HEAD_END)
            if end >= 0:
                return end + 4 - len(tail)
        end = data.find(_HEAD_END)
        return end if end < 0 else end + 4

    def _await_status_line(self, data: bytes) -> None:
        """Keep a line that is not complete.  One that is complete was no status line."""
        end = data.find(b"\n")
        if end >= 0 or len(data) > STATUS_LINE_LIMIT_BYTES:
            line = data if end < 0 else data[:end].removesuffix(b"\r")
            raise ParseError("this is no status line of HTTP/1.0 or HTTP/1.1", line[:STATUS_LINE_LIMIT_BYTES])
        self._line = data

    def _take_status(self, match: re.Match[bytes]) -> None:
        line, minor, code, phrase = match.group(1, 2, 3, 4)
        self._line = b""
        self.code = int(code)
        if self.code == _SWITCHING:
            raise ParseError("the server switches to a protocol that nobody asked for", line)
        self._version = version = _VERSIONS[minor]
        self.state = HEADER
        self._parser = HttpResponseParser(self)
        self._sink.status_received(line, version, self.code, phrase or b"")

    def _feed_head(self, head: bytes) -> None:
        self._fed += len(head)
        if self._fed > HEAD_LIMIT_BYTES:
            raise HeadTooLarge("header", HEAD_LIMIT_BYTES)
        try:
            self._parser.feed_data(head)
        except HttpParserError as error:
            raise _parse_error(error) from None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field from llhttp, of a header or of a trailer."""
        fields = self._fields
        fields.append((name, value))
        if len(fields) > FIELD_LIMIT:
            raise HeadTooLarge("header", FIELD_LIMIT, "fields")

    def _head_complete(self, rest: bytes) -> None:
        """Find out how the body ends, and go on with what came behind the header."""
        fields, code = self._fields, self.code
        if code < 200:
            self._informational_complete(fields, rest)
            return
        self._sink.fields_received(fields)
        length, chunked, self.reusable = _framing_of(fields, self._version is _HTTP_1_1)
        if self.bodiless or code in (204, 304) or (length == 0 and not chunked):
            self._complete(0, rest)
        elif chunked:
            self._fields = self.trailers
            self._fed = 0
            self._begin_body(None, ResponseReader._receive_chunks, rest)
        elif length is None:
            self.reusable = False
            self._begin_body(None, ResponseReader._receive_until_close, rest)
        else:
            self._left = length
            self._begin_body(length, ResponseReader._receive_counted, rest)

    def _informational_complete(self, fields: list[tuple[bytes, bytes]], rest: bytes) -> None:
        self._informational += 1
        if self._informational > INFORMATIONAL_LIMIT:
            raise HeadTooLarge("informational answers", INFORMATIONAL_LIMIT, "times")
        self._begin()
        self._sink.informational_received(fields)
        if rest:
            self._receive_head(rest)

    # --- The body ------------------------------------------------------------------------------------------------

    def _begin_body(
        self, length: int | None, receive: Callable[[ResponseReader, bytes], object], rest: bytes
    ) -> None:
        self.state = BODY
        self._receive = receive
        self._sink.body_begins(length)
        if rest:
            receive(self, rest)

    def _complete(self, length: int | None, rest: bytes) -> None:
        """End the reading; the sink hears of a body without octets here."""
        self.state = DONE
        self._receive = ResponseReader._refuse
        self._parser = None
        # Sink and reader know each other, which would be another ring.
        sink, self._sink = self._sink, _NOBODY
        if length is not None:
            sink.body_begins(length)
        sink.message_complete(rest)

    def _refuse(self, data: bytes) -> None:
        raise ParseError("the server sent more than a response", data)

    def _receive_until_close(self, data: bytes) -> None:
        self._sink.body_received(data)

    def _receive_counted(self, data: bytes) -> None:
        left = self._left - len(data)
        self._left = left
        if left > 0:
            self._sink.body_received(data)
            return
        rest = b""
        if left:
            data, rest = data[:left], data[left:]
        self._sink.body_received(data)
        self._complete(None, rest)

    def _receive_chunks(self, data: bytes) -> None:
        """Hand data to llhttp; what one segment holds is handed on in one piece, however small the chunks."""
        trouble = None
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            trouble = error
        whole = self._whole
        pieces = self._pieces if whole < 0 else self._pieces[:whole]
        if pieces:
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self._pieces.clear()
            self._fed = 0
            self._sink.body_received(body)
        else:
            self._fed += len(data)
            if self._fed > TRAILER_LIMIT_BYTES:
                raise HeadTooLarge("chunk sizes and trailers", TRAILER_LIMIT_BYTES)
        self._tail = data[-8:] if len(data) >= 8 else (self._tail + data)[-8:]
        if whole >= 0:
            self._complete(None, self._behind_chunks(data))
        elif trouble is not None:
            raise _parse_error(trouble) from None

    def on_message_begin(self) -> None:
        """Know from llhttp that a message begins: a second one has no business here."""
        if self._whole >= 0:
            self._version = None

    def on_message_complete(self) -> None:
        """Know from llhttp that a chunked body is whole."""
        if self.state is BODY and self._whole < 0:
            self._whole = len(self._pieces)
            self.trailers = [
                (name, value) for name, value in self._fields if name.lower() not in _FORBIDDEN_TRAILERS
            ]

    def _behind_chunks(self, data: bytes) -> bytes:
        """Return what came behind a chunked body.

        llhttp does not say where the body ended, only that something else began.  It skips line ends, so these are
        looked for: chunks and trailers end with one empty line, and no more.  How much there is besides is told to
        people only, and not exactly.
        """
        if self._version is not None:
            ends = len(self._tail) - len(self._tail.rstrip(b"\r\n"))
            if ends == len(_HEAD_END):
                return b""
        return data[data.rfind(_HEAD_END) + 4 :] or data[-2:]


def _parse_error(error: HttpParserError) -> ParseError:
    """Return llhttp's complaint as an error of ours; one that a callback raised is that one.

    What was received is left out: it may be anything, cookies included, and errors are logged.
    """
    cause = error.__context__
    if isinstance(cause, ParseError):
        return cause
    return ParseError(f"the server broke the rules of HTTP ({error})", b"")


def _framing_of(fields: list[tuple[bytes, bytes]], is_1_1: bool) -> tuple[int | None, bool, bool]:
    """Return the length, whether the body comes in chunks, and whether the connection stays open.

    Raises:
        ParseError: the header contradicts itself, or names an encoding that is not known.
    """
    length = None
    chunked = False
    tokens: list[bytes] = []
    for name, value in fields:
        size = len(name)
        # The quick way: hardly a field has a name of these lengths.  benchmarks/, "client".
        if size == 14 and name.lower() == b"content-length":
            length = int(value)
        elif size == 17 and name.lower() == b"transfer-encoding":
            if chunked or value.strip(b" \t").lower() != b"chunked":
                raise ParseError("the server uses a transfer encoding that is not known here", value)
            if not is_1_1:
                raise ParseError("the server sends chunks, which HTTP/1.0 does not have", value)
            chunked = True
        elif size == 10 and name.lower() == b"connection":
            tokens += [token.strip(b" \t").lower() for token in value.split(b",")]
    keeps = b"close" not in tokens if is_1_1 else b"keep-alive" in tokens
    return length, chunked, keeps
