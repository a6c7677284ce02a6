"""A URL to navigate from: to what is below, beside and above.  Floor 4.

Twisted: `twisted.python.urlpath.URLPath`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit, urlunsplit

__all__ = ["URLPath"]


class URLPath:
    """A URL in its parts, each as bytes; changed by nothing, each step gives a new one."""

    def __init__(
        self,
        scheme: bytes = b"",
        netloc: bytes = b"localhost",
        path: bytes = b"",
        query: bytes = b"",
        fragment: bytes = b"",
    ) -> None:
        self.scheme = scheme or b"http"
        self.netloc = netloc
        self.path = path or b"/"
        self.query = query
        self.fragment = fragment

    @classmethod
    def fromBytes(cls, url: bytes) -> URLPath:
        """Take a URL apart.

        Raises:
            ValueError: it is not bytes.
        """
        if not isinstance(url, bytes):
            raise ValueError(f"'url' must be bytes, not {url!r}")
        return cls(*urlsplit(url))

    @classmethod
    def fromString(cls, url: str) -> URLPath:
        """As `fromBytes`, of text.

        Raises:
            ValueError: it is not a str.
        """
        if not isinstance(url, str):
            raise ValueError(f"'url' must be a str, not {url!r}")
        return cls.fromBytes(url.encode("ascii"))

    @classmethod
    def fromRequest(cls, request: Any) -> URLPath:
        """Return the URL of the resource that a request has found."""
        return cls.fromBytes(request.prePathURL())

    def pathList(self, unquote: bool = False, copy: bool = True) -> list[bytes]:
        """Return the segments of the path; the first is empty."""
        segments = self.path.split(b"/")
        return [unquote_to_bytes(segment) for segment in segments] if unquote else segments

    def _with(self, segments: list[bytes], keepQuery: bool) -> URLPath:
        return URLPath(self.scheme, self.netloc, b"/".join(segments), self.query if keepQuery else b"")

    def sibling(self, path: bytes, keepQuery: bool = False) -> URLPath:
        """Return what is beside it under the name `path`."""
        return self._with([*self.pathList()[:-1], quote(path, safe="").encode("ascii")], keepQuery)

    def child(self, path: bytes, keepQuery: bool = False) -> URLPath:
        """Return what is below it under the name `path`."""
        segments = self.pathList()
        if segments[-1] == b"":
            segments.pop()
        return self._with([*segments, quote(path, safe="").encode("ascii")], keepQuery)

    def parent(self, keepQuery: bool = False) -> URLPath:
        """Return what is above it."""
        segments = self.pathList()
        if segments[-1] == b"":
            segments.pop()
        return self._with([*(segments[:-1] or [b""]), b""], keepQuery)

    def here(self, keepQuery: bool = False) -> URLPath:
        """Return the folder it is in; itself, when it is one."""
        return self._with([*self.pathList()[:-1], b""], keepQuery)

    def click(self, st: bytes) -> URLPath:
        """Return where a link with this target leads to."""
        return URLPath.fromBytes(urljoin(bytes(self), st))

    def __bytes__(self) -> bytes:
        return urlunsplit((self.scheme, self.netloc, self.path, self.query, self.fragment))

    def __str__(self) -> str:
        return bytes(self).decode("ascii", "backslashreplace")

    def __repr__(self) -> str:
        return (
            f"URLPath(scheme={self.scheme!r}, netloc={self.netloc!r}, path={self.path!r}, "
            f"query={self.query!r}, fragment={self.fragment!r})"
        )
