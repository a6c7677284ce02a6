"""Failures: exceptions as values, their reports, and the hub where those arrive that nobody handled.  Floor 0.

    from selvage.failure import Failure, report, subscribe

Twisted: `twisted.python.failure`, and the hub.
"""

from __future__ import annotations

from selvage.failure._failure import (
    DO_POST_MORTEM,
    DefaultException,
    Failure,
    NoCurrentExceptionError,
    failure,
    startDebugMode,
)
from selvage.failure._hub import Report, report, set_default_reporter, subscribe, unsubscribe
from selvage.failure._render import EXCEPTION_CAUGHT_HERE, format_frames

__all__ = [
    "DO_POST_MORTEM",
    "EXCEPTION_CAUGHT_HERE",
    "DefaultException",
    "Failure",
    "NoCurrentExceptionError",
    "Report",
    "failure",
    "format_frames",
    "report",
    "set_default_reporter",
    "startDebugMode",
    "subscribe",
    "unsubscribe",
]

# Tracebacks, pickles and reports show the address that users import from.
for _public in (
    DefaultException,
    Failure,
    NoCurrentExceptionError,
    Report,
    failure,
    format_frames,
    report,
    set_default_reporter,
    startDebugMode,
    subscribe,
    unsubscribe,
):
    _public.__module__ = __name__
del _public
