"""`Report`: what the hub hands to subscribers.  Floor 0."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selvage.failure._frames import is_program

if TYPE_CHECKING:
    from selvage.failure._failure import Failure

__all__ = ["Report", "Subscriber"]


@dataclass(frozen=True, slots=True)
class Report:
    """One unhandled failure, as subscribers get it; or, see `kind`, what there is to say of several."""

    #: What happened. In a summary, a copy of the first of them that keeps no live objects.
    failure: Failure
    #: Where it was left over, in words; the line above the traceback.
    message: str = "Unhandled error"
    #: The same in one word: "deferred", "timer", "protocol", "thread", "reader", "signal", "asyncio", "trigger", ...
    source: str = ""
    #: Facts by name: the Deferred, the timer, the connection...
    context: dict[str, Any] = field(default_factory=dict)
    #: When, in seconds since the epoch.
    time: float = field(default_factory=time.time)
    #: "failure": nobody handled it. "summary": so many more, equal to one that was reported, have only been counted.
    #: "handled": one that was reported early has been handled after all.
    kind: str = "failure"
    #: How many failures this tells of: 1, and in a summary more.
    count: int = 1
    #: See `selvage.failure.fingerprint`.
    fingerprint: str = ""

    @property
    def namespace(self) -> str:
        """The dotted name of the module that it was raised in: the innermost that is the program's or a library's."""
        found = ""
        tb = self.failure.tb
        while tb is not None:
            frame = tb.tb_frame
            if not found or is_program(frame.f_code.co_filename):
                found = frame.f_globals.get("__name__") or ""
            tb = tb.tb_next
        return found if isinstance(found, str) else ""


Subscriber = Callable[[Report], object]
