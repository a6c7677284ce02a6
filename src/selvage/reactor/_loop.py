"""The asyncio loop under a reactor: making one, adopting one, closing one.  Floor 2; knows no reactor."""

from __future__ import annotations

import asyncio
import warnings
import weakref
from collections.abc import Callable
from typing import Any

from selvage.failure import Failure, report

from ._platform import IS_WINDOWS

__all__ = [
    "IN_SIGNAL_HANDLER",
    "claim",
    "close_loop",
    "close_quietly",
    "current_unclaimed_loop",
    "handle_exception",
    "is_its_own",
    "make_current",
    "new_event_loop",
    "release",
    "running_loop",
]

# Loops that belong to a reactor: another reactor must not adopt them.
_claimed: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()

# How long tasks that were cancelled at the end of a run may take to clean up after themselves.
_CLEANUP_PATIENCE_S = 5.0

#: What is said of a signal handler that raised.
IN_SIGNAL_HANDLER = "Unhandled error in a signal handler"

#: Returns the loop that runs in this thread, or None.
running_loop: Callable[[], asyncio.AbstractEventLoop | None] = asyncio._get_running_loop


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Make a loop: uvloop's where uvloop is installed, else asyncio's."""
    if IS_WINDOWS:
        # The default there, a proactor, watches no descriptors.
        return asyncio.SelectorEventLoop()
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def current_unclaimed_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that the program has set for this thread (`asyncio.set_event_loop`) for a reactor to use.

    None when it set none, or when that one is closed, is running, or belongs to another reactor.
    """
    # Not asyncio.get_event_loop(): where none was set it makes one, or warns, or raises, as the Python version will.
    loop = getattr(_policy_slot(), "_loop", None)
    if loop is None or loop.is_closed() or loop.is_running() or loop in _claimed:
        return None
    found: asyncio.AbstractEventLoop = loop
    return found


def make_current(loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    """Make this the loop that `asyncio.get_event_loop` returns in this thread; return what undoes it."""
    local = _policy_slot()
    previous = getattr(local, "_loop", None)
    was_set = getattr(local, "_set_called", False)
    asyncio.set_event_loop(loop)

    def restore() -> None:
        # Not through set_event_loop(None), after which get_event_loop would raise where it made a loop before.
        local = _policy_slot()
        if local is not None and getattr(local, "_loop", None) is loop:
            local._loop = previous
            local._set_called = was_set

    return restore


def _policy_slot() -> Any:
    """Return the place where asyncio keeps this thread's current loop; None for a policy that has another."""
    return getattr(asyncio.events._event_loop_policy, "_local", None)  # type: ignore[attr-defined]


def claim(loop: asyncio.AbstractEventLoop) -> None:
    """Note that this loop belongs to a reactor."""
    _claimed.add(loop)


def release(loop: asyncio.AbstractEventLoop) -> None:
    """Note that this loop belongs to no reactor any more."""
    _claimed.discard(loop)


def handle_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Send to the hub what asyncio has to complain about; the loop's exception handler."""
    message = context.get("message") or "Unhandled error in the event loop"
    error = context.get("exception")
    if error is None:
        error = RuntimeError(message)
    details = {
        key: value
        for key, value in context.items()
        if key not in ("message", "exception", "failure", "source")
    }
    source = "asyncio"
    if "_read_from_self" in message:
        # Where uvloop lets the program's signal handlers run.
        source, message = "signal", IN_SIGNAL_HANDLER
    report(Failure(error), message, source=source, **details)


def is_its_own(error: BaseException) -> bool:
    """Tell whether a loop itself raised this, and not a function of the program's that interrupted it."""
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    name = "" if tb is None else tb.tb_frame.f_globals.get("__name__", "")
    return name.partition(".")[0] in ("asyncio", "selectors", "uvloop", "selvage")


def close_loop(loop: asyncio.AbstractEventLoop) -> None:
    """End what still runs on a loop that has stopped, and close it.

    Tasks are cancelled and awaited for a while, asynchronous generators closed, the default executor shut down.
    """
    if loop.is_closed() or loop.is_running():
        return
    try:
        if running_loop() is None:
            _cancel_tasks(loop)
            loop.run_until_complete(loop.shutdown_asyncgens())
            if getattr(loop, "_default_executor", None) is not None:
                loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        _close(loop)


def close_quietly(loop: asyncio.AbstractEventLoop) -> None:
    """Close a loop whose reactor nobody holds any more."""
    if not loop.is_running():
        _close(loop)


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """Close a loop; what was left open on it is warned of.

    uvloop 0.23 waits for ever when such a warning is made an error, as many test suites do.
    """
    with warnings.catch_warnings():
        if _may_raise(ResourceWarning):
            warnings.simplefilter("always", ResourceWarning)
        loop.close()


def _may_raise(kind: type[Warning]) -> bool:
    """Tell whether the program has made an error of some warnings of a kind."""
    for action, message, category, module, _ in warnings.filters:
        if issubclass(kind, category):
            if action == "error":
                return True
            if message is None and module is None:
                return False
    return False


def _cancel_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    if not tasks:
        return
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.wait(tasks, timeout=_CLEANUP_PATIENCE_S))
    for task in tasks:
        if task.done() and not task.cancelled() and task.exception() is not None:
            report(
                Failure(task.exception()),
                "Unhandled error in a task while it was cancelled",
                source="asyncio",
                task=task,
            )
