"""Who wakes the hub later: the reactor, while there is one.  Floor 0.

What is only counted has to be summed up after a while, and failed Deferreds have to be looked at again. A library must not
start a thread for that. So whoever runs a loop lends it (`drive`); without one, the next report after that time does what
is due, and the end of the program does at the latest.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable

__all__ = ["CallLater", "Work", "at_exit", "call_later", "drive", "drop"]

#: Called with seconds and a function, from any thread.
CallLater = Callable[[float, Callable[[], object]], object]

Work = Callable[[], object]

_drivers: tuple[CallLater, ...] = ()
#: What is on its way: the seconds asked for, and the driver; None while there is none.
_asked: dict[Work, tuple[float, CallLater | None]] = {}
_at_exit: list[Work] = []


def drive(call: CallLater) -> None:
    """Lend a way to have functions called later, in any thread; what was waiting for one is asked of it."""
    global _drivers
    _drivers = (call, *(each for each in _drivers if each != call))
    _ask_again(None)


def drop(call: CallLater) -> None:
    """Take back what was lent."""
    global _drivers
    _drivers = tuple(each for each in _drivers if each != call)
    _ask_again(call)


def _ask_again(driver: CallLater | None) -> None:
    """Ask anew for what was asked of a driver that is gone, or of nobody."""
    for f, (delay, asked) in list(_asked.items()):
        if asked == driver:
            _asked.pop(f, None)
            call_later(delay, f)


def call_later(delay: float, f: Work) -> None:
    """Have `f` called after some seconds, once however often it is asked for; without a driver when there is one."""
    global _drivers
    if f in _asked:
        return

    def run() -> None:
        if _asked.pop(f, None) is not None:
            f()

    for call in _drivers:
        _asked[f] = (delay, call)
        try:
            call(delay, run)
        except RuntimeError:
            # Its loop has been closed meanwhile.
            _drivers = tuple(each for each in _drivers if each != call)
            continue
        return
    _asked[f] = (delay, None)


def at_exit(f: Work) -> None:
    """Call `f` when the program ends; what was asked for later comes earlier."""
    _at_exit.append(f)


@atexit.register
def _end() -> None:
    for f in reversed(_at_exit):
        f()
