"""Selvage: event-driven networking in which no failure is lost.

Its floors, each of which imports only from itself and those before it:

    0  errors, failure, defer               results; standard library only
    1  interfaces, addresses, logger        records, contracts and the log
    2  reactor, tasks, transports           the engine, over any asyncio loop
    3  protocols, endpoints, processes      what one writes programs with
    4  web, auth                            application protocols
    5  service, cli, demo, observe          running programs, and watching them

Beside them, and imported by none of them: `testing`, and `twisted`, the compatibility wing (`install_twisted`).

The names below are those that everyone uses; each is loaded when it is first asked for.

PYTEST_DONT_REWRITE: this may be imported before pytest begins, which would warn that it cannot change its assertions any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selvage._wing import install_twisted as install_twisted
    from selvage.defer import (
        Deferred as Deferred,
        ensureDeferred as ensureDeferred,
        gatherResults as gatherResults,
        inlineCallbacks as inlineCallbacks,
    )
    from selvage.failure import Failure as Failure
    from selvage.protocols import Factory as Factory, Protocol as Protocol
    from selvage.reactor import Reactor as Reactor, get_reactor as get_reactor, run as run

__all__ = [
    "Deferred",
    "Factory",
    "Failure",
    "Protocol",
    "Reactor",
    "ensureDeferred",
    "gatherResults",
    "get_reactor",
    "inlineCallbacks",
    "install_twisted",
    "run",
]

_HOMES = {
    "Deferred": "selvage.defer",
    "Factory": "selvage.protocols",
    "Failure": "selvage.failure",
    "Protocol": "selvage.protocols",
    "Reactor": "selvage.reactor",
    "ensureDeferred": "selvage.defer",
    "gatherResults": "selvage.defer",
    "get_reactor": "selvage.reactor",
    "inlineCallbacks": "selvage.defer",
    "install_twisted": "selvage._wing",
    "run": "selvage.reactor",
}

if not TYPE_CHECKING:  # checkers have the imports above, and shall complain of any other name

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(
                f"module 'selvage' has no attribute {name!r}; it offers {', '.join(__all__)}"
            )
        from importlib import import_module

        value = globals()[name] = getattr(import_module(home), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
