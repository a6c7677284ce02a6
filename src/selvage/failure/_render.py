"""Failures as text.  Floor 0.

The forms are Twisted's: *default* reads like the interpreter's own traceback, *brief* has one `file:line:function` a
frame, *verbose* lists captured variables. No carets: finding their columns costs many times what all the rest does, and
these texts are written by logs more often than they are read.

Nothing here can fail because of the exception that is shown: `str`, `repr` and class names that raise are replaced by
a description.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from selvage.failure._frames import is_ours, safe_repr, safe_str

if TYPE_CHECKING:
    from selvage.failure._failure import Failure

__all__ = ["EXCEPTION_CAUGHT_HERE", "format_frames", "qualified_name", "render"]

#: Between the frames above the `except` and the frames below it, where a report shows both.
EXCEPTION_CAUGHT_HERE = "--- <exception caught here> ---"

_NOT_CAPTURED = " [Capture of Locals and Globals disabled (use captureVars=True)]\n"

# Of an exception group so many members are shown, and groups in groups so deep; as the interpreter does it.
_MEMBERS_SHOWN = 15
_LEVELS_SHOWN = 10

#: Makes a Failure of an exception; `_failure`, which builds on this module, fills it in.
failure_of: Any = None


def qualified_name(cls: object) -> str:
    """Give the dotted name of a class; of a class that is known by name only, that name."""
    if isinstance(cls, str):
        return cls
    try:
        return f"{cls.__module__}.{cls.__name__}"  # type: ignore[attr-defined]
    except Exception:
        return safe_str(cls)


def format_frames(
    frames: Iterable[Sequence[Any]] | None, write: Callable[[str], object], detail: str = "default"
) -> None:
    """Write frame records as text.

    Args:
        frames: records `(function, filename, line, locals, globals)`, outermost first.
        write: called with pieces of text, each of whole lines.
        detail: "default", "brief", "verbose" or "verbose-vars-not-captured".

    Raises:
        ValueError: `detail` is none of these.
    """
    format_one = _FORMS.get(detail)
    if format_one is None:
        raise ValueError(
            f"Detail must be default, brief, verbose, or verbose-vars-not-captured. (not {detail!r})"
        )
    for frame in frames or ():
        write(format_one(frame))
    if detail == "verbose-vars-not-captured":
        write(_NOT_CAPTURED)


def _default_frame(frame: Sequence[Any]) -> str:
    source = linecache.getline(frame[1], frame[2]).strip()
    return f'  File "{frame[1]}", line {frame[2]}, in {frame[0]}\n    {source}\n'


def _brief_frame(frame: Sequence[Any]) -> str:
    return f"{frame[1]}:{frame[2]}:{frame[0]}\n"


def _bare_frame(frame: Sequence[Any]) -> str:
    return f"{frame[1]}:{frame[2]}: {frame[0]}(...)\n"


def _verbose_frame(frame: Sequence[Any]) -> str:
    lines = [_bare_frame(frame), " [ Locals ]\n"]
    lines += [f"  {name} : {safe_repr(value)}\n" for name, value in frame[3]]
    lines.append(" ( Globals )\n")
    lines += [f"  {name} : {safe_repr(value)}\n" for name, value in frame[4]]
    return "".join(lines)


_FORMS: dict[str, Callable[[Sequence[Any]], str]] = {
    "default": _default_frame,
    "brief": _brief_frame,
    "verbose": _verbose_frame,
    "verbose-vars-not-captured": _bare_frame,
}


def render(failure: Failure, elide_framework: bool = False, detail: str = "default") -> str:
    """Give the whole text of a Failure.

    Args:
        elide_framework: leave out frames of Selvage's own source files, unless there are no others.
        detail: "default", "brief" or "verbose".

    Raises:
        ValueError: `detail` is none of these.
    """
    frames: Sequence[Sequence[Any]] = failure.frames
    if elide_framework:
        frames = [frame for frame in frames if not is_ours(frame[1])] or frames
    message = safe_str(failure.value)
    if detail == "default":
        return _render_default(failure, frames, message)
    if detail == "brief":
        return _render_brief(failure, frames, message)
    if detail == "verbose":
        return _render_verbose(failure, frames, message)
    raise ValueError(f"Detail must be default, brief, or verbose. (not {detail!r})")


def _last_line(failure: Failure, frames: Sequence[object], message: str) -> str:
    """Say what was raised; without frames the line says by itself that this is a failure."""
    start = "" if frames else "Failure: "
    return f"{start}{qualified_name(failure.type)}: {message}\n"


def _render_default(failure: Failure, frames: Sequence[Sequence[Any]], message: str) -> str:
    # Quick way, equal to format_frames(frames, write, "default"): one lookup of the source for each file instead of
    # each frame (benchmarks/programs/twisted_results.py).
    parts = ["Traceback (most recent call last):\n"]
    sources: dict[str, list[str]] = {}
    for name, filename, line, _, _ in frames:
        lines = sources.get(filename)
        if lines is None:
            lines = sources[filename] = linecache.getlines(filename)
        source = lines[line - 1].strip() if 1 <= line <= len(lines) else ""
        parts.append(f'  File "{filename}", line {line}, in {name}\n    {source}\n')
    parts.append(_last_line(failure, frames, message))
    if isinstance(failure.value, BaseException):
        _add_notes(failure.value, parts)
        if isinstance(failure.value, BaseExceptionGroup):
            _add_members(failure.value, parts, "    ", _LEVELS_SHOWN)
    return "".join(parts)


def _add_notes(error: BaseException, parts: list[str]) -> None:
    """Add what `add_note` said, below the line of the exception."""
    try:
        notes = getattr(error, "__notes__", ())
    except Exception:
        return  # somebody's class gets in the way
    for note in notes if isinstance(notes, (list, tuple)) else (notes,):
        parts += [f"    {line}\n" for line in safe_str(note).splitlines()]


def _add_members(
    group: BaseExceptionGroup[BaseException], parts: list[str], indent: str, levels: int
) -> None:
    """Add the traceback of each exception in a group, groups in it included."""
    members = group.exceptions
    for number, member in enumerate(members[:_MEMBERS_SHOWN], 1):
        parts.append(f"{indent}--- {number} of {len(members)} ---\n")
        if isinstance(member, BaseExceptionGroup) and not levels:
            lines = [f"{qualified_name(type(member))}: {safe_str(member)}"]
        else:
            inner: list[str] = []
            failure = failure_of(member)
            frames = failure.frames
            format_frames(frames, inner.append)
            inner.append(_last_line(failure, frames, safe_str(member)))
            _add_notes(member, inner)
            if isinstance(member, BaseExceptionGroup):
                _add_members(member, inner, "    ", levels - 1)
            lines = "".join(inner).splitlines()
        parts += [f"{indent}{line}\n" for line in lines]
    if len(members) > _MEMBERS_SHOWN:
        parts.append(f"{indent}--- and {len(members) - _MEMBERS_SHOWN} more ---\n")


def _render_brief(failure: Failure, frames: Sequence[Sequence[Any]], message: str) -> str:
    start = "Traceback" if frames else "Traceback (failure with no frames)"
    parts = [f"{start}: {safe_str(failure.type)}: {message}\n"]
    format_frames(frames, parts.append, "brief")
    return "".join(parts)


def _render_verbose(failure: Failure, frames: Sequence[Sequence[Any]], message: str) -> str:
    pickled = "(pickled) " if failure.pickled else ""
    parts = [f"*--- Failure #{failure.count} {pickled}---\n"]
    if frames:
        format_frames(frames, parts.append, "verbose" if failure.captureVars else "verbose-vars-not-captured")
    parts.append(_last_line(failure, frames, message))
    parts.append(f"*--- End of Failure #{failure.count} ---\n")
    return "".join(parts)
