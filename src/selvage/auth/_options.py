"""`--auth` for command lines: which checkers a program shall ask.  Floor 4.

Twisted: `twisted.cred.strcred.AuthOptionMixin`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from selvage.auth._descriptions import findCheckerFactories, findCheckerFactory, makeChecker
from selvage.auth.errors import InvalidAuthType, StrcredException, UnsupportedInterfaces
from selvage.interfaces._base import InterfaceType

__all__ = ["AuthOptionMixin", "notSupportedWarning"]

notSupportedWarning = "WARNING: this program makes no use of this type."


class AuthOptionMixin:
    """Options `--auth`, `--help-auth` and `--help-auth-type` of a command.

    Mixed with `twisted.python.usage.Options`, or any other dict whose methods `opt_...` are options: `self["credCheckers"]` is
    the list of checkers, `self["credInterfaces"]` has them by the interfaces that they are for.
    """

    #: The kinds of credentials that the program can ask for; None for all.
    supportedInterfaces: Any = None

    #: Where help is written to; sys.stdout if None.
    authOutput: Any = None

    def supportsInterface(self, interface: InterfaceType) -> bool:
        """Tell whether the program can ask for credentials of this kind."""
        return self.supportedInterfaces is None or interface in self.supportedInterfaces

    def supportsCheckerFactory(self, factory: Any) -> bool:
        """Tell whether the program can make use of any kind that the factory's checkers know."""
        return any(map(self.supportsInterface, factory.credentialInterfaces))

    def addChecker(self, checker: Any) -> None:
        """Have a checker asked.

        Raises:
            UnsupportedInterfaces: it knows nothing that the program can ask for.
        """
        useful = [each for each in checker.credentialInterfaces if self.supportsInterface(each)]
        if not useful:
            known = (f"{each.__module__}.{each.__name__}" for each in checker.credentialInterfaces)
            raise UnsupportedInterfaces(", ".join(known))
        options: dict[str, Any] = self  # type: ignore[assignment]  # the class that this is mixed with is one
        for interface in useful:
            options.setdefault("credInterfaces", {}).setdefault(interface, []).append(checker)
        options.setdefault("credCheckers", []).append(checker)

    def opt_auth(self, description: str) -> None:
        """Let in whom this checker knows (may be given more than once)."""
        try:
            self.addChecker(makeChecker(description))
        except UnsupportedInterfaces as error:
            _usage_error(f"Auth plugin not supported: {error}", error)
        except InvalidAuthType as error:
            _usage_error(f"Auth plugin not recognized: {error}", error)
        except Exception as error:
            _usage_error(f"Unexpected error: {error}", error)

    def opt_help_auth(self) -> NoReturn:
        """Show the types of checkers and exit."""
        factories = list(self._checkerFactoriesForOptHelpAuth())
        width = max([len("Type"), *(len(each.authType) for each in factories)])
        self._say("Use: --auth TYPE[:WHAT FOLLOWS]", "More of one type: --help-auth-type TYPE", "")
        for kind, follows in (
            ("Type", "What follows"),
            *((each.authType, each.argStringFormat) for each in factories),
        ):
            self._say(f"  {kind:{width}}  {follows}")
        raise SystemExit(0)

    def opt_help_auth_type(self, authType: str) -> NoReturn:
        """Show what one type of checkers does and exit."""
        try:
            factory = findCheckerFactory(authType)
        except InvalidAuthType as error:
            _usage_error(f"Invalid auth type: {error}", error)
        self._say(f"Use: --auth {authType}[:WHAT FOLLOWS]", f"What follows: {factory.argStringFormat}", "")
        self._say(*(f"  {line.strip()}" for line in factory.authHelp.strip().splitlines()), "")
        if not self.supportsCheckerFactory(factory):
            self._say(f"  {notSupportedWarning}", "")
        raise SystemExit(0)

    def _checkerFactoriesForOptHelpAuth(self) -> Iterator[Any]:
        return filter(self.supportsCheckerFactory, findCheckerFactories())

    def _say(self, *lines: str) -> None:
        print(*lines, sep="\n", file=self.authOutput or sys.stdout)


def _usage_error(message: str, cause: Exception) -> NoReturn:
    """Raise what tells the user of a command line; that of Twisted's options, where the program has these."""
    kind = getattr(sys.modules.get("twisted.python.usage"), "UsageError", StrcredException)
    raise kind(message) from cause
