"""The ambient reactor: the one slot that says which reactor is meant where none is passed.  Floor 2."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from selvage.errors import ReactorAlreadyInstalledError

if TYPE_CHECKING:
    from ._compose import Reactor

__all__ = ["get_reactor", "install_reactor", "own_reactor", "share_slot_with_twisted"]

_reactor: Any = None


def _not_ready() -> Any:
    raise RuntimeError(
        "there is no reactor yet: selvage.reactor, which knows how to make one, is still being imported"
    )


#: Makes the ambient reactor.  `selvage.reactor` fills this in: everybody below asks for the reactor here, and it is made
#: of all of them.
make_reactor: Callable[[], Any] = _not_ready

# Where programs that import Twisted find the reactor; once the wing has put ours there, that is the slot: who replaces
# what lies there, as test helpers do, replaces the ambient reactor.
_TWISTED_SLOT = "twisted.internet.reactor"
_shares_slot = False


def share_slot_with_twisted() -> None:
    """From now on, what `twisted.internet.reactor` means is the ambient reactor; the wing calls this."""
    global _shares_slot
    _shares_slot = True


def get_reactor() -> Reactor:
    """Return the ambient reactor, made on first use.

    It is one object for the life of the process (unless a program installs its own): `selvage.run` renews it in place.
    Where an asyncio loop runs in this thread and the reactor does not, it attaches to that loop when it is used.
    """
    if _shares_slot:
        found: Any = sys.modules.get(_TWISTED_SLOT)
        if found is not None and type(found) is not ModuleType:
            reactor: Reactor = found
            return reactor
    return own_reactor()


def own_reactor() -> Reactor:
    """Return the ambient reactor of this process, whatever a test has put in its place for a while."""
    global _reactor
    if _reactor is None:
        _reactor = make_reactor()
        _reactor._may_attach = True
    reactor: Reactor = _reactor
    return reactor


def install_reactor(reactor: Any) -> None:
    """Make this the ambient reactor; once a process, before anything has asked for one.

    Raises:
        ReactorAlreadyInstalledError: there is one.
    """
    global _reactor
    if _reactor is not None and _reactor is not reactor:
        raise ReactorAlreadyInstalledError(
            f"the reactor {_reactor!r} is installed already: install another before anything imports or uses the "
            "ambient reactor"
        )
    _reactor = reactor
    if hasattr(type(reactor), "_may_attach"):
        reactor._may_attach = True
