"""Cookies as they are sent and read.  Floor 4.

What is written has no semicolon, line end or other control character in it, so that one cookie cannot become two, nor an
attribute of another: a semicolon and a line end become a space (as in Twisted), any other control character raises.

Source: RFC 6265 section 4.1; draft-ietf-httpbis-rfc6265bis for SameSite and the two prefixes of names.
"""

from __future__ import annotations

import re

from selvage.web._headers import _sanitizeLinearWhitespace

__all__ = ["parse_cookies", "write_cookie"]

_find_control = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search

_SAME_SITE = (b"lax", b"strict", b"none")


def parse_cookies(header: bytes, into: dict[bytes, bytes]) -> None:
    """Add the cookies of one header Cookie to those of the request; the last of a name stays.

    What has no equals sign, or no name before it, is no cookie: a cookie without a name can pretend to have any.
    """
    for pair in header.split(b";"):
        name, equals, value = pair.partition(b"=")
        name = name.lstrip()
        if equals and name:
            into[name] = value


def _clean(text: str | bytes | int, what: str) -> bytes:
    if isinstance(text, int):
        text = str(text)
    raw = text.encode("utf-8") if isinstance(text, str) else text
    clean = _sanitizeLinearWhitespace(raw).replace(b";", b" ")
    if _find_control(clean) is not None:
        raise ValueError(f"{what} of a cookie must not contain control characters, as {raw!r} does")
    return clean


def write_cookie(
    name: str | bytes,
    value: str | bytes,
    attributes: dict[str, str | bytes | int | None],
    *,
    secure: object = None,
    http_only: object = False,
    same_site: str | bytes | None = None,
) -> bytes:
    """Return the value of a header Set-Cookie.

    Args:
        attributes: by name, in order; those that are None are left out.
        same_site: "lax", "strict" or "none", the last only with `secure`.

    Raises:
        ValueError: it would not be kept, or would be read as something else.
    """
    key = _clean(name, "the name")
    parts = [key + b"=" + _clean(value, "the value")]
    for attribute, text in attributes.items():
        if text is not None:
            parts.append(attribute.encode("ascii") + b"=" + _clean(text, attribute))
    if secure:
        parts.append(b"Secure")
    if http_only:
        parts.append(b"HttpOnly")
    if same_site:
        parts.append(b"SameSite=" + _same_site(same_site, secure))
    _check_prefix(key, attributes, secure)
    return b"; ".join(parts)


def _same_site(same_site: str | bytes, secure: object) -> bytes:
    word = (same_site.encode("utf-8") if isinstance(same_site, str) else same_site).lower()
    if word not in _SAME_SITE:
        raise ValueError(f"Invalid value for sameSite: {word!r}")
    if word == b"none" and not secure:
        raise ValueError(f'Invalid value for sameSite: {word!r}. Missing the "secure" attribute')
    return word


def _check_prefix(name: bytes, attributes: dict[str, str | bytes | int | None], secure: object) -> None:
    """Refuse what browsers throw away: a prefix promises attributes."""
    lower = name.lower()
    if not lower.startswith((b"__secure-", b"__host-")):
        return
    if not secure:
        raise ValueError(
            f"browsers drop the cookie {name!r} unless it is secure=True: its prefix promises that"
        )
    if lower.startswith(b"__host-") and (
        attributes.get("Domain") is not None or attributes.get("Path") not in (b"/", "/")
    ):
        raise ValueError(f"browsers drop the cookie {name!r} unless it has path='/' and no domain")
