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

from _blake2 import blake2b  # hashlib's; that itself would load all of OpenSSL
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from selvage.failure._exceptions import late, linked, members_of, qualified_name
from selvage.failure._frames import is_program

if TYPE_CHECKING:
    from selvage.failure._failure import Failure

__all__ = ["fingerprint"]

# Bytes of the digest: 64 bits tell apart more faults than a program has, and make 16 characters.
_DIGEST_BYTES = 8

# How far to follow causes, how many members of a group to look at, and how deep to look into groups in groups: beyond
# that they tell nothing apart, and a report must not take long because of what somebody linked together.
_CAUSES = 16
_MEMBERS = 64
_LEVELS = 4


def fingerprint(failure: Failure) -> str:
    """Give 16 hexadecimal digits that are equal for equal faults, in this and in every other run of the program.

    Equal are failures of the same class that came the same way: see the head of this module for what counts.
    """
    # One that was cleaned or unpickled keeps what it was when its causes still had their tracebacks.
    story = getattr(failure, "_story", None)
    if story is not None:
        return story.fingerprint  # type: ignore[no-any-return]
    return _digest("\n".join(_parts(failure, set(), _LEVELS)))


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=_DIGEST_BYTES).hexdigest()


def _parts(failure: Failure, seen: set[int], levels: int) -> Iterator[str]:
    """Give the lines that the digest is made of."""
    causes = list(islice(linked(failure.value, seen), _CAUSES))
    yield from _own_parts(failure, seen, levels)
    for relation, cause in causes:
        if relation != "cause":
            break
        yield "from"
        yield from _own_parts(cause, seen, levels)


def _own_parts(failure: Failure, seen: set[int], levels: int) -> Iterator[str]:
    yield qualified_name(failure.type)
    yield from _places(failure.frames)
    members = members_of(failure.value)
    if members and levels:
        failures = map(late.failure_of, members[:_MEMBERS])
        yield from sorted({"\n".join(_parts(member, seen, levels - 1)) for member in failures})


def _places(frames: Sequence[Sequence[Any]]) -> dict[str, None]:
    """Give the places of the program that frames stand for, each once, in their order."""
    chosen = [frame for frame in frames if is_program(frame[1])] or frames
    return dict.fromkeys([_place(frame[0], frame[1], frame[2]) for frame in chosen])


@lru_cache(maxsize=4096)  # places where a program fails, and those on the way there
def _place(function: str, filename: str, line: int) -> str:
    # The file's name without its folders, wherever the path comes from.
    name = filename[max(filename.rfind("/"), filename.rfind("\\")) + 1 :]
    return f"{name}:{line}:{function}"
