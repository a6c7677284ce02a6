"""What is started with a program and stopped with it.  Floor 5.

A service may stand alone, started and stopped by whoever made it, or below a parent that does so: today that is an
`Application` or a `MultiService` of the installed Twisted.  This module does not import Twisted; it looks for it among
the modules that the program has loaded.
"""

from __future__ import annotations

import sys
from typing import Any

from zope.interface import classImplements

__all__ = ["Service"]


class Service:
    """Base class of services: a name, a parent, and whether it runs.

    Attributes:
        name: by which its parent finds it; None for none.
        parent: the collection that starts and stops it; None when nobody does.
        running: true from `startService` to `stopService`.

    Twisted: `twisted.application.service.Service`.
    """

    name: str | None = None
    parent: Any = None
    running: int | bool = 0

    def __getstate__(self) -> dict[str, Any]:
        """Leave out whether it runs: what is unpickled has yet to be started."""
        return {key: value for key, value in vars(self).items() if key != "running"}

    def setName(self, name: str) -> None:
        """Give it a name.

        Raises:
            RuntimeError: it has a parent, which knows it by its present name.
        """
        if self.parent is not None:
            raise RuntimeError(
                f"{self!r} cannot be renamed to {name!r} while it has a parent: call setName() before "
                "setServiceParent(), or disownServiceParent() first"
            )
        self.name = name

    def setServiceParent(self, parent: Any) -> None:
        """Let `parent` start and stop it from now on; it is started at once if the parent runs.

        Args:
            parent: a service collection, or what can be adapted to one (an `Application`).
        """
        if self.parent is not None:
            self.disownServiceParent()
        self.parent = _collection_of(type(self), parent)
        self.parent.addService(self)

    def disownServiceParent(self) -> Any:
        """Leave the parent, which stops it if it runs.

        Returns: what the parent's `removeService` does, as a rule a Deferred that fires when it has stopped.
        """
        parent, self.parent = self.parent, None
        return parent.removeService(self)

    def privilegedStartService(self) -> None:
        """Hook: called before the program gives up the rights of the user that started it; for ports below 1024."""

    def startService(self) -> None:
        """Hook: called when it is to begin. Overrides have to call the base version."""
        self.running = 1

    def stopService(self) -> Any:
        """Hook: called when it is to end. Overrides have to call the base version.

        Returns: None, or a Deferred that fires when it has ended; who stops it waits for that.
        """
        self.running = 0


def _collection_of(kind: type[Service], parent: Any) -> Any:
    """Return the service collection that `parent` is, or that Twisted's adapters find in it."""
    module = sys.modules.get("twisted.application.service")
    if module is None:
        return parent
    # From here on it is one of Twisted's services to everybody who asks.
    if not module.IService.implementedBy(kind):
        classImplements(kind, module.IService)
    return module.IServiceCollection(parent, parent)
