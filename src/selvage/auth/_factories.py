"""The types of checkers that can be described and are at home here: anonymous, file, memory, unix.  Floor 4.

Twisted: its plugins of the same names.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from selvage.auth._checkers import (
    AllowAnonymousAccess,
    FilePasswordDB,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from selvage.auth._unix import UNIXChecker
from selvage.auth.errors import InvalidAuthArgumentString
from selvage.auth.interfaces import (
    IAnonymous,
    ICheckerFactory,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from selvage.interfaces import implementer
from selvage.interfaces._base import InterfaceType

__all__ = ["FACTORIES"]


@implementer(ICheckerFactory)
class AnonymousCheckerFactory:
    """``anonymous``: everybody."""

    authType = "anonymous"
    authHelp = "Lets everybody in who does not say who they are."
    argStringFormat = "Nothing follows."
    credentialInterfaces: tuple[InterfaceType, ...] = (IAnonymous,)

    def generateChecker(self, argstring: str) -> AllowAnonymousAccess:
        """Return a checker; `argstring` does not count."""
        return AllowAnonymousAccess()


@implementer(ICheckerFactory)
class FileCheckerFactory:
    """``file:PATH``: who stands in a file."""

    authType = "file"
    authHelp = "Lets in who stands in a file, which has a line for each, such as name:password.\nThe passwords can be read there: see to it that few may."
    argStringFormat = "The path of the file."
    credentialInterfaces: tuple[InterfaceType, ...] = (IUsernamePassword, IUsernameHashedPassword)

    #: Where it is said that there is no such file; sys.stderr if None.
    errorOutput: Any = None

    def generateChecker(self, argstring: str) -> FilePasswordDB:
        """Return a checker for the file; it may come later.

        Raises:
            InvalidAuthArgumentString: there is no path.
        """
        if not argstring:
            raise InvalidAuthArgumentString("'file' needs the path of a file: file:/path/to/passwords")
        if not os.path.isfile(argstring):
            print(
                f"Warning: {argstring} is no file (yet): nobody can log in",
                file=self.errorOutput or sys.stderr,
            )
        return FilePasswordDB(argstring)


@implementer(ICheckerFactory)
class MemoryCheckerFactory:
    """``memory:NAME:PASSWORD:...``: who is named here."""

    authType = "memory"
    authHelp = "Lets in who is named, with the password that follows the name.\nOther users of the machine see command lines: for tests and demonstrations."
    argStringFormat = "Names and passwords in turn, with colons between them."
    credentialInterfaces: tuple[InterfaceType, ...] = (IUsernamePassword, IUsernameHashedPassword)

    def generateChecker(self, argstring: str) -> InMemoryUsernamePasswordDatabaseDontUse:
        """Return a checker that knows these.

        Raises:
            InvalidAuthArgumentString: a name has no password.
        """
        checker = InMemoryUsernamePasswordDatabaseDontUse()
        words = argstring.split(":") if argstring else []
        if len(words) % 2:
            raise InvalidAuthArgumentString(
                "'memory' takes a password for each name: memory:ann:secret:bob:geheim"
            )
        for name, password in zip(words[::2], words[1::2], strict=True):
            # What comes off the wire is bytes, what a program makes up may be text.
            checker.users[name.encode("utf-8")] = password.encode("utf-8")
        return checker


@implementer(ICheckerFactory)
class UNIXCheckerFactory:
    """``unix``: who has an account on this machine."""

    authType = "unix"
    authHelp = "Lets in who has an account on this machine, with its password.\nReading /etc/shadow takes root, as a rule."
    argStringFormat = "Nothing follows."
    credentialInterfaces: tuple[InterfaceType, ...] = (IUsernamePassword,)

    def generateChecker(self, argstring: str) -> UNIXChecker:
        """Return a checker; `argstring` does not count.

        Raises:
            InvalidAuthArgumentString: Python lacks what compares such passwords.
        """
        return UNIXChecker()


#: One of each.
FACTORIES = (AnonymousCheckerFactory(), FileCheckerFactory(), MemoryCheckerFactory(), UNIXCheckerFactory())
