"""What a channel does to a request; see docs/design/http.md.  Floor 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selvage.interfaces._base import Interface, Protocol

if TYPE_CHECKING:
    from selvage.failure import Failure
    from selvage.web._headers import Headers

__all__ = ["_IDeprecatedHTTPChannelToRequestInterface"]


class _IDeprecatedHTTPChannelToRequestInterface(Interface, Protocol):
    """All that a channel does to a request; programs wrap requests in proxies that have these names only."""

    @property
    def requestHeaders(self) -> Headers:
        """What the client sent; the channel sets it."""

    @property
    def responseHeaders(self) -> Headers:
        """What will be sent."""

    def connectionLost(self, reason: Failure) -> None:
        """Take notice that the answer cannot be sent any more."""

    def gotLength(self, length: int | None) -> None:
        """Take notice of how long the body will be; None when nobody knows.  Called once, before the body."""

    def handleContentChunk(self, data: bytes) -> None:
        """Take a piece of the body."""

    def parseCookies(self) -> None:
        """Read the cookies from the headers."""

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Take notice that all is there, and answer."""

    def __eq__(self, other: object) -> bool:
        """Tell whether it is the same request."""

    def __ne__(self, other: object) -> bool:
        """Tell whether it is another request."""

    def __hash__(self) -> int:
        """Return its hash."""
