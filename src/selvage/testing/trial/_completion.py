"""Completions of a command line for zsh.  Beside the floors.

zsh brings a function for programs like trial, which calls the program with the words so far and `--_shell-completion zsh:N`,
and evaluates what it prints: a call of zsh's `_arguments`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

__all__ = ["ASKED_FOR", "write_completions"]

#: The last option but one of a command line that is not to be obeyed but completed; the last is `zsh:` and a word's number.
ASKED_FOR = "--_shell-completion"

_SHELL = "zsh"


class _Option(Protocol):
    """What is known of an option."""

    name: str
    letter: str | None
    argument: bool
    purpose: str


def write_completions(
    shell: str, options: Iterable[_Option], values: Mapping[str, Collection[str]], rest: str
) -> None:
    """Print what a shell is to evaluate.

    Args:
        shell: what came after `ASKED_FOR`, such as "zsh:2".
        options: of the command.
        values: what may follow an option, by its name; a file where nothing is said, no suggestion where it is empty.
        rest: what the words are that are no options.

    Nothing is printed for shells that are not known.
    """
    if shell.partition(":")[0] != _SHELL:
        return
    lines = [f"#compdef {os.path.basename(sys.argv[0])}", "", '_arguments -s -A "-*" \\']
    files = f'*:{rest}:_files -g "*.py"'
    lines.append(f"{_quoted(files)} \\")
    for option in sorted(options, key=lambda option: option.name):
        lines += [f"{_quoted(spec)} \\" for spec in _specs(option, values)]
    lines += ["&& return 0", ""]
    _stream().write("\n".join(lines).encode())


def _stream() -> Any:
    """Return where to, in bytes: where Twisted's own commands write, if the program has these and sends them elsewhere."""
    theirs = getattr(sys.modules.get("twisted.python.usage"), "Options", None)
    stream = getattr(theirs, "_shellCompFile", None) or sys.stdout
    return getattr(stream, "buffer", stream)


def _specs(option: _Option, values: Mapping[str, Collection[str]]) -> Iterable[str]:
    """Give what `_arguments` is told of an option: of its letter, then of its name; either is enough."""
    name, letter = f"--{option.name}", option.letter and f"-{option.letter}"
    told = f"[{_escaped(' '.join(option.purpose.split()))}]"
    if option.argument:
        told += f":{option.name}:{_action(option.name, values)}"
    if letter:
        yield f"({name}){letter}{told}"
    yield (f"({letter})" if letter else "") + name + "=" * option.argument + told


def _action(name: str, values: Mapping[str, Collection[str]]) -> str:
    if name not in values:
        return "_files"
    return f"({' '.join(values[name])})" if values[name] else ""


def _escaped(text: str) -> str:
    for special in "\\[]":
        text = text.replace(special, f"\\{special}")
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
