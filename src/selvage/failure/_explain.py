"""What happened, in one paragraph for people.  Floor 0."""

from __future__ import annotations

from collections.abc import Iterator

from selvage.failure._printable import printable
from selvage.failure._story import Story, StoryFrame

__all__ = ["explain"]

# Characters of a message or a line of source, functions on the way, members of a group, and notes: a paragraph is not a report.
_LONGEST = 120
_WAY = 6
_MEMBERS = 3
_NOTES = 3


def explain(failure: Story | BaseException) -> str:
    """Say in one paragraph what happened, from where to where.

    Args:
        failure: a Failure, another exception, or its story.
    """
    story = Story.of(failure)
    return printable(
        " ".join(
            [_what(story), *_notes(story), *_way(story), *_members(story), *_causes(story), *_chain(story)]
        )
    )


def _what(story: Story) -> str:
    """Say what was raised and where."""
    if not story.frames:
        return f"{_named(story)} was never raised."
    last = story.frames[-1]
    code = f", by `{_short(last.code)}`" if last.code else ""
    return f"{_named(story)} was raised in {_place(last)}{code}."


def _named(story: Story) -> str:
    module, _, name = story.type.rpartition(".")
    name = name if module in ("builtins", "__main__") else story.type
    words = _short(story.message)
    return f"{name} ({words})" if words else name


def _notes(story: Story) -> Iterator[str]:
    """Say what was noted on its way."""
    told = [words for note in story.notes[:_NOTES] if (words := _short(note))]
    left = len(story.notes) - _NOTES
    if left > 0:
        told.append(f"{left} more")
    if told:
        yield f"Noted: {'; '.join(told)}."


def _way(story: Story) -> Iterator[str]:
    """Say how it went out from there."""
    outer = [frame for frame in reversed(story.frames[:-1]) for _ in range(1 + frame.repeated)]
    again = story.frames[-1].repeated if story.frames else 0
    if again:
        yield f"That function had called itself {again + 1} times or more."
    if not outer:
        return
    *between, outermost = outer
    names = [frame.function for frame in between]
    if len(names) > _WAY:
        half = _WAY // 2
        names[half:-half] = [f"{len(names) - _WAY} more"]
    through = f" through {_listed(names)}" if names else ""
    yield f"From there it went{through} to {_place(outermost)}."


def _members(story: Story) -> Iterator[str]:
    members = story.members
    if not members:
        return
    count = len(members) + story.members_left_out
    told = [_member(each) for each in members[:_MEMBERS]]
    if count > len(told):
        told.append(f"{count - len(told)} more")
    yield f"It stands for {count} failure{'s' if count > 1 else ''}: {_listed(told)}."


def _member(story: Story) -> str:
    return f"{_named(story)} in {_place(story.frames[-1])}" if story.frames else _named(story)


def _causes(story: Story) -> Iterator[str]:
    subject = "It"
    for cause in story.causes[:_MEMBERS]:
        link = "was raised because of" if cause.relation == "cause" else "happened while the program handled"
        yield f"{subject} {link} {_member(cause)}."
        subject = "That"
    left = len(story.causes) - _MEMBERS
    if left > 0:
        yield f"{left} more came before."


def _chain(story: Story) -> Iterator[str]:
    """Say of the Deferred that it began in where that came from."""
    if not story.chain:
        return
    first = story.chain[0]
    made = f" made in {_place(first.made)}" if first.made is not None else ""
    fired = f" and fired in {_place(first.fired)}" if first.fired is not None else ""
    yield f"The Deferred in which it began was{made}{fired}." if made or fired else ""
    passed = [step.callback for step in story.chain if step.event == "passed"]
    if passed:
        yield f"It passed {_listed(passed[:_WAY])}."


def _place(frame: StoryFrame) -> str:
    file = frame.file[max(frame.file.rfind("/"), frame.file.rfind("\\")) + 1 :]
    return f"{frame.function} ({file}, line {frame.line})"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 3]}..."
