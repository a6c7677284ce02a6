"""The lines of a report, in the interpreter's own form.  Floor 0.

A line is a list of `(text, style)` pieces, so that one layout serves plain text, terminals and whoever else wants colour.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from selvage.failure._frames import repeated, source_of
from selvage.failure._story import LEVELS_SHOWN, Story, StoryFrame

if TYPE_CHECKING:
    from selvage.failure._locals import Locals

__all__ = ["EVENTS", "GUARDED", "LINKS", "TWISTED", "Form", "Line", "lines_of", "plain", "to_text"]

#: Pieces of text with the names of their styles: "head", "file", "line", "function", "code", "caret", "type", "message",
#: "note", "link", "border", "context", "name", "value"; "" for what has none.
Line = list[tuple[str, str]]

LINKS = {
    "cause": "The above exception was the direct cause of the following exception:",
    "context": "During handling of the above exception, another exception occurred:",
}


EVENTS = {
    "fired": "A Deferred was fired with it",
    "raised": "raised it",
    "passed": "passed it on",
}


class Form(NamedTuple):
    """Where the forms of a report differ.

    Args:
        twisted: as `Failure.getTraceback` has it: names of built-in classes with their module, a head even if there are
            no frames, and then a word that says so.
        guarded: lines of a message after its first, and notes, are indented, so that what a peer sent cannot pass for
            lines of the report.
        context: of the frame that raised, so many lines of source before and after the one that failed are shown.
        nested: in an exception group.
    """

    twisted: bool = False
    guarded: bool = False
    context: int = 0
    nested: bool = False


def to_text(
    failure: Story | BaseException,
    *,
    carets: bool = False,
    locals: Locals | bool = False,
    machinery: bool = False,
) -> str:
    """Give the report of a failure as the interpreter prints it.

    Args:
        failure: a Failure, another exception, or its story.
        carets, locals, machinery: as `Story.of` has them.
    """
    return plain(Story.of(failure, carets=carets, locals=locals, machinery=machinery), Form())


#: The form of `Failure.getTraceback`, and the same for where others than the program have a say in messages.
TWISTED = Form(twisted=True)
GUARDED = Form(twisted=True, guarded=True)


def plain(story: Story, form: Form) -> str:
    """Give a story as plain text."""
    return "".join(["".join([text for text, _ in line]) + "\n" for line in lines_of(story, form)])


def lines_of(story: Story, form: Form, depth: int = 0) -> Iterator[Line]:
    """Give the lines of a story, oldest cause first.

    Args:
        depth: how many exception groups it is in.
    """
    for cause in reversed(story.causes):
        yield from _block(cause, form, depth)
        yield from _margin(iter([[], [(LINKS[cause.relation], "link")], []]), depth)
    yield from _block(story, form, depth)


def _block(story: Story, form: Form, depth: int) -> Iterator[Line]:
    """Give the lines of one exception, without its causes."""
    if not _is_group(story):
        yield from _margin(
            _body(story, form if not depth else form._replace(nested=True), "Traceback"), depth
        )
        return
    if depth > LEVELS_SHOWN:
        yield from _margin(iter([[(f"... (max_group_depth is {LEVELS_SHOWN})", "")]]), depth)
        return
    yield from _margin(
        _body(story, form if not depth else form._replace(nested=True), "Exception Group Traceback"),
        max(depth, 1),
        "| " if depth else "+ ",
    )
    yield from _members(story, form, max(depth, 1))


def _is_group(story: Story) -> bool:
    return bool(story.members or story.members_left_out)


def _members(story: Story, form: Form, depth: int) -> Iterator[Line]:
    """Draw the members of a group into its frame."""
    count = len(story.members) + bool(story.members_left_out)
    indent = "  " * depth
    close = True
    for number in range(count):
        left_out = number == len(story.members)
        title = "..." if left_out else str(number + 1)
        yield [(f"{indent}{'  ' if number else '+-'}+---------------- {title} ----------------", "border")]
        if left_out:
            more = story.members_left_out
            text = f"and {more} more exception{'s' if more > 1 else ''}"
            yield from _margin(iter([[(text, "")]]), depth + 1)
            close = True
        else:
            member = story.members[number]
            yield from lines_of(member, form, depth + 1)
            # The frame of a group in the last place closes this one, too.
            close = not _is_group(member) or depth + 1 > LEVELS_SHOWN
    if close:
        yield [(f"{indent}  +------------------------------------", "border")]


def _margin(lines: Iterator[Line], depth: int, first: str = "| ") -> Iterator[Line]:
    """Put lines behind the frame of the groups that they are in."""
    if not depth:
        yield from lines
        return
    margin = first
    for line in lines:
        yield [("  " * depth + margin, "border"), *line]
        margin = "| "


def _body(story: Story, form: Form, head: str) -> Iterator[Line]:
    """Give the frames of one exception and what it says."""
    on_top = form.twisted and not form.nested and not story.relation
    if story.frames or on_top:
        yield [(f"{head} (most recent call last):", "head")]
    for frame in story.frames:
        if form.context and frame is story.frames[-1]:
            yield from _frame_in_context(frame, form)
        else:
            yield from frame_lines(frame, form)
    for text in story.details:
        yield [(text, "code")]
    if on_top and not story.frames:
        yield from _prefixed("Failure: ", _last_words(story, form))
    else:
        yield from _last_words(story, form)
    yield from _chain_lines(story)


def _prefixed(start: str, lines: Iterator[Line]) -> Iterator[Line]:
    yield [(start, ""), *next(lines)]
    yield from lines


def frame_lines(frame: StoryFrame, form: Form) -> Iterator[Line]:
    """Give the lines of one frame."""
    yield [
        ('  File "', ""),
        (frame.file, "file"),
        ('", line ', ""),
        (str(frame.line), "line"),
        (", in ", ""),
        (frame.function, "function"),
    ]
    if frame.code or form.twisted:
        yield [("    ", ""), (frame.code, "code")]
        yield from _caret_line(frame, "    ")
    yield from _below(frame)


def _caret_line(frame: StoryFrame, margin: str) -> Iterator[Line]:
    if frame.columns is not None:
        start, end = frame.columns
        yield [(margin + " " * start, ""), ("^" * (end - start), "caret")]


def _frame_in_context(frame: StoryFrame, form: Form) -> Iterator[Line]:
    """Give the lines of one frame with more of its source, as far as that is what it was."""
    source = source_of(frame.file)
    if not 1 <= frame.line <= len(source) or source[frame.line - 1].strip() != frame.code:
        yield from frame_lines(frame, form)
        return
    yield next(frame_lines(frame, form))
    first = max(frame.line - form.context, 1)
    shown = [line.rstrip() for line in source[first - 1 : frame.line + form.context]]
    while not shown[-1]:
        shown.pop()
    indent = min((len(line) - len(line.lstrip()) for line in shown if line), default=0)
    width = len(str(first + len(shown)))
    for number, line in enumerate(shown, first):
        here = number == frame.line
        mark = ">" if here else " "
        numbered = (f"  {mark} {number:{width}}", "line")
        yield [numbered, (" " + line[indent:], "code" if here else "context")] if line else [numbered]
        if here:
            margin = " " * (width + 5 + len(line) - len(line.lstrip()) - indent)
            yield from _caret_line(frame, margin)
    yield from _below(frame)


def _below(frame: StoryFrame) -> Iterator[Line]:
    """Give what stands below the source of a frame."""
    for name, value in frame.locals or ():
        yield [("    ", ""), (name, "name"), (" = ", ""), (value, "value")]
    if frame.repeated:
        yield [(repeated(frame.repeated).rstrip(), "")]


def _chain_lines(story: Story) -> Iterator[Line]:
    """Give the way through Deferreds; what is the same in the next step is not said again."""
    if story.chain:
        yield [("Way of the failure through Deferreds, latest last:", "head")]
    deferred: object = None
    for step in story.chain:
        words = EVENTS.get(step.event, step.event)
        callback: Line = [("Callback ", ""), (step.callback, "function"), (" ", "")] if step.callback else []
        yield [("  ", ""), *callback, (words, "")]
        yield from _place_line("added", step.added)
        if (step.made, step.fired) != deferred:
            deferred = (step.made, step.fired)
            yield from _place_line("Deferred made", step.made)
            yield from _place_line("fired", step.fired)


def _place_line(title: str, place: StoryFrame | None) -> Iterator[Line]:
    if place is None:
        return
    head = next(frame_lines(place, TWISTED))
    code: Line = [(": ", ""), (place.code, "code")] if place.code else []
    yield [(f"    {title}:", "link"), *head, *code]


def _last_words(story: Story, form: Form) -> Iterator[Line]:
    """Say what was raised, and the notes."""
    name = story.type
    module, _, short = name.rpartition(".")
    if not form.twisted and module in ("builtins", "__main__"):
        name = short
    words, *more = story.message.split("\n")
    separated = ": " if story.message or form.twisted else ""
    yield [(name, "type"), (separated, ""), (words, "message")]
    margin = "    " if form.guarded else ""
    for text in more:
        yield [(margin + text, "message")]
    for note in story.notes:
        for text in note.split("\n"):
            yield [(margin + text, "note")]
