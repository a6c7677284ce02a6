"""Send a client elsewhere, and wait for a resource that is not known yet.  Floor 4.

Twisted: `redirectTo`, `Redirect`, `ParentRedirect` and `DeferredResource` of `twisted.web.util`.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.web._resource import Resource, getChildForRequest
from selvage.web._sentinels import NOT_DONE_YET

__all__ = ["DeferredResource", "ParentRedirect", "Redirect", "redirectTo", "url_with_slash"]

_PAGE = """
<html>
    <head>
        <meta http-equiv="refresh" content="0;URL={url}">
    </head>
    <body bgcolor="#FFFFFF" text="#000000">
    <a href="{url}">click here</a>
    </body>
</html>
"""

# What browsers read as the beginning of the name of another host; they take a backslash for a slash.
_other_host = re.compile(rb"\A[/\\]{2,}")

_end_of_path = re.compile(rb"(?=[?#])")


def redirectTo(URL: bytes, request: Any) -> bytes:
    """Answer with a redirection (302).

    Args:
        URL: where to, encoded as URLs are.  Whether a stranger may choose it is for the caller to know.
        request: is answered.

    Returns:
        A page with a link, for `render` to return.

    Raises:
        TypeError: `URL` is not bytes.
    """
    if not isinstance(URL, bytes):
        raise TypeError(f"redirectTo needs a URL as bytes, not {URL!r}")
    request.setHeader(b"Content-Type", b"text/html; charset=utf-8")
    request.redirect(URL)
    return _PAGE.format(url=escape(URL.decode("utf-8", "surrogateescape"))).encode("utf-8", "surrogateescape")


def url_with_slash(request: Any) -> bytes:
    """Return the target of a request with a slash at the end of its path.

    Several slashes at its beginning become one: what follows would be read as the name of another host.
    """
    path, *rest = _end_of_path.split(request.uri, 1)
    return bytes(_other_host.sub(b"/", path) + b"/" + b"".join(rest))


class Redirect(Resource):
    """Sends the client elsewhere, from here and whatever is below.

    Args:
        url: where to.
    """

    isLeaf = True

    def __init__(self, url: bytes) -> None:
        super().__init__()
        self.url = url

    def render(self, request: Any) -> bytes:
        """Answer any method."""
        return redirectTo(self.url, request)

    def getChild(self, name: bytes, request: Any) -> Any:
        """Return this resource, for whatever is below."""
        return self


class ParentRedirect(Resource):
    """Sends the client to the directory that the URL is in: from `/a/b` to `/a/`, from `/a/` to itself."""

    isLeaf = 1

    def render(self, request: Any) -> bytes:
        """Answer any method."""
        url = request.prePathURL()
        # The query is no part of it, as far as it was read into the path by hand.
        return redirectTo(url[: url.rindex(b"/") + 1], request)


class DeferredResource(Resource):
    """Stands for a resource that is not known yet, and for whatever is below it.

    Args:
        d: fires with the resource.  A failure is a failure of the request.
    """

    isLeaf = 1

    def __init__(self, d: Deferred[Any]) -> None:
        super().__init__()
        self.d = d

    def getChild(self, name: bytes, request: Any) -> Any:
        """Return this resource, for whatever is below."""
        return self

    def render(self, request: Any) -> int:
        """Render the resource once it is known, unless nobody waits for it any more."""
        over = False

        def ended(_: Any) -> None:
            nonlocal over
            over = True

        def failed(failure: Failure) -> None:
            request.processingFailed(failure)

        def found(resource: Any) -> Any:
            if not over:
                # What is left of the path leads on from there.
                child = getChildForRequest(resource, request)
                put_off = getattr(request, "_put_off", None)
                if put_off is None or not put_off(child):
                    request.render(child)
            return resource

        request.notifyFinish().addBoth(ended)
        self.d.addCallback(found).addErrback(failed)
        return NOT_DONE_YET
