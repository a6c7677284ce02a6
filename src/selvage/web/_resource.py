"""Resources: what is found under a path, and what answers there.  Floor 4.

Twisted: `twisted.web.resource`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from selvage.interfaces import implementer
from selvage.web._limits import Limits
from selvage.web._status import FORBIDDEN, NOT_FOUND
from selvage.web.errors import UnsupportedMethod
from selvage.web.interfaces import IResource, _IRequestEncoderFactory

__all__ = [
    "EncodingResourceWrapper",
    "Resource",
    "error_page",
    "forbidden_resource",
    "getChildForRequest",
    "no_resource",
    "resource_at_head",
    "streams_body",
]

_PREFIX = "render_"

# The names of the usual ones, made once.
_RENDER = {
    method.encode(): _PREFIX + method
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
}

_NOT_FOUND_TEXT = "Sorry. No luck finding that resource."
_FORBIDDEN_TEXT = "Sorry, resource is forbidden."


def getChildForRequest(resource: Any, request: Any) -> Any:
    """Follow the path of a request from `resource` on, and return where it leads to.

    What has been followed goes from `request.postpath` to `request.prepath`.
    """
    postpath, prepath = request.postpath, request.prepath
    while postpath and not resource.isLeaf:
        segment = postpath.pop(0)
        prepath.append(segment)
        resource = resource.getChildWithDefault(segment, request)
    return resource


def resource_at_head(resource: Any, request: Any) -> Any:
    """Return the resource that is asked how the body of a request is to be taken, when only its head is there.

    That is the one that the path leads to, as far as it leads by `putChild`: `getChild` may want the body's arguments, and is
    called once only.  One that hands all on to another has that say so, by `_stands_for`.  The request's `prepath` and `postpath` are as if that resource were to answer.
    """
    postpath, prepath = request.postpath, request.prepath
    while True:
        child = _put_under(resource, postpath[0]) if postpath else None
        if child is not None:
            prepath.append(postpath.pop(0))
            resource = child
            continue
        stands_for = getattr(type(resource), "_stands_for", None)
        if stands_for is None:
            return resource
        resource = stands_for(resource, request)


def _put_under(resource: Any, segment: bytes) -> Any:
    """Return what `getChildForRequest` would find by `putChild` alone; None for nothing."""
    if getattr(resource, "isLeaf", True):
        return None
    if getattr(type(resource), "getChildWithDefault", None) is not Resource.getChildWithDefault:
        return None
    return getattr(resource, "children", {}).get(segment)


def streams_body(resource: Any, request: Any) -> bool:
    """Tell whether a resource takes the body of a request as it comes."""
    wants = getattr(resource_at_head(resource, request), "streams_body", False)
    return bool(wants(request) if callable(wants) else wants)


def refuse_mistaken(thing: Any, taker: str) -> None:
    """Refuse what is easily taken for a resource; requests would fail, one after the other.

    Args:
        taker: who was to take it.

    Raises:
        TypeError: it is a class, or an application that has a resource to give.
    """
    if isinstance(thing, type):
        raise TypeError(
            f"{taker} takes a resource, not the class {thing.__name__}: make one, as by {thing.__name__}()"
        )
    if not hasattr(thing, "getChildWithDefault") and callable(getattr(thing, "resource", None)):
        raise TypeError(f"{taker} takes a resource, not {thing!r}: give what its resource() returns")


@implementer(IResource)
class Resource:
    """Something that is found under a path, with others below it; subclass it.

    Hooks: ``render_GET``, ``render_POST`` and so on, each called with the request; `getChild`, for what is below and was
    not put there by `putChild`.  A ``render_`` method returns the body as bytes, or `NOT_DONE_YET` and calls
    `request.finish` later; it may as well be ``async``, or return a Deferred, str, a dict or list (sent as JSON), or an
    iterator of bytes or str.

    Twisted: `twisted.web.resource.Resource`.
    """

    #: Whether whatever path is left is for this resource.
    isLeaf: Any = 0
    #: The `Site`, where a program sets it.
    server: Any = None
    entityType = IResource
    #: Hook: called with the request, before `render`; returns an encoder for the answer or None.  None for none ever.
    getEncoder: Any = None
    #: Whether `render` is called as soon as the head of a request is there, and reads the body as it comes: `request.body`.
    #: A resource whose `getChild` makes those that stream says so, too.  May be a method; called with the request.
    streams_body: Any = False
    #: What is taken of the body of a request, where that is not what the site takes.
    body_limits: Limits | None = None

    def __init__(self) -> None:
        self.children: dict[bytes, Any] = {}

    def getChild(self, path: bytes, request: Any) -> Any:
        """Hook: called for one segment of the path under which nothing was put.  Return a resource.

        Args:
            path: the segment, decoded.
            request: its `prepath` ends with the segment, its `postpath` has what is left.
        """
        return no_resource()

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """Return what was put under `path`, else what `getChild` returns."""
        child = self.children.get(path)
        return self.getChild(path, request) if child is None else child

    def getChildForRequest(self, request: Any) -> Any:
        """Deprecated: use the function of that name."""
        warnings.warn("Please use module level getChildForRequest.", DeprecationWarning, 2)
        return getChildForRequest(self, request)

    def putChild(self, path: bytes, child: Any) -> None:
        """Put a resource under one segment of the path.

        Args:
            path: the segment as bytes, without slashes; empty for what is found under a path that ends with a slash.

        Raises:
            TypeError: `path` is not bytes, or `child` a class or an application.
        """
        if not isinstance(path, bytes):
            raise TypeError(f"Path segment must be bytes, but {path!r} is {type(path)}")
        refuse_mistaken(child, "putChild")
        self.children[path] = child
        # Before there was IResource, children knew their server.
        if self.server is not None:
            child.server = self.server

    def render(self, request: Any) -> Any:
        """Call the ``render_`` method for the method of the request, and return what it returns.

        Raises:
            UnsupportedMethod: there is none.
        """
        method = request.method
        name = _RENDER.get(method)
        if name is None:
            name = _PREFIX + (method.decode("ascii", "replace") if isinstance(method, bytes) else method)
        answer = getattr(self, name, None)
        if answer is None:
            raise UnsupportedMethod(_allowed(self))
        return answer(request)

    def render_HEAD(self, request: Any) -> Any:
        """Answer as for GET; the body is left out where it would be sent."""
        answer = getattr(self, "render_GET", None)
        if answer is None:
            raise UnsupportedMethod(_allowed(self))
        return answer(request)

    # --- The names of an older interface -----------------------------------------------------------------------

    def listStaticNames(self) -> list[bytes]:
        """Return the segments under which something was put."""
        return list(self.children)

    def listStaticEntities(self) -> list[tuple[bytes, Any]]:
        """Return segments and what was put there."""
        return list(self.children.items())

    def listNames(self) -> list[bytes]:
        """Return all segments that are known."""
        return list(self.listStaticNames()) + self.listDynamicNames()

    def listEntities(self) -> list[tuple[bytes, Any]]:
        """Return all segments that are known, and what is there."""
        return list(self.listStaticEntities()) + self.listDynamicEntities()

    def listDynamicNames(self) -> list[bytes]:
        """Hook: list segments for which `getChild` makes something."""
        return []

    def listDynamicEntities(self, request: Any = None) -> list[tuple[bytes, Any]]:
        """Hook: list segments and what `getChild` makes for them."""
        return []

    def getStaticEntity(self, name: bytes) -> Any:
        """Return what was put under a segment, None when nothing was."""
        return self.children.get(name)

    def getDynamicEntity(self, name: bytes, request: Any) -> Any:
        """Return what there is under a segment besides what was put there."""
        return None if name in self.children else self.getChild(name, request)

    def delEntity(self, name: bytes) -> None:
        """Take out what was put under a segment.

        Raises:
            KeyError: nothing was.
        """
        del self.children[name]

    def reallyPutEntity(self, name: bytes, entity: Any) -> None:
        """Put something under a segment."""
        self.children[name] = entity


def _computeAllowedMethods(resource: Any) -> list[bytes]:
    """Return the methods that a resource has ``render_`` methods for."""
    return [
        name.removeprefix(_PREFIX).encode("ascii")
        for name in dir(type(resource))
        if name.startswith(_PREFIX) and callable(getattr(resource, name, None))
    ]


def _allowed(resource: Any) -> Sequence[bytes]:
    own: Sequence[bytes] | None = getattr(resource, "allowedMethods", None)
    return _computeAllowedMethods(resource) if own is None else own


# --- Pages of old, whose texts are HTML and not escaped ------------------------------------------------------------


class _UnsafeErrorPageBase(Resource):
    """A page with a status, whose texts are HTML as they stand."""

    template = """
<html>
  <head><title>%(code)s - %(brief)s</title></head>
  <body>
    <h1>%(brief)s</h1>
    <p>%(detail)s</p>
  </body>
</html>
"""

    def __init__(self, status: int, brief: str, detail: str) -> None:
        super().__init__()
        self.code = status
        self.brief = brief
        self.detail = detail

    def render(self, request: Any) -> bytes:
        """Answer any method."""
        request.setResponseCode(self.code)
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        page = self.template % {"code": self.code, "brief": self.brief, "detail": self.detail}
        return page.encode("utf-8")

    def getChild(self, path: bytes, request: Any) -> Any:
        """Return this page, for whatever is below."""
        return self


def _deprecated(old: str, new: str, since: str) -> None:
    warnings.warn(
        f"twisted.web.resource.{old} was deprecated in Twisted {since}; please use twisted.web.pages.{new} instead",
        DeprecationWarning,
        stacklevel=3,
    )


class ErrorPage(_UnsafeErrorPageBase):
    """A page for any status, whose texts are HTML as they stand.  Deprecated: use `errorPage`, which escapes them."""

    def __init__(self, status: int, brief: str, detail: str) -> None:
        _deprecated("ErrorPage", "errorPage", "22.10.0")
        super().__init__(status, brief, detail)


class NoResource(_UnsafeErrorPageBase):
    """The page for 404, whose text is HTML as it stands.  Deprecated: use `notFound`, which escapes it."""

    def __init__(self, message: str = _NOT_FOUND_TEXT) -> None:
        _deprecated("NoResource", "notFound", "22.10.0")
        super().__init__(NOT_FOUND, "No Such Resource", message)


class ForbiddenResource(_UnsafeErrorPageBase):
    """The page for 403, whose text is HTML as it stands.  Deprecated: use `forbidden`, which escapes it."""

    def __init__(self, message: str = _FORBIDDEN_TEXT) -> None:
        _deprecated("ForbiddenResource", "forbidden", "22.10.0")
        super().__init__(FORBIDDEN, "Forbidden Resource", message)


# The same pages without the warning, which is for programs.


def error_page(status: int, brief: str, detail: str, kind: type[_UnsafeErrorPageBase] = ErrorPage) -> Any:
    """Return a page for any status; the texts are HTML, and must not hold what a stranger wrote."""
    page = kind.__new__(kind)
    _UnsafeErrorPageBase.__init__(page, status, brief, detail)
    return page


def no_resource(message: str = _NOT_FOUND_TEXT) -> Any:
    """Return a page for 404; the message is HTML, and must not hold what a stranger wrote."""
    return error_page(NOT_FOUND, "No Such Resource", message, NoResource)


def forbidden_resource(message: str = _FORBIDDEN_TEXT) -> Any:
    """Return a page for 403; the message is HTML, and must not hold what a stranger wrote."""
    return error_page(FORBIDDEN, "Forbidden Resource", message, ForbiddenResource)


# Under these names programs find them that have silenced the warning long ago.
_UnsafeErrorPage = ErrorPage
_UnsafeNoResource = NoResource
_UnsafeForbiddenResource = ForbiddenResource


# --- Encoding ------------------------------------------------------------------------------------------------------


@implementer(IResource)
class EncodingResourceWrapper:
    """Answers as another resource does, and has the body encoded on its way, by gzip for example.

    Args:
        original: the resource.
        encoders: asked in order, until one has an encoder for the request.
    """

    def __init__(self, original: Any, encoders: Iterable[_IRequestEncoderFactory]) -> None:
        self.original = original
        self._encoders = encoders

    @property
    def isLeaf(self) -> Any:
        """As the resource has it."""
        return self.original.isLeaf

    def getChildWithDefault(self, name: bytes, request: Any) -> Any:
        """As the resource does."""
        return self.original.getChildWithDefault(name, request)

    def putChild(self, path: bytes, child: Any) -> None:
        """As the resource does."""
        self.original.putChild(path, child)

    def render(self, request: Any) -> Any:
        """As the resource does."""
        return self.original.render(request)

    def _stands_for(self, request: Any) -> Any:
        return self.original

    @property
    def body_limits(self) -> Limits | None:
        """As the resource has them."""
        return getattr(self.original, "body_limits", None)

    def getEncoder(self, request: Any) -> Any:
        """Return an encoder for the answer, None for none.  Called once for each request, before `render`."""
        for encoderFactory in self._encoders:
            encoder = encoderFactory.encoderForRequest(request)
            if encoder is not None:
                return encoder
        return None
