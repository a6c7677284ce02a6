"""Who has an account on this machine: passwords of /etc/passwd and /etc/shadow.  Floor 4.

Twisted: the checker of its plugin `cred_unix`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from selvage.auth._secrets import same_secret
from selvage.auth.errors import InvalidAuthArgumentString, UnauthorizedLogin
from selvage.auth.interfaces import ICredentialsChecker, IUsernamePassword
from selvage.defer import Deferred, maybeDeferred
from selvage.interfaces import implementer
from selvage.interfaces._base import InterfaceType

__all__ = ["UNIXChecker"]

SHADOW = "/etc/shadow"

#: What an unknown name's password is crypted with, as dearly as the passwords of most systems (SHA-512, 5000 rounds).
_DECOY = "$6$decoydecoydecoy$"


@implementer(ICredentialsChecker)
class UNIXChecker:
    """Lets in who has an account; the avatar's identifier is the account's name, as text.

    Crypting takes milliseconds, in which nothing else runs.

    Raises:
        InvalidAuthArgumentString: neither Python nor a package has the function that crypts.
    """

    credentialInterfaces: Sequence[InterfaceType] = (IUsernamePassword,)

    def __init__(self) -> None:
        self._crypt = _crypt_function()

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """Fire with the account's name.

        Fails: with `UnauthorizedLogin` if there is no such account, or it has no password or another one.
        """
        return maybeDeferred(self._check, _text(credentials.username), _text(credentials.password))

    def _check(self, name: str, password: str) -> str:
        crypted = _crypted_password(name)
        try:
            made = self._crypt(password, crypted or _DECOY)
        except (OSError, ValueError):  # a salt that the system does not know
            made = None
        # An account that nobody may log in to has something here which nothing is crypted to.
        if crypted and made and same_secret(made, crypted):
            return name
        raise UnauthorizedLogin


def _crypt_function() -> Callable[[str, str], str | None]:
    """Return crypt(3), which left Python with 3.13; the package `crypt_r` has it since."""
    for module in ("crypt_r", "crypt"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                found: Callable[[str, str], str | None] = import_module(module).crypt
        except ImportError:
            continue
        return found
    raise InvalidAuthArgumentString("'unix' needs crypt(3), which this Python lacks: pip install crypt_r")


def _crypted_password(name: str) -> str | None:
    """Return what the system has in place of an account's password; None for no account."""
    import pwd  # where there are accounts

    try:
        crypted = pwd.getpwnam(name).pw_passwd
    except (KeyError, ValueError):  # a name with a NUL in it is a ValueError
        return None
    return crypted if crypted not in ("x", "*") else _shadow_password(name)


def _shadow_password(name: str) -> str | None:
    try:
        with open(SHADOW, encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                fields = line.split(":")
                if fields[0] == name and len(fields) > 1:
                    return fields[1]
    except OSError:  # as a rule only root may read it
        pass
    return None


def _text(value: Any) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)
