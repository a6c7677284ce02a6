"""Which pages of other origins may use an API.  Floor 4.

Source: the Fetch standard, section "CORS protocol".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["Cors", "is_preflight"]


class Cors:
    """Lets pages of some other origins use an API from within a browser.

    Args:
        origins: such as ``"https://example.org"``; ``"*"`` for all.
        headers: request headers that pages may set beyond the few that they always may.
        exposed: headers of answers that pages may read beyond the few that they always may.
        credentials: whether requests carry cookies; not with ``"*"``.
        max_age_s: seconds for which browsers may remember the permission.

    Raises:
        ValueError: all origins, and credentials: that would let any page act as its visitor; or what is no origin.
        TypeError: `origins` is one word.
    """

    def __init__(
        self,
        origins: Iterable[str],
        *,
        headers: Sequence[str] = ("Content-Type",),
        exposed: Sequence[str] = (),
        credentials: bool = False,
        max_age_s: int = 600,
    ) -> None:
        if isinstance(origins, str):
            raise TypeError(f"Cors({origins!r}) needs a list of origins, such as [{origins!r}]")
        self._origins = frozenset(_checked(origin) for origin in origins)
        self._all = b"*" in self._origins
        if self._all and credentials:
            raise ValueError(
                "Cors: origins '*' with credentials would let any page act as its visitor; name the origins"
            )
        self._headers = ", ".join(headers)
        self._exposed = ", ".join(exposed)
        self._credentials = credentials
        self._max_age_s = max_age_s

    def allow(self, request: Any) -> bool:
        """Say in the headers of the answer whether the page that asks may read it; return whether it may."""
        origin = request.getHeader(b"origin")
        if not self._all:
            request.responseHeaders.addRawHeader(b"Vary", b"Origin")
        if origin is None or not (self._all or origin in self._origins):
            return False
        request.setHeader(b"Access-Control-Allow-Origin", b"*" if self._all else origin)
        if self._credentials:
            request.setHeader(b"Access-Control-Allow-Credentials", b"true")
        if self._exposed:
            request.setHeader("Access-Control-Expose-Headers", self._exposed)
        return True

    def allow_methods(self, request: Any, methods: Iterable[str]) -> None:
        """Answer a browser that asks beforehand, for a page that may."""
        request.setHeader("Access-Control-Allow-Methods", ", ".join(methods))
        if self._headers:
            request.setHeader("Access-Control-Allow-Headers", self._headers)
        request.setHeader("Access-Control-Max-Age", str(self._max_age_s))


def _checked(origin: str) -> bytes:
    # Browsers send scheme, host and port, without a slash at the end, in lower case: anything else would never match.
    scheme, mark, host = origin.partition("://")
    if origin not in ("*", "null") and not (scheme and mark and host and "/" not in host):
        raise ValueError(
            f"Cors: {origin!r} is no origin: write scheme, host and port if need be, such as 'https://example.org'"
        )
    return origin.lower().encode("ascii")


def is_preflight(request: Any) -> bool:
    """Tell whether a browser asks beforehand, and not for the answer itself."""
    return (
        request.method == b"OPTIONS"
        and request.getHeader(b"origin") is not None
        and request.getHeader(b"access-control-request-method") is not None
    )
