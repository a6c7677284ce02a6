"""The signals that stop a reactor: installed while it runs, put back afterwards.  Floor 2.

Handlers are installed with `signal.signal`, not through the loop: both asyncio and uvloop let Python's own handlers run,
and what was there before can be put back exactly.
"""

from __future__ import annotations

import signal
import threading
from typing import Any

from ._platform import STOP_SIGNALS

__all__ = ["StopSignals"]


class StopSignals:
    """SIGINT, SIGTERM and, where it exists, SIGBREAK, tied to `sigInt`, `sigTerm` and `sigBreak` of a reactor."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._previous: dict[int, Any] = {}

    def install(self) -> None:
        """Install the handlers; outside the main thread, where Python allows none, do nothing.

        A SIGINT handler that the program has put in place of Python's own stays.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        for method, number in STOP_SIGNALS.items():
            previous = signal.getsignal(number)
            if number == signal.SIGINT and previous is not signal.default_int_handler:
                continue
            signal.signal(number, getattr(self._reactor, method))
            self._previous[number] = previous

    def uninstall(self) -> None:
        """Put back what was there before, except where the program has installed something else meanwhile."""
        for number, previous in self._previous.items():
            # None: a handler that was not installed from Python; it cannot be put back, and the default is nearest.
            if getattr(signal.getsignal(number), "__self__", None) is self._reactor:
                signal.signal(number, signal.SIG_DFL if previous is None else previous)
        self._previous.clear()
