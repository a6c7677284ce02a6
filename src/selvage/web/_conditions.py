"""What a client says of the version of a resource that it has, or wants and no other.  Floor 4."""

from __future__ import annotations

from selvage.web._dates import stringToDatetime
from selvage.web._headers import Headers

__all__ = ["is_known", "is_known_since", "is_unmodified", "is_wanted"]


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


def is_known(headers: Headers, etag: bytes) -> bool:
    """Tell whether `If-None-Match` names this version; no when there is none.

    Source: RFC 9110 section 13.1.2: what is equivalent (`W/`) is the same.
    """
    tags = b",".join(headers.getRawHeaders(b"if-none-match", ()))
    known = [tag.strip().removeprefix(b"W/") for tag in tags.split(b",")] if tags else []
    return b"*" in known or etag.removeprefix(b"W/") in known


def is_known_since(headers: Headers, changed: float) -> bool:
    """Tell whether the last change is not after `If-Modified-Since`; no when there is none that counts.

    Source: RFC 9110 section 13.1.3: not beside `If-None-Match`, and no date that is none.
    """
    fields = headers.getRawHeaders(b"if-modified-since")
    if not fields or not fields[-1] or headers.hasHeader(b"if-none-match"):
        return False
    try:
        return stringToDatetime(fields[-1].partition(b";")[0]) >= changed
    except ValueError:
        return False
