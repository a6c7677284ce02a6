"""What `selvage web` does: serve a folder, or somebody's application.  Floor 5."""

from __future__ import annotations

import errno
import inspect
import os
import signal
import sys
import traceback
from importlib import import_module
from types import TracebackType
from typing import Any, NoReturn

from selvage.defer import Deferred, FirstError, gatherResults, maybeDeferred, succeed
from selvage.endpoints import serverFromString
from selvage.errors import CancelledError, CannotListenError
from selvage.failure import Failure
from selvage.logger import configure
from selvage.reactor import get_reactor
from selvage.web.server import Site

__all__ = ["Broken", "Mistaken", "endpoint_of", "resource_of", "serve"]

#: Seconds in which answers that have begun may be finished when the program is to end; and, after that, background tasks.
PATIENCE_S = 30


class Mistaken(Exception):
    """An argument does not say what is there; says why.

    Args:
        option: which one.
    """

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


class Broken(Exception):
    """The module of an application fails when it is imported; says where, without lines of Selvage."""


def _load(option: str, place: str) -> Any:
    """Return the object at ``MODULE:NAME``; modules of the current folder are found, too.

    Raises:
        Mistaken: there is none.
        Broken: the module fails.
    """
    module, colon, name = place.partition(":")
    if module.endswith(".py"):
        path = module.removesuffix(".py").replace(os.sep, ".")
        raise Mistaken(option, f"{place!r} names a file: write the module, as in {path}:{name or 'app'}")
    if not (module and colon and name):
        raise Mistaken(option, f"{place!r} is to be MODULE:NAME, such as {module or 'service'}:app")
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    found = _import(option, module, folder)
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise Mistaken(option, f"the module {module!r} has no {name!r}{_likely(found, part)}") from None
    return found


def _import(option: str, module: str, folder: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module + ".").startswith(error.name + "."):
            raise Mistaken(
                option, f"there is no module {error.name!r}, neither in {folder} nor installed"
            ) from None
        _break(module, error)
    except Exception as error:
        _break(module, error)


def _break(module: str, error: Exception) -> NoReturn:
    lines = traceback.format_exception(type(error), error, _of_the_program(error.__traceback__))
    raise Broken(f"the module {module!r} cannot be imported\n{''.join(lines)}".rstrip()) from None


def _of_the_program(trace: TracebackType | None) -> TracebackType | None:
    """Leave out what imports: the frames of Selvage and of Python's own import system."""
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename != __file__ and "importlib" not in code.co_filename:
            return trace
        trace = trace.tb_next
    return None


def _likely(owner: Any, name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, [each for each in dir(owner) if not each.startswith("_")], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def resource_of(
    path: str | None = None,
    wsgi: str | None = None,
    asgi: str | None = None,
    app: str | None = None,
    *,
    hidden: bool = False,
    links_out: bool = False,
) -> Any:
    """Return the resource to serve; one of the four is given.

    Args:
        hidden, links_out: for the `File` of `path`.  By default the careful way: a folder that somebody serves in passing is
            often one that he works in, with its ``.git`` and ``.env``.

    Raises:
        Mistaken: what is given is none.
        Broken: the module of it fails.
    """
    if path is not None:
        from selvage.web.static import File

        return File(path, hidden=hidden, links_out=links_out)
    if wsgi is not None:
        return _wsgi(_load("--wsgi", wsgi), wsgi)
    if asgi is not None:
        return _asgi(_load("--asgi", asgi), asgi)
    return _own(_load("--app", app or ""), app or "")


def _wsgi(application: Any, place: str) -> Any:
    from selvage.web.wsgi import WSGIResource

    _check_callable("--wsgi", application, place)
    if _is_coroutine_function(application):
        raise Mistaken("--wsgi", f"{place!r} is an async function, as ASGI has it: write --asgi {place}")
    reactor = get_reactor()
    return WSGIResource(reactor, reactor.getThreadPool(), application)


def _asgi(application: Any, place: str) -> Any:
    from selvage.web.asgi import ASGIResource

    _check_callable("--asgi", application, place)
    signature = _signature_of(application)
    if signature is not None and not _is_coroutine_function(application):
        try:
            signature.bind(None, None, None)
        except TypeError:
            parameters = list(signature.parameters)
            hint = f": write --wsgi {place}" if len(parameters) == 2 else ""
            raise Mistaken(
                "--asgi",
                f"{place!r} takes ({', '.join(parameters)}), not (scope, receive, send) as ASGI has it{hint}",
            ) from None
    return ASGIResource(application)


def _own(found: Any, place: str) -> Any:
    from selvage.web.routes import App

    if isinstance(found, App):
        return found.resource()
    if _is_own(found):
        return found
    kind = "a class" if isinstance(found, type) else f"a {type(found).__name__}"
    raise Mistaken(
        "--app", f"{place!r} is {kind}, not an App, a Resource or a Site; is it for --wsgi or --asgi?"
    )


def _is_own(found: Any) -> bool:
    """Tell whether it is for ``--app``."""
    from selvage.web.interfaces import IResource
    from selvage.web.routes import App

    return isinstance(found, (App, Site)) or IResource.providedBy(found)


def _check_callable(option: str, application: Any, place: str) -> None:
    if not callable(application):
        hint = f": write --app {place}" if _is_own(application) else ""
        raise Mistaken(
            option,
            f"{place!r} is of the type {type(application).__name__}, and no application: it cannot be called{hint}",
        )


def _signature_of(application: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(application)
    except (TypeError, ValueError):
        return None  # it does not say


def _is_coroutine_function(application: Any) -> bool:
    return inspect.iscoroutinefunction(application) or inspect.iscoroutinefunction(type(application).__call__)


def endpoint_of(listen: str) -> tuple[Any, bool]:
    """Return the endpoint of a description, and whether it speaks TLS.

    Raises:
        Mistaken: it is none.
    """
    try:
        return serverFromString(get_reactor(), listen), listen.partition(":")[0] in ("ssl", "tls")
    except ValueError as error:
        hint = f"; write tcp:{listen}:interface=127.0.0.1" if listen.isdecimal() else ""
        raise Mistaken("--listen", f"{error}{hint}") from None


def serve(resource: Any, *endpoints: tuple[Any, bool]) -> int:
    """Serve a resource, or a site, until the program is interrupted; return the status to end with.

    Args:
        endpoints: where, each with whether it speaks TLS, for the address that is told.
    """
    reactor = get_reactor()
    log = configure()
    site = resource if isinstance(resource, Site) else Site(resource)
    status: list[int] = [0]

    def listening(ports: list[Any]) -> None:
        places = [_shown(port.getHost(), secure) for port, (_, secure) in zip(ports, endpoints, strict=True)]
        print(f"serving on {' and '.join(places)}; Ctrl-C ends", flush=True)
        reactor.addSystemEventTrigger("before", "shutdown", stop, ports)

    def stop(ports: list[Any]) -> Any:
        closed = gatherResults([maybeDeferred(port.stopListening) for port in ports])
        stopped: Deferred[Any] = site.finish_requests(PATIENCE_S)
        stopped.addCallback(lambda _: closed).addCallback(lambda _: _shut_down(resource))
        stopped.addErrback(lambda failure: failure.trap(CancelledError) and None)
        # Who interrupts a second time does not want to wait.
        signal.signal(signal.SIGINT, lambda number, frame: reactor.callFromThread(hurry, stopped))
        return stopped

    def hurry(stopped: Deferred[Any]) -> None:
        site.cut_requests()
        stopped.cancel()

    def failed(failure: Failure) -> None:
        status[0] = 1
        log.stop()  # of the end that follows nobody has to hear
        print(f"selvage web: {_told(failure)}", file=sys.stderr, flush=True)
        reactor.stop()

    def begin() -> None:
        started = maybeDeferred(resource.startup) if hasattr(resource, "startup") else succeed(None)
        # Of several places the first that is not to be had is told of; consumeErrors, since others may be taken as well.
        started.addCallback(
            lambda _: gatherResults([each.listen(site) for each, _ in endpoints], consumeErrors=True)
        )
        started.addCallbacks(listening).addErrback(failed)

    reactor.callWhenRunning(begin)
    reactor.run()
    return status[0]


def _shut_down(resource: Any) -> Any:
    if not hasattr(resource, "shutdown"):
        return None
    stopped = maybeDeferred(resource.shutdown)
    stopped.addTimeout(PATIENCE_S, get_reactor(), onTimeoutCancel=lambda result, seconds: _given_up(result))
    return stopped


def _given_up(result: Any) -> Any:
    if isinstance(result, Failure) and result.check(CancelledError):
        print(
            f"selvage web: the application did not stop in {PATIENCE_S} seconds", file=sys.stderr, flush=True
        )
        return None
    return result


def _told(failure: Failure) -> str:
    if isinstance(failure.value, FirstError):
        failure = failure.value.subFailure
    error = failure.value
    message = failure.getErrorMessage().strip()
    number = getattr(getattr(error, "socketError", None), "errno", None)
    if isinstance(error, CannotListenError) and number == errno.EADDRINUSE:
        return f"{message} Another program has it; choose another place with --listen."
    if isinstance(error, CannotListenError) and number == errno.EACCES:
        return f"{message} Ports below 1024 need rights; choose another with --listen."
    return message


def _shown(address: Any, secure: bool) -> str:
    """Return where a browser finds it, when it does."""
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    if host is None or port is None:
        return str(address)
    return f"{'https' if secure else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
