"""Selvage: event-driven networking in which no failure is lost.

Its floors, each of which imports only from itself and those before it:

    0  errors, failure, defer               results; standard library only
    1  interfaces, addresses                records and contracts
    2  reactor, tasks, transports           the engine, over any asyncio loop
    3  protocols, endpoints                 what one writes programs with
    4  (web, mail, auth)                    application protocols
    5  cli, demo                            running programs

Beside them, and imported by none of them: `testing`, and `twisted`, the compatibility wing (`install_twisted`).

The names below are those that everyone uses; each is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selvage._wing import install_twisted as install_twisted
    from selvage.reactor import run as run

__all__ = ["install_twisted", "run"]

_HOMES = {"install_twisted": "selvage._wing", "run": "selvage.reactor"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'selvage' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
