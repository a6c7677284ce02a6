"""What a server takes from one client, in bytes and seconds.  Floor 4."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT_LIMITS", "Limits"]


@dataclass(frozen=True)
class Limits:
    """Bounds on requests; each can be None for no bound.

    Args:
        body_bytes: of the body of a request.  64 MiB lets documents and photographs pass, and no film.
        head_s: seconds from the first byte of a head to its last.  30 is generous for a few kilobytes; nginx has 60,
            granian 30.
        body_s: seconds from the head to the last byte of the body.  Five minutes are 1.7 Mbit/s for the largest body.
        stall_s: seconds in which a client that is sent more than fits into its buffers takes none of it.  nginx has 60.
    """

    body_bytes: int | None = 64 * 1024 * 1024
    head_s: float | None = 30
    body_s: float | None = 300
    stall_s: float | None = 60


#: What a `Site` keeps to unless it is told otherwise.
DEFAULT_LIMITS = Limits()
