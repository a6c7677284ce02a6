"""Answers that a client does not read.  Floor 4.

A transport that is watched writes a slower way, so a channel of HTTP/1 leaves it alone until answers have come to something:
one large one, or many small ones.  Then it is asked once whether they have left.
"""

from __future__ import annotations

from typing import Any

__all__ = ["HEAD_BYTES", "MUCH", "close_in_time", "look_at_transport"]

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


def close_in_time(channel: Any) -> None:
    """Cut a channel that has closed its transport, if the client takes nothing of what waits for `Limits.stall_s`.

    From here on nobody is told when the client reads; so the transport is asked now and then.
    """
    patience = channel.limits.stall_s
    unsent = getattr(channel.transport, "unsent_bytes", None)
    if not channel.strict or patience is None or unsent is None:
        return
    channel._cancel_stall()
    left = unsent()
    if left:
        channel._stall = channel.callLater(patience, _look_again, channel, left)


def _look_again(channel: Any, before: int) -> None:
    channel._stall = None
    if channel.transport.unsent_bytes() < before:
        close_in_time(channel)
    else:
        channel._stalled()
