"""Failures: exceptions as values, their reports, and the hub where those arrive that nobody handled.  Floor 0.

    from selvage.failure import Failure, report, subscribe

Twisted: `twisted.python.failure`, and the hub.
"""

from __future__ import annotations

from selvage._publish import publish
from selvage.failure._failure import (
    DO_POST_MORTEM,
    DefaultException,
    Failure,
    NoCurrentExceptionError,
    failure,
    plain_init as plain_init,  # for selvage.defer: see there
    special_results as special_results,  # for selvage.defer: see there
    startDebugMode,
)
from selvage.failure._fingerprint import fingerprint
from selvage.failure._frames import machinery
from selvage.failure._hub import (
    Report,
    printable as printable,  # for selvage.demo
    printable_traceback as printable_traceback,  # for selvage.demo
    report,
    set_default_reporter,
    subscribe,
    unsubscribe,
)
from selvage.failure._render import EXCEPTION_CAUGHT_HERE, format_frames

__all__ = [
    "DO_POST_MORTEM",
    "EXCEPTION_CAUGHT_HERE",
    "DefaultException",
    "Failure",
    "NoCurrentExceptionError",
    "Report",
    "failure",
    "fingerprint",
    "format_frames",
    "machinery",
    "report",
    "set_default_reporter",
    "startDebugMode",
    "subscribe",
    "unsubscribe",
]

publish(globals())
