"""Sessions: what a site knows of one visitor, found again by a cookie.  Floor 4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage.reactor import get_reactor
from selvage.web._components import Componentized

__all__ = ["Session"]


class Session(Componentized):
    """What is known of a visitor, until nothing was heard of him for `sessionTimeout`.

    Made by `Site.makeSession`; programs ask a request for it: ``request.getSession()``.

    Args:
        site: keeps it under its `uid`.
        uid: the secret in the cookie.
        reactor: keeps the time; the site's by default.

    Twisted: `twisted.web.server.Session`.
    """

    #: Seconds.
    sessionTimeout: float = 900

    _expireCall: Any = None

    def __init__(self, site: Any, uid: bytes, reactor: Any = None) -> None:
        if reactor is None:
            reactor = get_reactor() if site is None else site.reactor
        self._reactor = reactor
        self.site = site
        self.uid = uid
        self.expireCallbacks: list[Callable[[], object]] = []
        self.sessionNamespaces: dict[Any, Any] = {}
        self.touch()

    def startCheckingExpiration(self) -> None:
        """Begin to count the time."""
        self._expireCall = self._reactor.callLater(self.sessionTimeout, self.expire)

    def notifyOnExpire(self, callback: Callable[[], object]) -> None:
        """Have `callback` called when the session ends."""
        self.expireCallbacks.append(callback)

    def expire(self) -> None:
        """End it now."""
        del self.site.sessions[self.uid]
        callbacks, self.expireCallbacks = self.expireCallbacks, []
        for callback in callbacks:
            callback()
        call, self._expireCall = self._expireCall, None
        if call is not None and call.active():
            call.cancel()

    def touch(self) -> None:
        """Take notice that the visitor is there."""
        self.lastModified = self._reactor.seconds()
        if self._expireCall is not None:
            self._expireCall.reset(self.sessionTimeout)
