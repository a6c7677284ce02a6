"""An application: routes to handlers.  Floor 4."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from selvage.defer import Deferred
from selvage.web._resource import Resource
from selvage.web._status import NO_CONTENT, NOT_ALLOWED, NOT_FOUND
from selvage.web.routes import _openapi
from selvage.web.routes._cors import Cors
from selvage.web.routes._paths import Path
from selvage.web.routes._problem import Problem

__all__ = ["App", "Route"]

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


@dataclass(frozen=True)
class Route:
    """One path and what answers there.

    Args:
        path: the pattern.
        methods: in upper case, without HEAD and OPTIONS, which follow.
        handler: called with the request, and the parameters of the path by name.
    """

    path: Path
    methods: tuple[str, ...]
    handler: Callable[..., Any]


class App:
    """Routes to handlers; serve it with ``Site(app.resource())``.

    A handler is called with the request, and with the parameters of its path by name.  It returns what a ``render_`` method
    may return (a dict or list is sent as JSON), or None for an answer without a body, 204; it may be ``async``.  It raises
    `Problem` to say what is wrong.

    The first route that fits is taken.  HEAD is answered as GET, OPTIONS by itself.

    Args:
        title, version: name the service in its description, which is at ``/openapi.json``, with a page at ``/docs``; None
            for no description.
        cors: lets pages of other origins use it.
    """

    def __init__(self, *, title: str | None = None, version: str = "1", cors: Cors | None = None) -> None:
        self.title = title
        self.version = version
        self.routes: list[Route] = []
        self._cors = cors
        if title is not None:
            self.route("/openapi.json")(lambda request: self.openapi())
            self.route("/docs")(lambda request: _openapi.page(self.openapi()))

    def route(self, path: str, methods: Sequence[str] = ("GET",)) -> Callable[[_Handler], _Handler]:
        """Have the decorated function answer a path.

        Args:
            path: such as ``/items/<int:number>``; see `Path` for the kinds of parameters.
            methods: such as ``("GET", "POST")``.

        Raises:
            ValueError: the path is malformed.
            TypeError: `methods` is one word, or the handler does not take the parameters of the path.
        """
        if isinstance(methods, str):
            raise TypeError(
                f"route({path!r}, methods={methods!r}) needs a list of methods, such as [{methods!r}]"
            )
        pattern = Path(path)

        def add(handler: _Handler) -> _Handler:
            _check_parameters(handler, pattern)
            self.routes.append(Route(pattern, tuple(method.upper() for method in methods), handler))
            return handler

        return add

    def resource(self) -> Resource:
        """Return the resource that serves the routes; it can be put below any other."""
        return _AppResource(self)

    def openapi(self) -> dict[str, Any]:
        """Return the description of the service, by OpenAPI 3.1."""
        return _openapi.describe(self.title or "", self.version, self.routes)

    def _handle(self, request: Any, segments: Sequence[str]) -> Any:
        """Find the route and have its handler answer."""
        if self._cors is not None:
            self._cors.allow(request)
        method = request.method.decode("ascii", "replace")
        allowed: list[str] = []
        for route in self.routes:
            found = route.path.match(segments)
            if found is None:
                continue
            if method in route.methods or (method == "HEAD" and "GET" in route.methods):
                # The template, for logs and metrics: a client can make up any number of paths.
                request.route = route.path.template
                return route.handler(request, **found)
            allowed += route.methods
        if not allowed:
            raise Problem(NOT_FOUND)
        allowed = sorted({*allowed, "OPTIONS", *(["HEAD"] if "GET" in allowed else [])})
        if method == "OPTIONS":
            return self._options(request, allowed)
        raise Problem(NOT_ALLOWED, headers={"Allow": ", ".join(allowed)})

    def _options(self, request: Any, allowed: list[str]) -> None:
        request.setHeader("Allow", ", ".join(allowed))
        if self._cors is not None and request.getHeader(b"access-control-request-method") is not None:
            self._cors.allow_methods(request, allowed)


class _AppResource(Resource):
    isLeaf = True

    def __init__(self, app: App) -> None:
        super().__init__()
        self._app = app

    def render(self, request: Any) -> Any:
        """Answer, whatever the method is."""
        segments = [segment.decode("utf-8", "replace") for segment in request.postpath]
        try:
            result = self._app._handle(request, segments)
        except Problem as problem:
            return problem.answer(request)
        if inspect.isawaitable(result) or isinstance(result, Deferred):
            return _wait(request, result)
        return _no_content(request) if result is None else result


async def _wait(request: Any, result: Awaitable[Any]) -> Any:
    try:
        value = await result
    except Problem as problem:
        return problem.answer(request)
    return _no_content(request) if value is None else value


def _no_content(request: Any) -> bytes:
    request.setResponseCode(NO_CONTENT)
    return b""


def _check_parameters(handler: Callable[..., Any], path: Path) -> None:
    """Refuse a handler that cannot be called with what its path gives, when it is added and not when it is asked."""
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):
        return  # it does not say
    try:
        signature.bind(None, **dict.fromkeys(path.parameters))
    except TypeError as error:
        names = ", ".join(["request", *path.parameters])
        raise TypeError(
            f"the handler {handler!r} of {path.template!r} is called with ({names}): {error}"
        ) from None
