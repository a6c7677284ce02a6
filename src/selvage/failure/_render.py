"""Failures as text.  Floor 0.

The forms are Twisted's: *default* reads like the interpreter's own traceback, *brief* has one `file:line:function` a
frame, *verbose* lists captured variables. No carets: finding their columns costs many times what all the rest does, and
these texts are written by logs more often than they are read.

Nothing here can fail because of the exception that is shown: `str`, `repr` and class names that raise are replaced by
a description.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from selvage.errors import FailureGroup
from selvage.failure._exceptions import qualified_name
from selvage.failure._frames import SAME_SHOWN, is_ours, repeated, safe_str, source_line, source_of
from selvage.failure._layout import TWISTED, plain
from selvage.failure._story import Story
from selvage.failure._trail import TRAIL

if TYPE_CHECKING:
    from selvage.failure._failure import Failure

__all__ = ["EXCEPTION_CAUGHT_HERE", "format_frames", "is_plain", "render", "render_plain"]

#: Between the frames above the `except` and the frames below it, where a report shows both.
EXCEPTION_CAUGHT_HERE = "--- <exception caught here> ---"

_NOT_CAPTURED = " [Capture of Locals and Globals disabled (use captureVars=True)]\n"


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
    source = source_line(frame[1], frame[2]).strip()
    return f'  File "{frame[1]}", line {frame[2]}, in {frame[0]}\n    {source}\n'


def _brief_frame(frame: Sequence[Any]) -> str:
    return f"{frame[1]}:{frame[2]}:{frame[0]}\n"


def _bare_frame(frame: Sequence[Any]) -> str:
    return f"{frame[1]}:{frame[2]}: {frame[0]}(...)\n"


def _verbose_frame(frame: Sequence[Any]) -> str:
    # Imported late: hardly anybody asks for it.
    from selvage.failure._locals import describe_all

    lines = [_bare_frame(frame), " [ Locals ]\n"]
    lines += [f"  {name} : {text}\n" for name, text in describe_all(frame[3])]
    lines.append(" ( Globals )\n")
    lines += [f"  {name} : {text}\n" for name, text in describe_all(frame[4])]
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
    if detail == "default":
        # Quick way: nothing but frames and a message (benchmarks/programs/twisted_results.py).
        plain = is_plain(failure) and not elide_framework
        return render_plain(failure) if plain else _render_story(failure, elide_framework)
    frames: Sequence[Sequence[Any]] = failure.frames
    if elide_framework:
        frames = [frame for frame in frames if not is_ours(frame[1])] or frames
    message = safe_str(failure.value)
    if detail == "brief":
        return _render_brief(failure, frames, message)
    if detail == "verbose":
        return _render_verbose(failure, frames, message)
    raise ValueError(f"Detail must be default, brief, or verbose. (not {detail!r})")


def _last_line(failure: Failure, frames: Sequence[object], message: str) -> str:
    """Say what was raised; without frames the line says by itself that this is a failure."""
    start = "" if frames else "Failure: "
    return f"{start}{qualified_name(failure.type)}: {message}\n"


def is_plain(failure: Failure) -> bool:
    """Tell whether frames and a message are the whole story."""
    value = failure.value
    if getattr(failure, "_story", None) is not None:
        return False
    if not isinstance(value, BaseException):
        return True
    try:
        return (
            value.__cause__ is None
            and (value.__context__ is None or value.__suppress_context__)
            and not isinstance(value, _SPECIAL)
            and not hasattr(value, "__notes__")
            and not hasattr(value, "subFailure")
            and not hasattr(value, TRAIL)
        )
    except Exception:
        return False  # somebody's attributes get in the way


_SPECIAL = (BaseExceptionGroup, FailureGroup, SyntaxError)


def render_plain(failure: Failure) -> str:
    """Do what `_render_story` does where there is little to tell."""
    # One lookup of the source for each file instead of each frame.
    frames = failure.frames
    parts = ["Traceback (most recent call last):\n"]
    sources: dict[str, list[str]] = {}
    last: Any = None
    same = 0
    for frame in frames:
        name, filename, line, _, _ = frame
        if last is not None and line == last[2] and name == last[0] and filename == last[1]:
            same += 1
            if same >= SAME_SHOWN:
                continue
        else:
            if same >= SAME_SHOWN:
                parts.append(repeated(same - SAME_SHOWN + 1))
            same = 0
            last = frame
        lines = sources.get(filename)
        if lines is None:
            lines = sources[filename] = source_of(filename)
        source = lines[line - 1].strip() if 1 <= line <= len(lines) else ""
        parts.append(f'  File "{filename}", line {line}, in {name}\n    {source}\n')
    if same >= SAME_SHOWN:
        parts.append(repeated(same - SAME_SHOWN + 1))
    parts.append(_last_line(failure, frames, safe_str(failure.value)))
    return "".join(parts)


def _render_story(failure: Failure, elide_framework: bool) -> str:
    story = Story.of(failure)
    if elide_framework:
        story = story.without_ours()
    return plain(story, TWISTED)


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
