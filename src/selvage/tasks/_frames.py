"""Failures that begin in the user's code.  Floor 2."""

from __future__ import annotations

from selvage.failure import Failure

__all__ = ["failure_below"]


def failure_below(error: BaseException) -> Failure:
    """Make a Failure of an exception just caught, leaving out the frame that caught it.

    That frame says nothing to the user; and it would tie a knot: the frame holds the task, the task its Deferred, the
    Deferred the Failure, the Failure the frame.  An unhandled failure would then not be reported until the garbage
    collector comes by.
    """
    traceback = error.__traceback__
    if traceback is not None:
        error.__traceback__ = traceback.tb_next
    return Failure(error)
