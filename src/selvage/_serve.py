"""What `selvage web` does: serve a folder, or somebody's application.  Floor 5."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from selvage.defer import maybeDeferred, succeed
from selvage.endpoints import serverFromString
from selvage.failure import Failure
from selvage.logger import configure
from selvage.reactor import get_reactor
from selvage.web.server import Site

__all__ = ["NoSuchApplication", "load", "resource_of", "serve"]

#: Seconds in which answers that have begun may be finished when the program is to end.
PATIENCE_S = 30


class NoSuchApplication(Exception):
    """What was given as MODULE:NAME cannot be loaded; says why."""


def load(place: str) -> Any:
    """Return the object at ``MODULE:NAME``; modules of the current folder are found, too.

    Raises:
        NoSuchApplication: there is none.
    """
    module, colon, name = place.partition(":")
    if not (module and colon and name):
        raise NoSuchApplication(f"{place!r} is to be MODULE:NAME, such as service:app")
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module + ".").startswith(error.name + "."):
            raise
        raise NoSuchApplication(
            f"there is no module {error.name!r}, neither in {folder} nor installed"
        ) from None
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise NoSuchApplication(f"the module {module!r} has no {name!r}") from None
    return found


def resource_of(path: str | None, wsgi: str | None, asgi: str | None) -> Any:
    """Return the resource to serve; one of the three is given."""
    reactor = get_reactor()
    if path is not None:
        from selvage.web.static import File

        return File(path)
    if wsgi is not None:
        from selvage.web.wsgi import WSGIResource

        return WSGIResource(reactor, reactor.getThreadPool(), load(wsgi))
    from selvage.web.asgi import ASGIResource

    return ASGIResource(load(asgi or ""))


def serve(resource: Any, listen: str) -> int:
    """Serve a resource until the program is interrupted; return the status to end with.

    Args:
        listen: a description of an endpoint.
    """
    reactor = get_reactor()
    configure()
    site = Site(resource)
    status: list[int] = [0]

    def listening(port: Any) -> None:
        print(f"serving on {port.getHost()}", flush=True)
        reactor.addSystemEventTrigger("before", "shutdown", stop, port)

    def stop(port: Any) -> Any:
        stopped = maybeDeferred(port.stopListening)
        stopped.addCallback(lambda _: site.finish_requests(PATIENCE_S))
        return stopped.addCallback(lambda _: resource.shutdown() if hasattr(resource, "shutdown") else None)

    def failed(failure: Failure) -> None:
        status[0] = 1
        print(f"selvage web: {failure.getErrorMessage()}", file=sys.stderr, flush=True)
        reactor.stop()

    def begin() -> None:
        started = resource.startup() if hasattr(resource, "startup") else succeed(None)
        started.addCallback(lambda _: serverFromString(reactor, listen).listen(site))
        started.addCallbacks(listening).addErrback(failed)

    reactor.callWhenRunning(begin)
    reactor.run()
    return status[0]
