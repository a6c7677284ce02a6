"""What type checkers make of logins.

Each `type: ignore` marks a mistake that has to be noticed.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_type

from selvage.auth import (
    AllowAnonymousAccess,
    DigestCredentialFactory,
    DigestedCredentials,
    FilePasswordDB,
    InMemoryUsernamePasswordDatabaseDontUse,
    IUsernamePassword,
    Portal,
    UnauthorizedLogin,
    UsernamePassword,
)
from selvage.defer import Deferred
from selvage.interfaces import IProtocol


class Staff:
    """A checker that waits."""

    credentialInterfaces = (IUsernamePassword,)

    async def requestAvatarId(self, credentials: UsernamePassword) -> bytes:
        assert_type(credentials.checkPassword(b"secret"), bool)
        raise UnauthorizedLogin


class Rooms:
    def requestAvatar(
        self, avatarId: bytes, mind: object, *interfaces: type
    ) -> tuple[type, object, Callable[[], None]]:
        return interfaces[0], object(), lambda: None


def login() -> None:
    portal = Portal(Rooms(), [Staff(), AllowAnonymousAccess(), FilePasswordDB("passwords")])
    portal.registerChecker(InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret"), IUsernamePassword)
    portal.registerChecker(Rooms())  # type: ignore
    Portal(Staff())  # type: ignore
    assert_type(
        portal.login(UsernamePassword(b"ann", b"secret"), None, IProtocol), Deferred[tuple[Any, Any, Any]]
    )


def digest() -> None:
    factory = DigestCredentialFactory(b"sha-256", b"realm")
    assert_type(factory.getChallenge("192.0.2.1"), dict[str, bytes])
    assert_type(factory.decode(b"", b"GET", None), DigestedCredentials)
    factory.decode("", b"GET", None)  # type: ignore
