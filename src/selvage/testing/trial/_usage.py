"""Command lines described by tables and methods, as Twisted's programs describe theirs.  Beside the floors.

A class has `optFlags`, rows of (long name, letter, purpose); `optParameters`, rows of (long name, letter, default, purpose,
what to make of the text); and methods `opt_long_name`, with an argument where the option has one.  All of its bases count.

Twisted: `twisted.python.usage`, of which this is what trial needs.
"""

from __future__ import annotations

import getopt
import inspect
import os
import sys
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NoReturn

from ._completion import ASKED_FOR, write_completions

__all__ = ["Options", "UsageError", "usage_error"]


class UsageError(Exception):
    """The command line is wrong."""


def usage_error(message: str) -> Exception:
    """Make a `UsageError`; Twisted's where the program has that imported, so that who catches it by that name does."""
    theirs = sys.modules.get("twisted.python.usage")
    kind: type[Exception] = getattr(theirs, "UsageError", UsageError)
    return kind(message)


class _Option:
    """One option: its names, whether it takes an argument, and what it does."""

    def __init__(
        self, name: str, letter: str | None, argument: bool, act: Callable[..., Any], purpose: str
    ) -> None:
        self.name = name
        self.letter = letter
        self.argument = argument
        self.act = act
        self.purpose = purpose


class Options(dict[str, Any]):
    """A command line that has been read: a dict from long names to values, flags as 0 or 1."""

    longdesc = ""
    #: What the arguments are that belong to no option, for people.
    arguments = "file"

    def __init__(self) -> None:
        super().__init__()
        self._options: dict[str, _Option] = {}
        for base in reversed(type(self).__mro__):
            for row in vars(base).get("optFlags", ()):
                self._add_flag(*row)
            for row in vars(base).get("optParameters", ()):
                self._add_parameter(*row)
        self._add_methods()
        self._letters = {option.letter: option for option in self._options.values() if option.letter}

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)

    def _add_flag(self, name: str, letter: str | None = None, purpose: str = "") -> None:
        self[name] = 0
        self._options[name] = _Option(name, letter, False, lambda: self.update({name: 1}), purpose)

    def _add_parameter(
        self, name: str, letter: str | None = None, default: Any = None, purpose: str = "", coerce: Any = None
    ) -> None:
        self[name] = default

        def take(text: str) -> None:
            try:
                self[name] = text if coerce is None else coerce(text)
            except ValueError as error:
                raise usage_error(f"Parameter type enforcement failed: {error}") from error

        told = purpose if default is None else f"{purpose} [default: {default}]"
        self._options[name] = _Option(name, letter, True, take, told)

    def _add_methods(self) -> None:
        letters: dict[Any, str] = {}
        methods = []
        for attribute in dir(self):
            if not attribute.startswith("opt_"):
                continue
            method = getattr(self, attribute)
            name = attribute.removeprefix("opt_").replace("_", "-")
            if len(name) == 1:
                letters[method.__func__] = name
            else:
                methods.append((name, method))
        for name, method in methods:
            argument = bool(inspect.signature(method).parameters)
            row = self._options.get(name)
            letter = letters.get(method.__func__, None if row is None else row.letter)
            self._options[name] = _Option(name, letter, argument, method, inspect.getdoc(method) or "")

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Read a command line, by default that of the process.

        Raises:
            UsageError: it is wrong.
            SystemExit: a shell asked for completions, which are printed.
        """
        if options is None:
            options = sys.argv[1:]
        if ASKED_FOR in options[-2:-1]:
            write_completions(options[-1], self._options.values(), self.completions(), self.arguments)
            sys.exit(0)
        letters = "".join(letter + ":" * each.argument for letter, each in self._letters.items())
        names = [name + "=" * each.argument for name, each in self._options.items()]
        try:
            given, arguments = getopt.gnu_getopt(list(options), letters, names)
        except getopt.GetoptError as error:
            raise usage_error(str(error)) from error
        for option, value in given:
            found = self._options[option[2:]] if option.startswith("--") else self._letters[option[1:]]
            found.act(*([value] if found.argument else []))
        try:
            self.parseArgs(*arguments)
        except TypeError as error:
            raise usage_error("Wrong number of arguments.") from error
        self.postOptions()

    def completions(self) -> Mapping[str, Collection[str]]:
        """Return what may follow an option, by its name, for shells: a file where nothing is said; none, what cannot be known."""
        return {}

    def parseArgs(self, *args: str) -> None:
        """Take what is not an option; override this to accept any."""
        if args:
            raise TypeError("none is accepted")

    def postOptions(self) -> None:
        """Called when all has been read; override this to check it."""

    def opt_help(self) -> NoReturn:
        """Display this help and exit."""
        print(self)
        sys.exit(0)

    opt_h = opt_help

    def getSynopsis(self) -> str:
        """Return how the command is called."""
        return f"{os.path.basename(sys.argv[0])} [options]"

    def __str__(self) -> str:
        lines = [self.getSynopsis(), "Options:"]
        for name in sorted(self._options):
            option = self._options[name]
            letter = f"-{option.letter}, " if option.letter else "    "
            purpose = textwrap.wrap(" ".join(option.purpose.split()), 52) or [""]
            lines.append(f"  {letter}--{name + '=' * option.argument:<19} {purpose[0]}".rstrip())
            lines += [" " * 28 + more for more in purpose[1:]]
        if self.longdesc:
            lines += ["", *textwrap.wrap(self.longdesc, 80)]
        return "\n".join(lines)
