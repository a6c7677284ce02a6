"""The door: asks who somebody is, and gives them what is theirs.  Floor 4.

Twisted: `twisted.cred.portal`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from selvage.auth.errors import UnhandledCredentials
from selvage.auth.interfaces import ICredentialsChecker, IRealm
from selvage.defer import Deferred, fail, maybeDeferred
from selvage.interfaces._base import InterfaceType

__all__ = ["Portal"]


class Portal:
    """Stands between checkers, who know who somebody is, and a realm, which has something for everybody.

    Args:
        realm: provides `IRealm`.
        checkers: provide `ICredentialsChecker`.
    """

    def __init__(self, realm: IRealm, checkers: Iterable[ICredentialsChecker] = ()) -> None:
        self.realm = realm
        self.checkers: dict[InterfaceType, ICredentialsChecker] = {}
        for checker in checkers:
            self.registerChecker(checker)

    def listCredentialsInterfaces(self) -> list[InterfaceType]:
        """Return the kinds of credentials that can be checked."""
        return list(self.checkers)

    def registerChecker(self, checker: ICredentialsChecker, *credentialInterfaces: InterfaceType) -> None:
        """Have a checker asked from now on.

        Args:
            checker: takes the place of another for the same kind.
            credentialInterfaces: the kinds it is asked about; by default all that it knows.
        """
        for interface in credentialInterfaces or checker.credentialInterfaces:
            self.checkers[interface] = checker

    def login(
        self, credentials: Any, mind: Any, *interfaces: InterfaceType
    ) -> Deferred[tuple[Any, Any, Any]]:
        """Let somebody in.

        Args:
            credentials: what they showed.
            mind: handed on to the realm, for the avatar to talk to; None will often do.
            interfaces: what the program can make use of, best first.

        Returns:
            a Deferred of the interface that the realm chose, the avatar, and a function to be called once when they leave.

        Fails:
            with `UnauthorizedLogin` if they are nobody's credentials, `UnhandledCredentials` if no checker knows their kind;
            with whatever else checker and realm fail with.
        """
        for interface, checker in self.checkers.items():
            if interface.providedBy(credentials):
                return maybeDeferred(checker.requestAvatarId, credentials).addCallback(
                    lambda avatar_id: maybeDeferred(self.realm.requestAvatar, avatar_id, mind, *interfaces)
                )
        shown = ", ".join(sorted(_address(interface) for interface in _provided(credentials)))
        return fail(UnhandledCredentials(f"No checker for {shown or repr(type(credentials))}"))


def _provided(ob: Any) -> list[Any]:
    # Imported when somebody comes whom no checker knows.
    from zope.interface import providedBy

    return list(providedBy(ob))


def _address(interface: Any) -> str:
    return f"{interface.__module__}.{interface.__name__}"
