"""The headers of an answer that follow from the rest of it.  Floor 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selvage.web._dates import datetimeToString
from selvage.web._headers import _sanitizeLinearWhitespace
from selvage.web._status import NO_BODY_CODES, NOT_MODIFIED

if TYPE_CHECKING:
    from selvage.web._request import Request

__all__ = ["complete_headers"]


def complete_headers(request: Request) -> bytes:
    """Add the headers that follow from what the application has set, and return the phrase for the status line.

    Called once, when the head is sent; says of the request whether there is a body, and whether it goes in chunks.
    """
    request.startedWriting = 1
    headers = request.responseHeaders
    fields = headers._rawHeaders
    bodiless = request.method == b"HEAD" or request.code in NO_BODY_CODES
    if request.clientproto == b"HTTP/1.1" and b"Content-Length" not in fields and not bodiless:
        headers.setRawHeaders(b"transfer-encoding", [b"chunked"])
        request.chunked = 1
    if request.lastModified is not None:
        if b"Last-Modified" in fields:
            request._log.info(
                "Warning: last-modified specified both in header list and lastModified attribute."
            )
        else:
            headers.setRawHeaders(b"last-modified", [datetimeToString(request.lastModified)])
    if request.etag is not None:
        headers.setRawHeaders(b"ETag", [request.etag])
    if request.cookies:
        for cookie in request.cookies:
            headers.addRawHeader(b"Set-Cookie", cookie)
    if bodiless:
        request._bodiless = True
        if request.code in NO_BODY_CODES and b"Content-Length" in fields and request.code != NOT_MODIFIED:
            headers.removeHeader(b"content-length")
    phrase = request.code_message
    if not isinstance(phrase, bytes):
        phrase = _sanitizeLinearWhitespace(str(phrase).encode("utf-8"))
    return phrase
