"""What a Deferred keeps about itself beside its result: unhandled failures, and sites in debug mode.  Floor 0.

`DebugInfo` is the sentinel of a failure that nobody has handled yet. A Deferred makes one when its callbacks have run
and a Failure is left over, and holds the only reference to it; so when the last reference to the Deferred goes, the
sentinel's `__del__` runs and hands the failure to the hub. A Deferred that succeeds never has one, which is the reason
that `Deferred` itself has no `__del__`. In debug mode the same object also says where the Deferred was created and
first fired.

A site is a list of (code, line) pairs, innermost first, kept without formatting anything: debug mode is meant to be
left on in a test run, and nearly no site is ever read.
"""

from __future__ import annotations

import linecache
import os
import sys
import time
import weakref
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from selvage.errors import AlreadyCalledError
from selvage.failure import Failure, report
from selvage.failure._frames import is_program
from selvage.failure._trail import Place, forget, note

if TYPE_CHECKING:
    from selvage.defer._deferred import Deferred
    from selvage.defer._unobserved import Early

__all__ = ["DebugInfo", "Site", "here", "place_here", "place_of", "record_firing", "refuse"]

Site = list[tuple[CodeType, int]]

# Frames kept of each site. The innermost ones tell where it happened; a hundred is deeper than most programs get
# before they are in the reactor's own frames.
SITE_DEPTH = 100

_PACKAGE = os.path.dirname(__file__) + os.sep


def here() -> Site:
    """Record the stack without formatting it, from the innermost frame that is not of this package."""
    site: Site = []
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back  # type: ignore[assignment]
    while frame is not None and len(site) < SITE_DEPTH:
        site.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back  # type: ignore[assignment]
    return site


def place_of(site: Site | None) -> Place | None:
    """Give the innermost place of the program in a site; of a site without any, its innermost place."""
    if not site:
        return None
    code, line = next((each for each in site if is_program(each[0].co_filename)), site[0])
    return code.co_name, code.co_filename, line


def place_here() -> Place | None:
    """Tell where the program is that called into this package: the same as `place_of(here())`, without the whole stack."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if is_program(code.co_filename):
            return code.co_name, code.co_filename, frame.f_lineno
        frame = frame.f_back
    return place_of(here())


def _format(site: Site, mark: str, title: str) -> str:
    lines = [f" {mark}: {title}"]
    for code, line in reversed(site):
        lines.append(f' {mark}:  File "{code.co_filename}", line {line}, in {code.co_name}')
        text = linecache.getline(code.co_filename, line).strip()
        if text:
            lines.append(f" {mark}:    {text}")
    return "\n".join(lines) + "\n"


class DebugInfo:
    """The unhandled failure of one Deferred, and in debug mode its sites.

    Attributes:
        failResult: the failure that is left over; None once somebody took it.
        creator: where the Deferred was made, in debug mode.
        made_at: when that was, in seconds since the epoch.
        invoker: where it was first fired, in debug mode.

    Twisted: as `twisted.internet.defer.DebugInfo`; the sites are recorded frames here, not text.
    """

    failResult: Failure | None = None
    #: Which failure was left over when somebody looked for those that stay unobserved, and what was said of it then.
    seen: weakref.ref[Failure] | None = None
    early: Early | None = None
    creator: Site | None = None
    invoker: Site | None = None
    made_at: float | None = None
    #: When it was first fired, in seconds since the epoch; debug mode.
    fired_at: float | None = None

    @property
    def made(self) -> Place | None:
        """The line of the program that made the Deferred."""
        return place_of(self.creator)

    @property
    def first_fired(self) -> Place | None:
        """The line of the program that first fired it."""
        return place_of(self.invoker)

    def created(self) -> None:
        """Record that the Deferred is made."""
        self.creator = here()
        self.made_at = time.time()

    def fired(self) -> None:
        """Record that the Deferred is fired for the first time."""
        self.invoker = here()
        self.fired_at = time.time()

    def when(self) -> str:
        """Say when it was first fired, as the end of a sentence."""
        if self.fired_at is None:
            return ""
        clock = time.strftime("%H:%M:%S", time.localtime(self.fired_at))
        return f" at {clock}, {time.time() - self.fired_at:.3f} s ago"

    def _getDebugTracebacks(self) -> str:
        text = ""
        if self.creator is not None:
            text += _format(self.creator, "C", "Deferred was created:")
        if self.invoker is not None:
            text += _format(self.invoker, "I", "First Invoker was:")
        return text

    def __del__(self) -> None:
        failure = self.failResult
        early = self.early
        if early is not None and early.was_handled(self):
            self.early = None
            early.say()
        if failure is None:
            return
        # A failure that is found again by what runs now must not be reported again.
        self.failResult = None
        sites = self._getDebugTracebacks()
        if sites:
            report(failure, "Unhandled error in Deferred:", source="deferred", debugInfo=sites)
        else:
            report(failure, "Unhandled error in Deferred:", source="deferred")


def record_firing(d: Deferred[Any], result: object, afresh: bool = False) -> None:
    """Record in debug mode that `d` is fired for the first time, and with what.

    Args:
        afresh: somebody called `errback`; else it is what another Deferred or a coroutine came to.
    """
    info = d._debugInfo
    if info is None:
        info = d._debugInfo = DebugInfo()
    info.fired()
    if isinstance(result, Failure):
        if afresh and result.tb is None:
            # Of an exception that is used again and again, perhaps; then this is another way.
            forget(result.value)
        note(result.value, "fired", added=None, made=info.made, fired=info.first_fired)


def refuse(d: Deferred[Any]) -> None:
    """A fired Deferred was fired again: swallow the result that comes after a cancellation, else complain."""
    if d._suppressAlreadyCalled:
        d._suppressAlreadyCalled = False
        return
    info = d._debugInfo
    sites = info._getDebugTracebacks() if info is not None and d.debug else ""
    error = AlreadyCalledError()
    if info is not None and sites:
        error = AlreadyCalledError(f"{d!r} has fired already{info.when()}; a Deferred fires once.\n{sites}")
    error.explanation = (
        f"{d!r} has fired already; a Deferred fires once. "
        "Selvage tells where it was created and first fired after selvage.defer.setDebugging(True)"
    )
    raise error
