"""Fingerprints: the same for failures that are the same fault, in every run.  Floor 0.

What counts, and why:

* the dotted name of the exception's class; not its message, which names hosts, numbers and paths;
* of each frame of the program and of the libraries it brings, outermost first: the file's name without its folders,
  which differ between machines and releases, the function, and the line, since two places in one function are two faults;
* a frame that comes again does not count again, so that a recursion has one fingerprint however deep it got;
* not the frames of Selvage and of the standard library, unless there are no others: upgrading either changes nothing;
* what was named as the cause (`raise X from e`), in the same way: the same complaint about a refused connection and about
  a missing file are two faults. What merely happened before (`__context__`) does not count;
* of an exception group, the fingerprints of its members as a set, in any order and number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from selvage.failure import _render
from selvage.failure._frames import is_program
from selvage.failure._render import qualified_name

if TYPE_CHECKING:
    from selvage.failure._failure import Failure

__all__ = ["fingerprint"]

# Bytes of the digest: 64 bits tell apart more faults than a program has, and make 16 characters.
_DIGEST_BYTES = 8

# How far to follow causes, and how many members of a group to look at: beyond that they tell nothing apart, and a
# report must not take long because of what somebody linked together.
_CAUSES = 16
_MEMBERS = 64


def fingerprint(failure: Failure) -> str:
    """Give 16 hexadecimal digits that are equal for equal faults, in this and in every other run of the program.

    Equal are failures of the same class that came the same way: see the head of this module for what counts.
    """
    # Of one that was cleaned or unpickled: what it was when its causes still had their tracebacks.
    known: str | None = getattr(failure, "_fingerprint", None)
    return _digest("\n".join(_parts(failure, set(), _CAUSES))) if known is None else known


def _digest(text: str) -> str:
    # Imported late: a program that has no failure to count does not need it to start.
    from hashlib import blake2b

    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=_DIGEST_BYTES).hexdigest()


def _parts(failure: Failure, seen: set[int], depth: int) -> Iterator[str]:
    """Give the lines that the digest is made of."""
    yield qualified_name(failure.type)
    yield from _places(failure.frames)
    value: Any = failure.value
    if not isinstance(value, BaseException) or id(value) in seen or not depth:
        return
    seen.add(id(value))
    if isinstance(value, BaseExceptionGroup):
        members = (_render.failure_of(member) for member in value.exceptions[:_MEMBERS])
        yield from sorted({"\n".join(_parts(member, seen, depth - 1)) for member in members})
    cause = value.__cause__
    if cause is not None:
        yield "from"
        yield from _parts(_render.failure_of(cause), seen, depth - 1)


def _places(frames: Sequence[Sequence[Any]]) -> dict[str, None]:
    """Give the places of the program that frames stand for, each once, in their order."""
    chosen = [frame for frame in frames if is_program(frame[1])] or frames
    return dict.fromkeys([_place(frame[0], frame[1], frame[2]) for frame in chosen])


@lru_cache(maxsize=4096)  # places where a program fails, and those on the way there
def _place(function: str, filename: str, line: int) -> str:
    # The file's name without its folders, wherever the path comes from.
    name = filename[max(filename.rfind("/"), filename.rfind("\\")) + 1 :]
    return f"{name}:{line}:{function}"
