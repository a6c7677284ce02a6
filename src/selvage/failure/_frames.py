"""From a traceback to plain frame records, and back to something that looks like a traceback.  Floor 0.

A *frame record* is the tuple `(function, filename, line, locals, globals)` that Twisted made known; the last two are
lists of `(name, value)` pairs when variables were captured, else empty tuples.

The frames of Selvage's own trampolines (the callback loop, the coroutine driver, the thread helpers) say nothing to the
person who reads a report. Such a function is marked with `machinery`, and `extract` leaves it out.
"""

from __future__ import annotations

import builtins
import linecache
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from types import CodeType, TracebackType
from typing import Any, TypeVar

__all__ = [
    "SAME_SHOWN",
    "Frame",
    "Variables",
    "all_entries",
    "extract",
    "fake_traceback",
    "is_ours",
    "is_program",
    "kind_of",
    "line_of",
    "machinery",
    "record_of",
    "repeated",
    "safe_repr",
    "safe_str",
    "shown",
    "source_line",
    "source_of",
]

Variables = Iterable[tuple[str, Any]]
Frame = tuple[str, str, int, Variables, Variables]

_F = TypeVar("_F", bound=Callable[..., Any])

# By identity: hashing a code object walks its whole bytecode. Kept, so that no other takes its place in memory.
_machinery: dict[int, CodeType] = {}


def machinery(function: _F) -> _F:
    """Decorate a function whose frames are to stay out of every report.

    Only for trampolines that call user code; a function that raises errors of its own should stay visible.
    """
    code: CodeType = function.__code__
    _machinery[id(code)] = code
    return function


def extract(tb: TracebackType | None, capture: bool) -> list[Frame]:
    """Walk a traceback, outermost frame first, and make a record of each frame that a report shows.

    Args:
        tb: where to start; None gives no frames.
        capture: keep the local and global variables as well.
    """
    if capture:
        return [_record_with_variables(entry) for entry in shown(tb)]
    # Quick way: one walk, where there is nothing to leave out but what is marked (benchmarks/programs/twisted_results.py).
    frames: list[Frame] = []
    hidden = _machinery
    kinds = _known_kinds()
    entry = tb
    while entry is not None:
        code = entry.tb_frame.f_code
        if id(code) not in hidden:
            filename = code.co_filename
            kind = kinds.get(filename)
            if kind is None:
                kind = _meet(entry)
            if kind >= CARRIER:
                return [record_of(each) for each in shown(tb)]
            # Compilers of C extensions leave the line out.
            frames.append((code.co_name, filename, entry.tb_lineno or 0, (), ()))
        entry = entry.tb_next
    return frames


def record_of(entry: TracebackType) -> Frame:
    """Give the frame record of one entry of a traceback, without variables."""
    code = entry.tb_frame.f_code
    return code.co_name, code.co_filename, line_of(entry), (), ()


def _record_with_variables(entry: TracebackType) -> Frame:
    frame = entry.tb_frame
    code = frame.f_code
    return (
        code.co_name,
        code.co_filename,
        line_of(entry),
        list(frame.f_locals.items()),
        [pair for pair in frame.f_globals.items() if pair[0] != "__builtins__"],
    )


def shown(tb: TracebackType | None) -> list[TracebackType]:
    """Give the entries of a traceback that a report shows, outermost first.

    Left out are functions marked as machinery; Selvage's files, unless the error is one that happened to it rather than
    one that it raised on purpose; and the files by which the standard library carries a call from one task or thread to
    another. Nothing of that is left out where no frame of the program is there to be seen.
    """
    known = _known_kinds()
    entries = [entry for entry in all_entries(tb) if id(entry.tb_frame.f_code) not in _machinery]
    kinds = [known.get(entry.tb_frame.f_code.co_filename, -1) for entry in entries]
    kinds = [_meet(entry) if kind < 0 else kind for entry, kind in zip(entries, kinds, strict=True)]
    if PROGRAM not in kinds or max(kinds) < CARRIER:
        return entries
    last_of_program = len(kinds) - 1 - kinds[::-1].index(PROGRAM)
    stumbled = kinds[-1] == OURS and not _raises_on_purpose(entries[-1])
    return [
        entry
        for place, (entry, kind) in enumerate(zip(entries, kinds, strict=True))
        if kind < CARRIER or (kind == OURS and place > last_of_program and stumbled)
    ]


def all_entries(tb: TracebackType | None) -> Iterator[TracebackType]:
    """Give the entries of a traceback, outermost first."""
    while tb is not None:
        yield tb
        tb = tb.tb_next


# Whose the files are that were met in tracebacks.
_kinds: dict[str, int] = {}


def _known_kinds() -> dict[str, int]:
    if not linecache.cache:
        # Somebody emptied it, and with it what `_meet` put there.
        _kinds.clear()
    return _kinds


def _meet(entry: TracebackType) -> int:
    """Tell whose the file of a frame is, the first time that it is met."""
    frame = entry.tb_frame
    filename = frame.f_code.co_filename
    if len(_kinds) >= _FILES:
        _kinds.clear()
    kind = _kinds[filename] = kind_of(filename)
    if filename not in linecache.cache:
        # The frame still knows its module's loader, which finds sources that are no plain files.
        linecache.lazycache(filename, frame.f_globals)
    return kind


def _raises_on_purpose(entry: TracebackType) -> bool:
    """Tell whether a frame was left by a `raise` statement."""
    from opcode import opmap

    return entry.tb_frame.f_code.co_code[entry.tb_lasti] == opmap["RAISE_VARARGS"]


# Files remembered: more than programs have.
_FILES = 4096

# Whose a source file is.
PROGRAM = 0  # the program's own, or a library's that it brings
STANDARD = 1  # the interpreter's
CARRIER = 2  # those of the interpreter that carry calls between tasks and threads
OURS = 3  # Selvage's

# Source files of this package. The demonstration is a program like any other.
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_DEMONSTRATION = os.path.join(_OURS, "demo") + os.sep

# Source files of the interpreter: of this one, and by the usual layout, since a failure may come from another machine.
_STANDARD = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_STANDARD_ELSEWHERE = re.compile(r"<frozen |.*[/\\]lib(64)?[/\\]python3\.\d+t?[/\\]")
_LIBRARIES = re.compile(r".*[/\\](site|dist)-packages[/\\]")


_CARRIERS = re.compile(r".*[/\\](asyncio|concurrent[/\\]futures)[/\\]\w+\.py$|.*[/\\]threading\.py$")


@lru_cache(maxsize=_FILES)
def kind_of(filename: str) -> int:
    """Tell whose a source file is."""
    if filename.startswith(_OURS) and not filename.startswith(_DEMONSTRATION):
        return OURS
    if filename.startswith("uvloop/"):
        # Compiled, and known by the path that it had where it was built.
        return CARRIER
    standard = filename.startswith(_STANDARD) or _STANDARD_ELSEWHERE.match(filename) is not None
    if not standard or _LIBRARIES.match(filename) is not None:
        return PROGRAM
    return STANDARD if _CARRIERS.match(filename) is None else CARRIER


def is_ours(filename: str) -> bool:
    """Tell whether a source file is Selvage's own."""
    return kind_of(filename) == OURS


def is_program(filename: str) -> bool:
    """Tell whether a source file is the program's or its libraries': neither Selvage's nor the interpreter's."""
    return kind_of(filename) == PROGRAM


#: The same frame so many times in a row before it is counted instead, as the interpreter does it.
SAME_SHOWN = 3


def repeated(times: int) -> str:
    """Say that the frame before came some more times."""
    return f"  [Previous line repeated {times} more time{'s' if times > 1 else ''}]\n"


def source_of(filename: str) -> list[str]:
    """Give the lines of a source file, none if nobody has them or the name is none."""
    try:
        return linecache.getlines(filename)
    except Exception:
        return []


def source_line(filename: str, line: int) -> str:
    """Give one line of a source file with its indentation, empty if nobody has it."""
    lines = source_of(filename)
    return lines[line - 1] if 1 <= line <= len(lines) else ""


def line_of(tb: TracebackType) -> int:
    """Tell the line of one traceback entry; compilers of C extensions leave it out, which counts as 0."""
    return tb.tb_lineno or 0


def safe_repr(value: object) -> str:
    """Give `repr(value)`, or a description when that raises."""
    return _safely(repr, value)


def safe_str(value: object) -> str:
    """Give `str(value)`, or a description when that raises."""
    return _safely(str, value)


def _safely(convert: Callable[[object], str], value: object) -> str:
    try:
        return convert(value)
    except Exception as error:
        cls = type(value)
        # type.__repr__ and object identity cannot be broken by the object, the name of its metaclass neither.
        return f"<{cls.__name__} instance at {id(value):#x} whose {convert.__name__} raised {type(error).__name__}>"


# --- Traceback look-alikes -------------------------------------------------------------------------------------
#
# A Failure that was cleaned or unpickled has frame records and no traceback. Code that wants one (traceback.extract_tb,
# post-mortem debuggers) gets a linked list of the objects below: the attributes are those that such code reads.


class FakeCode:
    """What a code object tells about its function, and nothing to execute."""

    co_argcount = 0
    co_cellvars: tuple[str, ...] = ()
    co_code = b""
    co_consts: tuple[object, ...] = ()
    co_firstlineno = 0
    co_flags = 0
    co_freevars: tuple[str, ...] = ()
    co_kwonlyargcount = 0
    co_lnotab = b""
    co_names: tuple[str, ...] = ()
    co_nlocals = 0
    co_posonlyargcount = 0
    co_stacksize = 0

    def __init__(self, name: str, filename: str) -> None:
        self.co_name = name
        self.co_qualname = name
        self.co_filename = filename
        self.co_varnames: list[str] = []

    def co_positions(self) -> tuple[tuple[int | None, int | None, int | None, int | None], ...]:
        """Tell that nothing is known about columns."""
        return ((None, None, None, None),)

    def co_lines(self) -> Iterator[tuple[int, int, int | None]]:
        """Tell that no bytecode belongs to any line."""
        return iter(())


class FakeFrame:
    """A frame made of a record; the variables are those that were captured, perhaps as their `repr`."""

    f_trace = None
    f_lasti = 0

    def __init__(self, record: Sequence[Any], back: FakeFrame | None) -> None:
        name, filename, line, local_variables, global_variables = record
        self.f_code = FakeCode(name, filename)
        self.f_lineno = line
        self.f_locals: dict[str, Any] = dict(local_variables or ())
        self.f_globals: dict[str, Any] = dict(global_variables or ())
        self.f_builtins: dict[str, Any] = vars(builtins).copy()
        self.f_back = back


class FakeTraceback:
    """One entry of a traceback."""

    tb_lasti = 0

    def __init__(self, frame: FakeFrame) -> None:
        self.tb_frame = frame
        self.tb_lineno = frame.f_lineno
        self.tb_next: FakeTraceback | None = None


def fake_traceback(frames: Sequence[Sequence[Any]]) -> FakeTraceback:
    """Link frame records, outermost first, to something that reads like a traceback.

    Raises:
        ValueError: there are no frames; the traceback of nothing is None.
    """
    if not frames:
        raise ValueError("cannot make a traceback of no frames; use None")
    back: FakeFrame | None = None
    head: FakeTraceback | None = None
    tail: FakeTraceback | None = None
    for record in frames:
        back = FakeFrame(record, back)
        entry = FakeTraceback(back)
        if tail is None:
            head = entry
        else:
            tail.tb_next = entry
        tail = entry
    assert head is not None
    return head
