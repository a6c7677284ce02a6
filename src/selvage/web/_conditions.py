"""What a client that wants one version of a resource, and no other, says of it.  Floor 4."""

from __future__ import annotations

from selvage.web._dates import stringToDatetime
from selvage.web._headers import Headers

__all__ = ["is_unmodified", "is_wanted"]


def is_wanted(headers: Headers, etag: bytes) -> bool:
    """Tell whether `If-Match` names this version; yes when there is none.

    Source: RFC 9110 section 13.1.1: what is only equivalent (`W/`) does not do.
    """
    fields = headers.getRawHeaders(b"if-match")
    if not fields:
        return True
    wanted = [tag.strip() for tag in b",".join(fields).split(b",")]
    return b"*" in wanted or (etag in wanted and not etag.startswith(b"W/"))


def is_unmodified(headers: Headers, changed: float) -> bool:
    """Tell whether the last change is not after `If-Unmodified-Since`; yes when there is none that counts.

    Source: RFC 9110 section 13.1.4: not beside `If-Match`, and no date that is none.
    """
    fields = headers.getRawHeaders(b"if-unmodified-since")
    if not fields or headers.hasHeader(b"if-match"):
        return True
    try:
        return changed <= stringToDatetime(fields[-1])
    except ValueError:
        return True
