"""A Failure's state on its way to another process.  Floor 0.

The story goes along as data, so the report is the same there. The exception itself goes if it can: many classes cannot be
pickled, or are pickled and then fail to be made again, which the sender would never learn. So the sender tries both; in
place of an exception that does not survive go its dotted name and its words, as in a failure that came over a wire.
"""

from __future__ import annotations

import pickle
from itertools import islice, takewhile
from typing import Any

from selvage.failure._exceptions import linked, qualified_name
from selvage.failure._frames import safe_str

__all__ = ["pack", "unpack_links"]

# Causes that go along as exceptions; the story tells of some more.
_LINKS = 16


def pack(state: dict[str, Any]) -> dict[str, Any]:
    """Give a state that can be pickled: what does not survive the journey is replaced by its description."""
    value = state["value"]
    packed = {name: each for name, each in state.items() if name in _SAFE or _survives(each)}
    if "value" not in packed or "type" not in packed:
        packed["type"] = qualified_name(state["type"])
        packed["value"] = safe_str(value)
    elif isinstance(value, BaseException):
        found = ((relation, failure.value) for relation, failure in linked(value, set()))
        links: list[tuple[str, Any]] = list(takewhile(lambda link: _survives(link[1]), islice(found, _LINKS)))
        if not links and value.__suppress_context__:
            links = [("cause", None)]
        if links:
            packed["links"] = links
    story = state.get("story")
    packed["story"] = None if story is None else story.to_dict()
    return packed


# Texts and numbers of ours.
_SAFE = frozenset({"captureVars", "count", "frames", "parents", "pickled", "stack", "story", "tb"})


def _survives(value: object) -> bool:
    try:
        return type(pickle.loads(pickle.dumps(value))) is type(value)
    except Exception:
        return False


def unpack_links(error: BaseException, links: list[tuple[str, BaseException | None]]) -> None:
    """Link an exception and its causes again, whose links a pickle leaves out."""
    for relation, other in links:
        if relation == "cause":
            error.__cause__ = other
        else:
            error.__context__ = other
        if other is None:
            return
        error = other
