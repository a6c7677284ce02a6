"""Failed Deferreds that somebody holds and nobody looks at.  Floor 0.

Theory of operation
-------------------

A failure that is left over is reported when the last reference to its Deferred goes (`_debug`). But a Deferred that is part
of a circle of references goes only when the garbage collector comes round; and a traceback makes one as a rule: its frames
keep those that called them, and somewhere among these is who fired the Deferred and has it in a variable. A Deferred in a
forgotten list does not go at all. So each one that is left with a failure enters a list of the *young*, by a weak
reference.

* After a second the collector is asked to look at what is young, which takes well under a millisecond; this finds the
  circles that were made and dropped shortly before.
* After a longer while the list is looked at, and once more after the same time: who still has the very same failure then is
  reported, between one and two times that while after it happened. This finds all else.

Entering costs a weak reference and an append. Nobody looks at a clock; timers of the hub's driver (the reactor, see
`selvage.failure._later`) run only while something is young. Without a driver the list is looked through when it has grown,
and at the end of the program everything that is left is reported.

Somebody may handle it even later: then that is said, too, when it is seen or when the Deferred goes.
"""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from selvage.failure import Failure, at_exit, call_later, fingerprint_of, handled_late, report

if TYPE_CHECKING:
    from selvage.defer._debug import DebugInfo

__all__ = ["UNOBSERVED_S", "Early", "Watch", "report_unobserved", "watch"]

# Seconds after which a failure that nobody has looked at is reported. Longer than what a program that waits for several
# operations in turn lets the failed ones wait: time limits of single operations are 30 s as a rule.
UNOBSERVED_S = 60.0

# Seconds after which the garbage collector is asked, at most once in that time: soon for a person, seldom for a machine.
_COLLECT_S = 1.0

# The generation that it is asked to look at, with those below: what was made since its last few visits, some thousand
# objects at most.
_GENERATION = 1

# Entries after which the list is looked through without a driver.
_GROWN = 1000


class Early:
    """What was reported before the Deferred went."""

    __slots__ = ("clock", "failure", "fingerprint", "when", "words")

    def __init__(self, failure: Failure, clock: Callable[[], float]) -> None:
        # Not a weak reference: those are dead already where the collector takes Deferred and failure together.
        self.failure = id(failure)
        self.fingerprint = fingerprint_of(failure)
        self.words = f"{getattr(failure.type, '__name__', failure.type)}: {failure.getErrorMessage()}"
        self.clock = clock
        self.when = clock()

    def was_handled(self, info: DebugInfo) -> bool:
        """Tell whether somebody has taken it from the Deferred."""
        return info.failResult is None or id(info.failResult) != self.failure

    def say(self) -> None:
        handled_late(self.fingerprint, self.words, max(0.0, self.clock() - self.when))


class Watch:
    """Looks at those that were left with a failure.

    Args:
        after: seconds; None does not look before the end of the program.
        clock: gives seconds.
        later: called with seconds and a function.
    """

    def __init__(
        self,
        after: float | None = UNOBSERVED_S,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], object]], object] = call_later,
    ) -> None:
        self.after = after
        self.clock = clock
        self._later = later
        #: Those that came since the last look. The same list always: `_loop` appends to it.
        self.young: list[weakref.ref[DebugInfo]] = []
        #: How many there may be before `grown` is called.
        self.limit = 0
        self._old: list[weakref.ref[DebugInfo]] = []
        self._early: list[weakref.ref[DebugInfo]] = []
        self._looked = 0.0
        self._asked = False
        self._collecting = False
        self._looking = threading.Lock()
        self._ending = False

    def grown(self) -> None:
        """Make sure that somebody looks; called by the first one, and when the list has grown to its limit."""
        fresh = not self.limit
        self.limit = _GROWN
        if fresh and not self._collecting:
            self._collecting = True
            self._later(_COLLECT_S, self.collect)
        if self.after is not None:
            if not self._asked:
                self._looked = self.clock()
                self._ask()
                return
            if fresh:
                return
            if self.clock() - self._looked >= self.after:
                self.look()
                return
        if self._looking.acquire(blocking=False):
            try:
                self._prune()
            finally:
                self._looking.release()

    def _prune(self) -> None:
        """Drop those that need no look, and wait for twice as many as are left."""
        young = self.young
        entered = young[:]
        left = [ref for ref in entered if _left_over(ref) is not None]
        # What other threads append meanwhile stays.
        young[: len(entered)] = left
        self.limit = max(_GROWN, 2 * len(left))

    def collect(self) -> None:
        """Have the garbage collector find circles that were just dropped; see the theory of operation."""
        self._collecting = False
        self.limit = 0
        # A program that has switched it off has its reasons.
        if gc.isenabled() and any(_left_over(ref) is not None for ref in self.young[:]):
            gc.collect(_GENERATION)

    def _ask(self) -> None:
        if self.after is not None:
            self._asked = True
            self._later(self.after, self.look)

    def look(self, everything: bool = False) -> None:
        """Report what was there at the last look and still is; see the theory of operation.

        Args:
            everything: the program ends, nothing gets a second look.
        """
        if not self._looking.acquire(blocking=False):
            return
        try:
            self._looked = self.clock()
            self._asked = False
            self.limit = 0
            entered = self.young[:]
            del self.young[: len(entered)]
            self._early = [ref for ref in self._early if self._is_still_unhandled(ref)]
            old, self._old = self._old, []
            for ref in old:
                info = _left_over(ref)
                if info is not None and info.seen is not None and info.seen() is info.failResult:
                    self._report(ref, info)
            for ref in entered:
                info = _left_over(ref)
                if info is not None and info.early is None:
                    if everything:
                        self._report(ref, info)
                        continue
                    info.seen = weakref.ref(info.failResult)
                    self._old.append(ref)
        finally:
            self._looking.release()
        if self._old or self._early:
            self._ask()

    def look_for_the_last_time(self) -> None:
        """Report all that is left; the program ends."""
        self._ending = True
        # What is old, and what was young; then what this has left over.
        self.look()
        self.look(everything=True)

    def _report(self, ref: weakref.ref[DebugInfo], info: DebugInfo) -> None:
        failure = info.failResult
        assert failure is not None
        # As early as this: who handles it while it is reported is late already.
        info.early = Early(failure, self.clock)
        sites = info._getDebugTracebacks()
        facts = {"debugInfo": sites} if sites else {}
        if report(failure, f"Unhandled error in Deferred, {self._since()}:", source="deferred", **facts):
            self._early.append(ref)
        else:
            info.early = None

    def _since(self) -> str:
        if self._ending:
            return "which is left at the end of the program"
        return f"at which nobody has looked for {self.after:g} s"

    def _is_still_unhandled(self, ref: weakref.ref[DebugInfo]) -> bool:
        info = ref()
        if info is None or info.early is None:
            # It has said so itself.
            return False
        if info.early.was_handled(info):
            early, info.early = info.early, None
            early.say()
            return False
        return True


def _left_over(ref: weakref.ref[DebugInfo]) -> Any:
    """Give the sentinel, if it is there and has a failure."""
    info = ref()
    return None if info is None or info.failResult is None else info


#: Of this process.
watch = Watch()
at_exit(watch.look_for_the_last_time)


def report_unobserved(after: float | None = UNOBSERVED_S) -> None:
    """Set how long a failed Deferred may stay unobserved, while somebody holds it, before its failure is reported.

    Args:
        after: seconds; reported between one and two times as long after it failed. It holds from the next look on.
            None waits until the last reference goes, or the program ends.
    """
    if after is not None and after <= 0:
        raise ValueError(f"after={after} has to be above 0 seconds, or None")
    watch.after = after
