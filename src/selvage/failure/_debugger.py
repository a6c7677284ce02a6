"""The debugger, at the frame that raised.  Floor 0.

`Failure.pdb()` opens it. With `SELVAGE_PDB=1` in the environment it opens by itself for each failure that nobody handled,
in the thread in which that was left over, one at a time; the program waits meanwhile.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING

from selvage.failure._frames import shown
from selvage.failure._printable import printable

if TYPE_CHECKING:
    from selvage.failure._failure import Failure
    from selvage.failure._report import Report

__all__ = ["debug_unhandled", "post_mortem"]

_terminal = threading.Lock()


def post_mortem(failure: Failure, printed: bool = False) -> None:
    """Open the debugger on the frames that a report shows, at the innermost.

    Args:
        printed: the report is on the screen already.

    Raises:
        ValueError: the failure has no live frames.
    """
    # Imported late: only who debugs needs it.
    import pdb  # noqa: T100

    entries = shown(failure.tb)
    if not entries:
        raise ValueError(
            f"{failure!r} has no live frames to look at: it was never raised, or it was cleaned or came from elsewhere"
        )
    traceback: TracebackType | None = None
    for entry in reversed(entries):
        traceback = TracebackType(traceback, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    with _terminal:
        if not printed:
            print(printable(failure.getTraceback()))
        pdb.post_mortem(traceback)


def debug_unhandled(report: Report, others_print: bool) -> None:
    """Subscribe this to the hub to look at each failure that nobody handled.

    Args:
        others_print: the hub prints reports itself, as where no log has been set up: the first of each kind.
    """
    if report.failure.tb is not None:
        post_mortem(report.failure, printed=others_print and report.count == 1)
