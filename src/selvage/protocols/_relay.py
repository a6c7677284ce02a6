"""Two transports of which each sends what the other receives, no faster than its peer reads.  Floor 3."""

from __future__ import annotations

from typing import Any

__all__ = ["join", "part"]


def join(one: Any, other: Any) -> None:
    """Make each transport the producer of the other."""
    one.registerProducer(other, True)
    other.registerProducer(one, True)


def part(transport: Any) -> None:
    """Close a joined transport, when what it was given is sent: no more will come from the other."""
    transport.unregisterProducer()
    transport.loseConnection()
