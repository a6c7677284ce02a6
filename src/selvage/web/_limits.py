"""What a server takes from one client, in bytes and seconds.  Floor 4."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["DEFAULT_LIMITS", "Limits"]


@dataclass(frozen=True)
class Limits:
    """Bounds on requests; each that may be None is no bound then.

    Those of bodies can be set for a resource, too: `Resource.body_limits`.

    Args:
        body_bytes: of the body of a request.  64 MiB lets documents and photographs pass, and no film.
        head_s: seconds from the first byte of a head to its last.  30 is generous for a few kilobytes; nginx has 60,
            granian 30.
        body_s: seconds from the head to the last byte of the body.  Five minutes are 1.7 Mbit/s for the largest body.
        body_rate: bytes a second with which a body has to come, on the average since its head and after `body_grace_s`.
            500, and 20 seconds to begin with, are those of Apache (mod_reqtimeout).
        body_grace_s: seconds for which no rate is asked.
        discard_bytes: of a body that nobody reads any more because the answer is complete; the connection is kept if no more
            comes.  256 KiB is what Go takes.
        stall_s: seconds in which a client that is sent more than fits into its buffers takes none of it.  nginx has 60.

    Raises:
        TypeError: one is no number.
        ValueError: one is below 0.
    """

    body_bytes: int | None = 64 * 1024 * 1024
    head_s: float | None = 30
    body_s: float | None = 300
    body_rate: float | None = 500
    body_grace_s: float = 20
    discard_bytes: int = 256 * 1024
    stall_s: float | None = 60

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            or_none = ", or None for no bound" if "None" in str(field.type) else ""
            if value is None and or_none:
                continue
            wanted = f"Limits({field.name}={value!r}): give a number, 0 or more{or_none}"
            if not isinstance(value, (int, float)):
                raise TypeError(wanted)
            if not value >= 0:
                raise ValueError(wanted)


#: What a `Site` keeps to unless it is told otherwise.
DEFAULT_LIMITS = Limits()
