"""Twisted's debug mode: the debugger for each Failure that is made.  Floor 0."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from selvage.failure._failure import Failure, plain_init
from selvage.failure._frames import safe_str

__all__ = ["DO_POST_MORTEM", "startDebugMode"]

#: Whether debug mode opens the debugger at all.
DO_POST_MORTEM = True


def _debugging_init(
    self: Failure,
    exc_value: Any = None,
    exc_type: Any = None,
    exc_tb: TracebackType | None = None,
    captureVars: bool = False,
) -> None:
    plain_init(self, exc_value, exc_type, exc_tb, captureVars)
    if DO_POST_MORTEM and self.tb is not None:
        import pdb  # noqa: T100

        print(f"Jumping into debugger for post-mortem of exception '{safe_str(self.value)}':")
        pdb.post_mortem(self.tb)


def startDebugMode() -> None:
    """From now on open the debugger on the traceback of every Failure that is made."""
    Failure.__init__ = _debugging_init  # type: ignore[method-assign]
