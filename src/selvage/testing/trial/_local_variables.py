"""The line by which a source file says where its tests are: `-*- test-case-name: package.test.test_it -*-`.  Beside the floors."""

from __future__ import annotations

import os

__all__ = ["getTestModules", "isTestFile", "loadLocalVariables", "parse_local_variables"]

#: The mark around the variables, as Emacs has it.
_MARK = "-*-"


def parse_local_variables(line: str) -> dict[str, str]:
    """Return the variables in a line.

    Raises:
        ValueError: it has none, or they cannot be read.
    """
    _, first, rest = line.partition(_MARK)
    text, second, _ = rest.partition(_MARK)
    if not (first and second):
        raise ValueError(f"{line!r} not a valid local variable declaration")
    variables = {}
    for declaration in text.strip().removesuffix(";").split(";"):
        name, colon, value = declaration.partition(":")
        if not colon or ":" in value:
            raise ValueError(f"{line!r} contains invalid declaration {declaration!r}")
        variables[name.strip()] = value.strip()
    return variables


def loadLocalVariables(filename: str) -> dict[str, str]:
    """Return the variables in the first two lines of a file: none, where they have none."""
    with open(filename, encoding="utf-8", errors="replace") as file:
        lines = [file.readline(), file.readline()]
    for line in lines:
        try:
            return parse_local_variables(line)
        except ValueError:
            continue
    return {}


def getTestModules(filename: str) -> list[str]:
    """Return the names of the tests that a source file says are its own."""
    names = loadLocalVariables(filename).get("test-case-name")
    return [] if names is None else names.split(",")


def isTestFile(filename: str) -> bool:
    """Tell whether a file is called like a module of tests."""
    base, extension = os.path.splitext(os.path.basename(filename))
    return base.startswith("test_") and extension == ".py"
