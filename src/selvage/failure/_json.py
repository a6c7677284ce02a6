"""Reports as JSON: one object for each failure.  Floor 0.

The keys are those of `Story.to_dict`: `type`, `message`, `fingerprint`, `frames` (each with `file`, `line`, `function`,
`code`, and `columns`, `locals`, `repeated` where there are any), `details`, `notes`, `causes` (each an object of the same
form, with its `relation` to the one before: "cause" or "context"), `members` and `members_left_out` of a group, and the
`chain` of callbacks in debug mode. All text is ASCII, with escapes, so that it is one line to every reader of lines.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from selvage.failure._story import Story

if TYPE_CHECKING:
    from selvage.failure._locals import Locals

__all__ = ["from_json", "to_json"]


def to_json(
    failure: Story | BaseException,
    *,
    carets: bool = False,
    locals: Locals | bool = False,
    machinery: bool = False,
    indent: int | None = None,
) -> str:
    """Give the report of a failure as a JSON object.

    Args:
        failure: a Failure, another exception, or its story.
        carets, locals, machinery: as `Story.of` has them.
        indent: spaces for each level; None puts everything on one line.
    """
    story = Story.of(failure, carets=carets, locals=locals, machinery=machinery)
    return json.dumps(story.to_dict(), indent=indent, separators=None if indent else (",", ":"))


def from_json(text: str | bytes) -> Story:
    """Give the story that `to_json` wrote, to be shown in another form.

    Raises:
        ValueError: it is no JSON, or not of that form.
    """
    try:
        facts = json.loads(text)
    except RecursionError as error:
        raise ValueError("this JSON is nested deeper than any story of a failure") from error
    if not isinstance(facts, dict):
        raise ValueError(f"the story of a failure is a JSON object, not {type(facts).__name__}")
    return Story.from_dict(facts)
