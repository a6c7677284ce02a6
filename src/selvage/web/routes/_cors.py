"""Which pages of other origins may use an API.  Floor 4.

Source: the Fetch standard, section "CORS protocol".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["Cors"]


class Cors:
    """Lets pages of some other origins use an API from within a browser.

    Args:
        origins: such as ``"https://example.org"``; ``"*"`` for all.
        headers: request headers that pages may set beyond the few that they always may.
        exposed: headers of answers that pages may read beyond the few that they always may.
        credentials: whether requests carry cookies; not with ``"*"``.
        max_age_s: seconds for which browsers may remember the permission.

    Raises:
        ValueError: all origins, and credentials: that would let any page act as its visitor.
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
        self._origins = frozenset(origin.encode("ascii") for origin in origins)
        if b"*" in self._origins and credentials:
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
        if b"*" not in self._origins:
            request.responseHeaders.addRawHeader(b"Vary", b"Origin")
        if origin is None or not (b"*" in self._origins or origin in self._origins):
            return False
        request.setHeader(b"Access-Control-Allow-Origin", b"*" if b"*" in self._origins else origin)
        if self._credentials:
            request.setHeader(b"Access-Control-Allow-Credentials", b"true")
        if self._exposed:
            request.setHeader("Access-Control-Expose-Headers", self._exposed)
        return True

    def allow_methods(self, request: Any, methods: Iterable[str]) -> None:
        """Answer a browser that asks beforehand."""
        request.setHeader("Access-Control-Allow-Methods", ", ".join(methods))
        request.setHeader("Access-Control-Allow-Headers", self._headers)
        request.setHeader("Access-Control-Max-Age", str(self._max_age_s))
