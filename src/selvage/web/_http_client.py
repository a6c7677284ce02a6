"""The client of old, which programs subclass for one request a connection.  Floor 4.  Use `selvage.web.client`."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from selvage.failure import Failure
from selvage.protocols import connectionDone
from selvage.protocols.basic import LineReceiver
from selvage.web._headers import _sanitizeLinearWhitespace

__all__ = ["HTTPClient", "StringTransport"]


class StringTransport(BytesIO):
    """Keeps what is written to it; for tests of old."""

    def writeSequence(self, seq: Iterable[bytes]) -> None:
        """Keep several pieces."""
        self.write(b"".join(seq))


class HTTPClient(LineReceiver):
    """Sends one request and hands the answer over piece by piece; subclass it.

    Twisted: `twisted.web.http.HTTPClient`, deprecated there.
    """

    #: Bytes of the body that are still to come; None when it lasts as long as the connection.
    length: int | None = None
    firstLine = True

    _partial: bytes | None = None
    _body: list[bytes] | None = None
    _ended = False

    def sendCommand(self, command: bytes, path: bytes) -> None:
        """Send the request line.

        Raises:
            ValueError: there are spaces, line ends or control characters in it.
        """
        for part in (command, path):
            if any(byte <= 32 or byte == 127 for byte in part):
                raise ValueError(f"{part!r} cannot stand in a request line")
        self.transport.writeSequence([command, b" ", path, b" HTTP/1.0\r\n"])

    def sendHeader(self, name: bytes, value: bytes | int) -> None:
        """Send a header; line ends in it become spaces."""
        raw = value if isinstance(value, bytes) else str(value).encode("ascii")
        self.transport.writeSequence(
            [_sanitizeLinearWhitespace(name), b": ", _sanitizeLinearWhitespace(raw), b"\r\n"]
        )

    def endHeaders(self) -> None:
        """Send the empty line after the headers."""
        self.transport.write(b"\r\n")

    def lineReceived(self, line: bytes) -> None:
        """Take a line of the head."""
        if self.firstLine:
            self.firstLine = False
            version, _, rest = line.partition(b" ")
            status, _, message = rest.partition(b" ")
            self.handleStatus(version, status, message)
            return
        if line[:1] in (b" ", b"\t") and line:
            if self._partial is not None:
                self._partial += line  # the field goes on
            return
        if self._partial is not None:
            self.extractHeader(self._partial)
        self._partial = line or None
        if not line:
            self._body = []
            self.handleEndHeaders()
            self.setRawMode()

    def extractHeader(self, header: bytes) -> None:
        """Take one field, with the lines that go on with it."""
        key, _, value = header.partition(b":")
        value = value.lstrip()
        self.handleHeader(key, value)
        if key.lower() == b"content-length":
            self.length = int(value)

    def rawDataReceived(self, data: bytes) -> None:
        """Take a piece of the body."""
        rest = b""
        if self.length is not None:
            data, rest = data[: self.length], data[self.length :]
            self.length -= len(data)
        self.handleResponsePart(data)
        if self.length == 0:
            self.handleResponseEnd()
            self.setLineMode(rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take notice of the end, which may be that of the body."""
        self.handleResponseEnd()

    def handleStatus(self, version: bytes, status: bytes, message: bytes) -> None:
        """Hook: called with the status line."""

    def handleHeader(self, key: bytes, val: bytes) -> None:
        """Hook: called with each header."""

    def handleEndHeaders(self) -> None:
        """Hook: called when all headers are in."""

    def handleResponsePart(self, data: bytes) -> None:
        """Hook: called with each piece of the body; the base version keeps it."""
        if self._body is not None:
            self._body.append(data)

    def handleResponseEnd(self) -> None:
        """Hook: called when the body is complete; the base version calls `handleResponse` with all of it, once."""
        if self._body is not None:
            body, self._body = b"".join(self._body), None
            self.handleResponse(body)

    def handleResponse(self, response: Any) -> None:
        """Hook: called with the whole body."""
