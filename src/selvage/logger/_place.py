"""Who called the log system, past its own frames.  Floor 1."""

from __future__ import annotations

from types import FrameType

__all__ = ["outside"]

_PACKAGE = __name__.rpartition(".")[0] + "."


def outside(frame: FrameType | None) -> FrameType | None:
    """Return the first frame from this one outwards that is not the log system's own."""
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_PACKAGE):
        frame = frame.f_back
    return frame
