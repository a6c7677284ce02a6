"""Who knows whose credentials these are: checkers for nobody, for a dict and for a file of passwords.  Floor 4.

For an unknown name each works as long as for a known one, so the time of an answer does not tell which names exist.

Twisted: `twisted.cred.checkers`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from selvage import _events
from selvage.auth._secrets import same_secret
from selvage.auth.errors import UnauthorizedLogin
from selvage.auth.interfaces import (
    IAnonymous,
    ICredentialsChecker,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from selvage.defer import Deferred, maybeDeferred, succeed
from selvage.interfaces import implementer
from selvage.interfaces._base import InterfaceType

__all__ = [
    "ANONYMOUS",
    "AllowAnonymousAccess",
    "FilePasswordDB",
    "InMemoryUsernamePasswordDatabaseDontUse",
    "OnDiskUsernamePasswordDatabase",
]

#: The identifier of nobody in particular.
ANONYMOUS: tuple[()] = ()

#: What the password of an unknown name is compared with; the result does not count.
_DECOY = b"\0" * 16


@implementer(ICredentialsChecker)
class AllowAnonymousAccess:
    """Lets everybody in who does not say who they are; they are `ANONYMOUS`."""

    credentialInterfaces: Sequence[InterfaceType] = (IAnonymous,)

    def requestAvatarId(self, credentials: Any) -> Deferred[tuple[()]]:
        """Return a Deferred that has fired with `ANONYMOUS`."""
        return succeed(ANONYMOUS)


def _proven(credentials: Any, password: Any, avatar: Any) -> Deferred[Any]:
    """Compare with a password; fire with `avatar` if it is right and there is one."""

    def judge(is_right: Any) -> Any:
        if is_right and avatar is not None:
            return avatar
        raise UnauthorizedLogin

    return maybeDeferred(credentials.checkPassword, password).addCallback(judge)


@implementer(ICredentialsChecker)
class InMemoryUsernamePasswordDatabaseDontUse:
    """Has its passwords in a dict, readable: for tests and examples.

    Args:
        users: passwords by name.
    """

    credentialInterfaces: Sequence[InterfaceType] = (IUsernamePassword, IUsernameHashedPassword)

    def __init__(self, **users: bytes) -> None:
        self.users: dict[bytes, bytes] = {name.encode("utf-8"): word for name, word in users.items()}

    def addUser(self, username: bytes, password: bytes) -> None:
        """Know one name more, or its new password."""
        self.users[username] = password

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """Fire with the name.

        Fails: with `UnauthorizedLogin` if name or password are wrong.
        """
        name = credentials.username
        known = name in self.users
        return _proven(credentials, self.users[name] if known else _DECOY, name if known else None)


@implementer(ICredentialsChecker)
class FilePasswordDB:
    """Has a file with a line for each name, such as ``ann:secret``.

    Args:
        filename: the file's path.
        delim: stands between the fields of a line.
        usernameField: place of the name in a line, from 0.
        passwordField: place of the password.
        caseSensitive: False if ``ANN`` is ``ann``; the avatar's identifier is in lower case then.
        hash: makes of name, given password and the file's one what the file has if the password is right; None if the
            file has passwords as they are.
        cache: keep what the file holds until it is written to.
    """

    cache = False

    def __init__(
        self,
        filename: str,
        delim: bytes = b":",
        usernameField: int = 0,
        passwordField: int = 1,
        caseSensitive: bool = True,
        hash: Callable[[Any, Any, Any], Any] | None = None,
        cache: bool = False,
    ) -> None:
        self.filename = filename
        self.delim = delim
        self.ufield = usernameField
        self.pfield = passwordField
        self.caseSensitive = caseSensitive
        self.hash = hash
        self.cache = cache
        # Who has only a digest of the password cannot be compared with what `hash` made of it.
        self.credentialInterfaces: Sequence[InterfaceType] = (
            (IUsernamePassword, IUsernameHashedPassword) if hash is None else (IUsernamePassword,)
        )
        self._users: dict[bytes, bytes] = {}
        self._written: tuple[int, int, int] | None = None  # of the file that `_users` come from

    def getUser(self, username: bytes) -> tuple[bytes, bytes]:
        """Return name and password as the file has them.

        Raises:
            KeyError: it does not have the name.
            UnauthorizedLogin: there is no such file, or it cannot be read; the log says so.
        """
        users = self._read()
        name = username if self.caseSensitive else username.lower()
        if name not in users:
            raise KeyError(username)
        return name, users[name]

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """Fire with the name.

        Fails: with `UnauthorizedLogin` if name or password are wrong; with what `hash` raises.
        """
        return maybeDeferred(self._check, credentials)

    def _check(self, credentials: Any) -> Any:
        try:
            avatar, password = self.getUser(credentials.username)
        except KeyError:
            # Another's password, so that an unknown name takes what a known one does.
            avatar, password = None, next(iter(self._users.values()), _DECOY)
        if self.hash is None:
            return _proven(credentials, password, avatar)
        made = self.hash(credentials.username, credentials.password, password)
        if same_secret(made, password) and avatar is not None:
            return avatar
        raise UnauthorizedLogin

    def _read(self) -> dict[bytes, bytes]:
        try:
            with open(self.filename, "rb") as file:
                status = os.fstat(file.fileno())
                written = status.st_mtime_ns, status.st_size, status.st_ino
                if not self.cache or written != self._written:
                    # The first line of a name counts.
                    self._users = dict(reversed(list(self._entries(file))))
                    self._written = written
        except OSError as error:
            _events.emit(
                "selvage.auth.FilePasswordDB",
                "error",
                "The passwords of {filename!r} cannot be read, nobody can log in: {reason}",
                filename=self.filename,
                reason=error,
                log_source=self,
            )
            raise UnauthorizedLogin from error
        return self._users

    def _entries(self, lines: Any) -> Iterator[tuple[bytes, bytes]]:
        for line in lines:
            parts = line.rstrip().split(self.delim)
            if len(parts) > max(self.ufield, self.pfield):
                name = parts[self.ufield]
                yield (name if self.caseSensitive else name.lower()), parts[self.pfield]


#: What `FilePasswordDB` was called long ago.
OnDiskUsernamePasswordDatabase = FilePasswordDB
