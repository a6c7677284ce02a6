"""The door: which checker is asked, and what the realm gives."""

from __future__ import annotations

import pytest

from selvage.auth import (
    ANONYMOUS,
    AllowAnonymousAccess,
    Anonymous,
    InMemoryUsernamePasswordDatabaseDontUse,
    IUsernameHashedPassword,
    IUsernamePassword,
    LoginFailed,
    Portal,
    Unauthorized,
    UnauthorizedLogin,
    UnhandledCredentials,
    UsernamePassword,
)
from selvage.defer import Deferred, fail, succeed
from selvage.interfaces import implementer
from selvage.interfaces._base import Interface


class IRoom(Interface):
    """What the realm has."""


class Hotel:
    """Gives everybody a room named after them."""

    def __init__(self) -> None:
        self.asked = []
        self.left = 0

    def requestAvatar(self, avatarId, mind, *interfaces):
        self.asked.append((avatarId, mind, interfaces))
        return interfaces[0], f"room of {avatarId!r}", self.leave

    def leave(self) -> None:
        self.left += 1


def result(waiting: Deferred):
    got = []
    waiting.addBoth(got.append)
    assert got, "not yet"
    return got[0]


ANN = UsernamePassword(b"ann", b"secret")


def test_who_has_the_password_gets_their_avatar():
    hotel = Hotel()
    portal = Portal(hotel, [InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")])
    interface, avatar, leave = result(portal.login(ANN, "mind", IRoom))
    assert interface is IRoom and avatar == "room of b'ann'" and hotel.asked == [(b"ann", "mind", (IRoom,))]
    leave()
    assert hotel.left == 1


@pytest.mark.parametrize(
    "name, password", [(b"ann", b"wrong"), (b"bob", b"secret"), (b"", b""), (b"ann", b"")]
)
def test_who_has_not_gets_one_and_the_same_answer(name, password):
    hotel = Hotel()
    portal = Portal(hotel, [InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")])
    failure = result(portal.login(UsernamePassword(name, password), None, IRoom))
    assert failure.type is UnauthorizedLogin and str(failure.value) == "" and hotel.asked == []
    assert failure.check(LoginFailed) and failure.check(Unauthorized)


def test_nobody_in_particular():
    portal = Portal(Hotel(), [AllowAnonymousAccess()])
    assert result(portal.login(Anonymous(), None, IRoom))[1] == f"room of {ANONYMOUS!r}"


def test_credentials_that_no_checker_knows():
    portal = Portal(Hotel(), [AllowAnonymousAccess()])
    failure = result(portal.login(ANN, None, IRoom))
    assert failure.type is UnhandledCredentials
    assert "selvage.auth.interfaces.IUsernamePassword" in str(failure.value)
    assert "object" in str(result(portal.login(object(), None, IRoom)).value)


def test_which_kinds_are_checked():
    portal = Portal(Hotel())
    assert portal.listCredentialsInterfaces() == []
    first = InMemoryUsernamePasswordDatabaseDontUse()
    portal.registerChecker(first)
    assert portal.listCredentialsInterfaces() == [IUsernamePassword, IUsernameHashedPassword]
    second = InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")
    portal.registerChecker(second, IUsernamePassword)
    assert portal.checkers == {IUsernamePassword: second, IUsernameHashedPassword: first}
    assert result(portal.login(ANN, None, IRoom))[0] is IRoom


def test_credentials_of_a_derived_kind_are_checked():
    class IMine(IUsernamePassword):
        """A kind of the program's own."""

    @implementer(IMine)
    class Mine(UsernamePassword):
        pass

    portal = Portal(Hotel(), [InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")])
    assert result(portal.login(Mine(b"ann", b"secret"), None, IRoom))[0] is IRoom


@pytest.mark.parametrize("way", ["value", "deferred", "coroutine"])
def test_checkers_and_realms_may_wait(way):
    async def later(value):
        return value

    wrap = {"value": lambda value: value, "deferred": succeed, "coroutine": later}[way]

    class Checker:
        credentialInterfaces = (IUsernamePassword,)

        def requestAvatarId(self, credentials):
            return wrap("Ann")

    class Realm(Hotel):
        def requestAvatar(self, avatarId, mind, *interfaces):
            return wrap(super().requestAvatar(avatarId, mind, *interfaces))

    assert result(Portal(Realm(), [Checker()]).login(ANN, None, IRoom))[1] == "room of 'Ann'"


def test_what_a_checker_or_a_realm_raises_is_the_failure_of_the_login():
    class Broken:
        credentialInterfaces = (IUsernamePassword,)

        def requestAvatarId(self, credentials):
            raise ZeroDivisionError

    class Closed:
        def requestAvatar(self, avatarId, mind, *interfaces):
            raise NotImplementedError

    assert result(Portal(Hotel(), [Broken()]).login(ANN, None, IRoom)).type is ZeroDivisionError
    database = InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")
    assert result(Portal(Closed(), [database]).login(ANN, None, IRoom)).type is NotImplementedError


def test_a_password_may_be_checked_by_asking_the_client():
    class Asks(UsernamePassword):
        def checkPassword(self, password):
            return (
                fail(ZeroDivisionError()) if self.password == b"lost" else succeed(password == self.password)
            )

    portal = Portal(Hotel(), [InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")])
    assert result(portal.login(Asks(b"ann", b"secret"), None, IRoom))[0] is IRoom
    assert result(portal.login(Asks(b"ann", b"wrong"), None, IRoom)).type is UnauthorizedLogin
    assert result(portal.login(Asks(b"ann", b"lost"), None, IRoom)).type is ZeroDivisionError
