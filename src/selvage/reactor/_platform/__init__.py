"""What the operating system can do.  Floor 2; the only package of Selvage that reads `sys.platform`.

Elsewhere one asks for a capability by its name here.
"""

from __future__ import annotations

import signal
import sys

__all__ = [
    "CAN_REUSE_ADDRESS",
    "HOSTS_PATH",
    "IS_LINUX",
    "IS_MACOS",
    "IS_WINDOWS",
    "PLATFORM_TYPE",
    "SERVICES_PATH",
    "STOP_SIGNALS",
]

IS_LINUX = sys.platform.startswith("linux")
IS_MACOS = sys.platform == "darwin"
IS_WINDOWS = sys.platform == "win32"

#: With SO_REUSEADDR a port that was just released can be bound again, and without it not; elsewhere (Windows, Cygwin)
#: that is so anyway, and the option lets another process steal the port.
CAN_REUSE_ADDRESS = sys.platform not in ("win32", "cygwin")

#: "posix" or "win32", as Twisted's `platformType`.
PLATFORM_TYPE = "win32" if IS_WINDOWS else "posix"

#: The file in which the system looks up names before it asks the network; None on Windows, whose resolver has it in memory.
HOSTS_PATH = None if IS_WINDOWS else "/etc/hosts"

#: Says whether the hosts file is what the system looks at first; None where that is never a question.
SERVICES_PATH = None if IS_WINDOWS or IS_MACOS else "/etc/nsswitch.conf"


def _stop_signals() -> dict[str, int]:
    names = {"sigInt": "SIGINT", "sigTerm": "SIGTERM", "sigBreak": "SIGBREAK"}
    return {method: int(getattr(signal, name)) for method, name in names.items() if hasattr(signal, name)}


#: Handler method of the reactor -> number of a signal that asks a program to stop; SIGBREAK is there on Windows only.
STOP_SIGNALS = _stop_signals()
