"""Failures: exceptions as values, their reports, and the hub where those arrive that nobody handled.  Floor 0.

    from selvage.failure import Failure, report, subscribe

Twisted: `twisted.python.failure`, and the hub.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from selvage._publish import load_late, publish
from selvage.failure._debug_mode import DO_POST_MORTEM, startDebugMode
from selvage.failure._failure import (
    DefaultException,
    Failure,
    NoCurrentExceptionError,
    failure,
    plain_init as plain_init,  # for selvage.defer: see there
    special_results as special_results,  # for selvage.defer: see there
)
from selvage.failure._fingerprint import fingerprint
from selvage.failure._frames import (
    machinery,
    safe_repr as safe_repr,  # for selvage.logger
    safe_str as safe_str,  # for selvage.logger
)
from selvage.failure._groups import (
    Group,
    collectors as collectors,  # for selvage.testing
    fingerprint_of as fingerprint_of,  # for selvage.defer
)
from selvage.failure._handling import (
    Convert,
    Kind,
    Suppress,
    as_kinds as as_kinds,  # for selvage.defer
    convert,
    handle as handle,  # for selvage.defer
    split,
    suppress,
)
from selvage.failure._hooks import hooks_installed, install_hooks, uninstall_hooks
from selvage.failure._hub import (
    ReportsDropped,
    Silence,
    SlowSubscriber,
    flush,
    forget,
    handled_late as handled_late,  # for selvage.defer
    limit_reports,
    prints_reports as prints_reports,  # for the debugger
    recent,
    report,
    set_default_reporter,
    silence,
    subscribe,
    unsubscribe,
)
from selvage.failure._later import (
    CallLater as CallLater,  # for selvage.reactor
    at_exit as at_exit,  # for selvage.defer
    call_later as call_later,  # for selvage.defer
    drive as drive,  # for selvage.reactor
    drop as drop,  # for selvage.reactor
)
from selvage.failure._layout import to_text
from selvage.failure._printable import printable as printable  # for selvage.demo
from selvage.failure._render import EXCEPTION_CAUGHT_HERE, format_frames
from selvage.failure._report import Report
from selvage.failure._story import Story, StoryFrame, StoryStep
from selvage.failure._terminal import (
    printable_traceback as printable_traceback,  # for selvage.demo and selvage.logger
    to_terminal,
)

if TYPE_CHECKING:
    from selvage.failure._explain import explain
    from selvage.failure._html import to_html
    from selvage.failure._json import from_json, to_json
    from selvage.failure._locals import Locals

__all__ = [
    "DO_POST_MORTEM",
    "EXCEPTION_CAUGHT_HERE",
    "Convert",
    "DefaultException",
    "Failure",
    "Group",
    "Kind",
    "Locals",
    "NoCurrentExceptionError",
    "Report",
    "ReportsDropped",
    "Silence",
    "SlowSubscriber",
    "Story",
    "StoryFrame",
    "StoryStep",
    "Suppress",
    "convert",
    "explain",
    "failure",
    "fingerprint",
    "flush",
    "forget",
    "format_frames",
    "from_json",
    "hooks_installed",
    "install_hooks",
    "limit_reports",
    "machinery",
    "recent",
    "report",
    "set_default_reporter",
    "silence",
    "split",
    "startDebugMode",
    "subscribe",
    "suppress",
    "to_html",
    "to_json",
    "to_terminal",
    "to_text",
    "uninstall_hooks",
    "unsubscribe",
]

# What only a report that somebody reads needs is loaded when the first is written.
_LATE = {
    "Locals": "selvage.failure._locals",
    "explain": "selvage.failure._explain",
    "from_json": "selvage.failure._json",
    "to_html": "selvage.failure._html",
    "to_json": "selvage.failure._json",
}

if not TYPE_CHECKING:
    __getattr__ = load_late(globals(), _LATE)

publish(globals())

if os.environ.get("SELVAGE_PDB", "0") not in ("", "0"):
    from selvage.failure._debugger import debug_unhandled

    subscribe(lambda report: debug_unhandled(report, prints_reports()))
