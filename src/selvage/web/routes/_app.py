"""An application: routes to handlers.  Floor 4."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from selvage.defer import maybeDeferred
from selvage.failure import Failure
from selvage.reactor import get_reactor
from selvage.web._resource import Resource, refuse_mistaken
from selvage.web._site import Site
from selvage.web._status import NOT_ALLOWED, NOT_FOUND
from selvage.web.routes import _openapi
from selvage.web.routes._answering import Answering
from selvage.web.routes._cors import Cors, is_preflight
from selvage.web.routes._models import Model, model_of
from selvage.web.routes._paths import Path
from selvage.web.routes._problem import Problem

__all__ = ["App", "Route"]

_Handler = TypeVar("_Handler", bound=Callable[..., Any])

#: What pages are told that they may use below a branch, where whoever answers knows better.
_USUAL_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


@dataclass(frozen=True)
class Route:
    """One path and what answers there.

    Args:
        path: the pattern.
        methods: in upper case, without HEAD and OPTIONS, which follow; none for any.
        handler: called with the request, and the parameters of the path by name.
        is_method: it is a method, and called with the object before all else.
        stream: whether it is called when the head of a request is there, and reads the body as it comes.
        body: what the body has to be.
    """

    path: Path
    methods: tuple[str, ...]
    handler: Callable[..., Any]
    is_method: bool = False
    stream: bool = False
    body: Model | None = None

    def takes(self, method: str) -> bool:
        """Tell whether it answers to a method."""
        return not self.methods or method in self.methods or (method == "HEAD" and "GET" in self.methods)

    def allowed(self) -> set[str]:
        """Return all methods that can be asked for."""
        return {*self.methods, "OPTIONS"} | ({"HEAD"} if "GET" in self.methods else set())


class App:
    """Routes to handlers; serve it with ``Site(app.resource())``, or ``app.run()``.

    A handler is called with the request, and with the parameters of its path by name.  It returns what a ``render_`` method
    may return (a dict or list is sent as JSON), another resource, which answers then, or None for an answer without a body,
    204; it may be ``async``.  It raises `Problem` to say what is wrong; any other error is a problem with status 500 that
    tells nothing, and reaches the hub with the request.

    The first route that fits is taken.  HEAD is answered as GET, OPTIONS by itself.

    Handlers may be methods: make the application in the body of the class, and take it from an instance, as
    ``Site(Shop(database).app.resource())``.

    Args:
        title, version: name the service in its description, which is at ``/openapi.json``, with a page at ``/docs``; None
            for no description.
        cors: lets pages of other origins use it.
    """

    def __init__(self, *, title: str | None = None, version: str = "1", cors: Cors | None = None) -> None:
        if cors is not None and not isinstance(cors, Cors):
            raise TypeError(f"App(cors={cors!r}) needs a Cors, such as Cors(['https://example.org'])")
        self.title = title
        self.version = version
        self.routes: list[Route] = []
        self._cors = cors
        self._error_handlers: list[tuple[tuple[type[BaseException], ...], Callable[..., Any], bool]] = []
        self._prefix = ""
        self._instance: Any = None
        if title is not None:
            self.route("/openapi.json")(lambda request: self.openapi())
            self.route("/docs")(lambda request: _openapi.page(self.openapi()))

    def __get__(self, instance: Any, owner: object = None) -> App:
        """Return the application of an instance, whose handlers are its methods."""
        if instance is None:
            return self
        bound = copy.copy(self)  # the routes are the same
        bound._instance = instance
        return bound

    # --- What a program says of it -----------------------------------------------------------------------------

    def route(
        self,
        path: str,
        methods: Sequence[str] | None = None,
        *,
        branch: bool = False,
        stream: bool = False,
        body: Any = None,
    ) -> Callable[[_Handler], _Handler]:
        """Have the decorated function answer a path.

        Args:
            path: such as ``/items/<int:number>``; see `Path` for the kinds of parameters.
            methods: such as ``("GET", "POST")``; GET by default, any for a branch.
            branch: answer whatever is below as well: what is left of the path is in `request.postpath`, for the resource
                that the handler returns.
            stream: call the function as soon as the head of a request is there, and let it read the body as it comes, by
                `request.body`.
            body: what the JSON in the body has to be, for the description, and for `json_body`, which checks it and returns the
                object: a model of pydantic 2, its TypeAdapter, or a Struct of msgspec.  Or a JSON schema, which is only
                described, as all of them are with `stream`: `json_body` wants the whole body.

        Raises:
            ValueError: the path is malformed.
            TypeError: the path is no text, `methods` one word, `body` no model or nothing that these methods send, or the
                handler does not take the parameters of the path.
        """
        if not isinstance(path, str):
            hint = "write @app.route('/path')" if callable(path) else "give str"
            raise TypeError(f"route({path!r}) needs a path, such as '/items': {hint}")
        if isinstance(methods, str):
            raise TypeError(
                f"route({path!r}, methods={methods!r}) needs a list of methods, such as [{methods!r}]"
            )
        if methods is None:
            methods = () if branch else ("GET",)
        pattern = Path(self._prefix + path, branch=branch)
        names = tuple(method.upper() for method in methods)
        model = None if body is None else model_of(body)
        if body is not None and names and {"GET", "HEAD"}.issuperset(names):
            raise TypeError(
                f'body= of {path!r}: no body is sent with {" or ".join(names)}, write methods=["POST"]'
            )

        def add(handler: _Handler) -> _Handler:
            is_method = _is_method(handler)
            _check_parameters(handler, pattern, is_method)
            self.routes.append(Route(pattern, names, handler, is_method, stream, model))
            return handler

        return add

    @contextmanager
    def subroute(self, prefix: str) -> Iterator[App]:
        """Put a prefix, such as ``/admin``, before the paths of the routes that are added within."""
        outer = self._prefix
        self._prefix = outer + prefix.rstrip("/")
        try:
            yield self
        finally:
            self._prefix = outer

    def mount(self, path: str, below: App | Resource) -> None:
        """Have another application, or any resource, answer below a path.  Its errors are its own.

        Raises:
            TypeError: `below` is neither.
        """
        resource = below.resource() if isinstance(below, App) else below
        refuse_mistaken(resource, f"mount({path!r}, ...)")
        # Whether it streams, it says itself when it is found.
        self.route(path, branch=True, stream=True)(lambda request, **parameters: resource)

    def handle_errors(self, *kinds: type[BaseException]) -> Callable[[_Handler], _Handler]:
        """Have the decorated function answer when a handler fails; the first that was added for the error is taken.

        It is called with the request, whose status is that of the problem or 500, and the `Failure`, and returns what a
        handler may return.  What it handles is not reported.

        Args:
            kinds: of errors, `Problem` included; none for all.

        Raises:
            TypeError: one is no exception class.
        """
        for kind in kinds:
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise TypeError(
                    f"handle_errors({kind!r}) needs exception classes; for all errors write @app.handle_errors()"
                )

        def add(handler: _Handler) -> _Handler:
            self._error_handlers.append((kinds or (Exception,), handler, _is_method(handler)))
            return handler

        return add

    # --- What it is used for -----------------------------------------------------------------------------------

    def resource(self) -> Resource:
        """Return the resource that serves the routes; it can be put below any other.

        Raises:
            TypeError: handlers are methods, and the application was not taken from an instance.
        """
        if self._instance is None:
            method = next((route.handler for route in self.routes if route.is_method), None)
            if method is not None:
                raise TypeError(
                    f"the handler {method.__qualname__} is a method: take the application from an instance of its class"
                )
        return Answering(self)

    def run(self, host: str = "127.0.0.1", port: int = 8080) -> None:
        """Serve until interrupted; answers that have begun are finished then.

        Args:
            host: an IP address of this machine; by default, only this machine is let in.

        Raises:
            CannotListenError: the port is taken, for example.
        """
        reactor = get_reactor()
        site = Site(self.resource())
        listening = reactor.listenTCP(port, site, interface=host)

        def stop() -> Any:
            closed = maybeDeferred(listening.stopListening)
            return site.finish_requests().addCallback(lambda _: closed)

        reactor.addSystemEventTrigger("before", "shutdown", stop)
        print(f"serving on http://{_in_url(host)}:{listening.getHost().port}", flush=True)
        reactor.run()

    def url_for(self, request: Any, endpoint: str, /, **parameters: Any) -> str:
        """Return the path of a handler, from the root of the site.

        Args:
            request: one that this application answers: it tells where the application was put.
            endpoint: the name of the function.
            parameters: those of its path.

        Raises:
            LookupError: there is no such handler.
            TypeError: a parameter of its path is missing, or there is one too many.
            ValueError: a parameter is not of its kind.
        """
        found = [route.path for route in self.routes if _name(route.handler) == endpoint]
        if not found:
            raise LookupError(f"there is no route to a handler named {endpoint!r}")
        path = next((each for each in found if each.parameters.keys() == parameters.keys()), found[0])
        return _place_of(request, self) + path.fill(parameters)

    def openapi(self) -> dict[str, Any]:
        """Return the description of the service, by OpenAPI 3.1."""
        return _openapi.describe(self.title or "", self.version, self.routes)

    # --- For the resource --------------------------------------------------------------------------------------

    def _handle(self, request: Any) -> Any:
        """Find the route and have its handler answer."""
        _remember_place(request, self)
        cors = self._cors
        page_may = cors is not None and cors.allow(request)
        method, segments = _asked(request)
        preflight = cors is not None and is_preflight(request)
        allowed: set[str] = set()
        for route in self.routes:
            found = route.path.match(segments)
            if found is None:
                continue
            if route.takes(method) and not preflight:
                return self._call(request, route, found, route.path.rest(segments))
            allowed |= route.allowed() if route.methods else {*_USUAL_METHODS}
        if not allowed:
            raise Problem(NOT_FOUND)
        if method != "OPTIONS":
            raise Problem(NOT_ALLOWED, headers={"Allow": ", ".join(sorted(allowed))})
        request.setHeader("Allow", ", ".join(sorted(allowed)))
        if preflight and page_may and cors is not None:
            cors.allow_methods(request, sorted(allowed))
        return None

    def _streams(self, request: Any) -> bool:
        """Tell whether the route for a request reads the body as it comes."""
        method, segments = _asked(request)
        for route in self.routes:
            if route.takes(method) and route.path.match(segments) is not None:
                return route.stream
        return False

    def _call(self, request: Any, route: Route, parameters: dict[str, Any], left: int) -> Any:
        # The template, for logs and metrics: a client can make up any number of paths.
        request.route = route.path.template
        request.json_check = None if route.body is None else route.body.check
        at = len(request.postpath) - left
        request.prepath += request.postpath[:at]
        del request.postpath[:at]
        if route.is_method:
            return route.handler(self._instance, request, **parameters)
        return route.handler(request, **parameters)

    def _handler_of(self, failure: Failure) -> Callable[[Any, Failure], Any] | None:
        """Return what answers when a handler fails so, None for nothing."""
        for kinds, handler, is_method in self._error_handlers:
            if failure.check(*kinds):
                return partial(handler, self._instance) if is_method else handler
        return None


def _asked(request: Any) -> tuple[str, list[str]]:
    """Return the method, and what is left of the path."""
    segments = [segment.decode("utf-8", "replace") for segment in request.postpath]
    return request.method.decode("ascii", "replace"), segments


# --- Where an application was put ---------------------------------------------------------------------------------


def _remember_place(request: Any, app: App) -> None:
    """Remember how long the path was that led to an application: it goes on to be followed, to others below perhaps."""
    try:
        places = request.app_places
    except AttributeError:
        places = request.app_places = {}
    # By the list of routes, which the applications of all instances of a class have in common.
    places[id(app.routes)] = len(request.prepath)


def _place_of(request: Any, app: App) -> str:
    """Return the path that led to an application, without a slash at its end."""
    length = getattr(request, "app_places", {}).get(id(app.routes), 0)
    return "".join("/" + quote(segment, safe="") for segment in request.prepath[:length])


# --- Handlers ------------------------------------------------------------------------------------------------------


def _name(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__name__", "")


def _is_method(handler: Callable[..., Any]) -> bool:
    """Tell whether a function stands in the body of a class."""
    outer = getattr(handler, "__qualname__", "").rpartition(".")[0]
    return inspect.isfunction(handler) and bool(outer) and not outer.endswith("<locals>")


def _check_parameters(handler: Callable[..., Any], path: Path, is_method: bool) -> None:
    """Refuse a handler that cannot be called with what its path gives, when it is added and not when it is asked."""
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):
        return  # it does not say
    try:
        signature.bind(*[None] * (1 + is_method), **dict.fromkeys(path.parameters))
    except TypeError as error:
        names = ", ".join([*["self"][: int(is_method)], "request", *path.parameters])
        raise TypeError(
            f"the handler {handler!r} of {path.template!r} is called with ({names}): {error}"
        ) from None


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
