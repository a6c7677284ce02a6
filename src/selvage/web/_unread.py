"""Answers that a client does not read.  Floor 4.

A transport that is watched writes a slower way, so a channel of HTTP/1 leaves it alone until answers have come to something:
one large one, or many small ones.  Then it is asked once whether they have left.
"""

from __future__ import annotations

from typing import Any

__all__ = ["HEAD_BYTES", "MUCH", "look_at_transport"]

#: So many bytes of answers may be more than a client takes at once; in bytes.
MUCH = 65536

#: What the head of an answer is taken for, where only bodies are counted; in bytes.
HEAD_BYTES = 256


def look_at_transport(channel: Any, size: int) -> None:
    """Have a channel watch its transport, for answers have come to much, unless they have left meanwhile.

    Args:
        size: bytes of the last answer.
    """
    channel._unwatched = 0
    unsent = getattr(channel.transport, "unsent_bytes", None)
    if size > MUCH or unsent is None or unsent() > MUCH:
        channel._watch()
