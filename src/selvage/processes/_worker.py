"""What a worker process of a pool does: take calls one after the other, until nobody can send any.  Floor 3."""

from __future__ import annotations

import os
import pickle
import signal
from typing import Any, BinaryIO

from selvage.failure import Failure
from selvage.processes._messages import LENGTH, pack_outcome

__all__ = ["main"]


def main(calls: int, outcomes: int) -> None:
    """Serve the pool.

    Args:
        calls: descriptor from which calls come: first what makes this process like the pool's, then
            `(function, args, kwargs)` each.
        outcomes: descriptor to which `(succeeded, result or Failure)` goes for each.
    """
    # Ctrl-C goes to everybody at this terminal; the pool's process decides what that means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with os.fdopen(calls, "rb") as reader, os.fdopen(outcomes, "wb") as writer:
        _prepare(_read(reader))
        while True:
            message = _read(reader)
            if message is None:
                return
            writer.write(_answer(message))
            writer.flush()


def _read(reader: BinaryIO) -> bytes | None:
    """Read one message; None when the pool is gone."""
    head = reader.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return reader.read(LENGTH.unpack(head)[0])


def _prepare(message: bytes | None) -> None:
    """Look for modules where the pool's process does, and know its main module by name."""
    if message is None:
        return
    from multiprocessing import current_process, spawn

    # Programs that do not ask whether they are the main module would start workers here, which start workers, without end.
    # multiprocessing refuses to, and `ProcessPool._start` with it, while this says so.
    process: Any = current_process()
    process._inheriting = True
    try:
        spawn.prepare(pickle.loads(message))
    finally:
        del process._inheriting


def _answer(message: bytes) -> bytes:
    try:
        function, args, kwargs = pickle.loads(message)
        result: Any = function(*args, **kwargs)
    except BaseException:
        # SystemExit and KeyboardInterrupt, too: they are the call's affair, and the worker has more to do.
        return pack_outcome(False, _without_this_module(Failure()))
    return pack_outcome(True, result)


def _without_this_module(failure: Failure) -> Failure:
    """Return the failure with the frames of the call alone."""
    failure.frames = [frame for frame in failure.frames if frame[1] != __file__] or failure.frames
    return failure
