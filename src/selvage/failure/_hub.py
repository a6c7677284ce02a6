"""The hub: where every Failure arrives that nobody handled.  Floor 0.

Whoever drops, catches or is left with a failure calls `report`. Who wants to know of them calls `subscribe`; whatever
the subscribers do, the *default reporter* comes first and leaves a trace: it prints to standard error until a log
system takes its place.

Three rules, each for a reason:

* *Once.* A failure often leaves by two doors: a Deferred that nobody waits for, and the exception that was raised out
  of it. The exception object is marked when it is first reported, so the mark lives as long as the exception and a
  different exception, equal or not, is a different report. (A list of identities on the side would need weak
  references, which most built-in exceptions do not support, or would keep tracebacks alive.)
* *No lock while others run.* `report` may be called by the garbage collector, in any thread, in the middle of
  anything, `report` itself included; so it takes no lock.
* *No loops.* What a subscriber raises goes to the default reporter alone. What a subscriber reports, while it runs,
  is not given to it again; so a subscriber that fails on every report ends after as many steps as there are subscribers.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from selvage.failure._failure import Failure
from selvage.failure._frames import safe_repr
from selvage.failure._printable import printable
from selvage.failure._terminal import printable_traceback

__all__ = ["Report", "report", "set_default_reporter", "subscribe", "unsubscribe"]

# The longest `repr` of a context fact that the printed report shows, in characters: two or three terminal lines.
_FACT_LIMIT = 200

_MARK = "__selvage_reported__"


@dataclass(frozen=True, slots=True)
class Report:
    """One unhandled failure, as subscribers get it."""

    #: What happened.
    failure: Failure
    #: Where it was left over, in words; the line above the traceback.
    message: str = "Unhandled error"
    #: The same in one word: "deferred", "timer", "protocol", "thread", "reader", "signal", "asyncio", "trigger", ...
    source: str = ""
    #: Facts by name: the Deferred, the timer, the connection...
    context: dict[str, Any] = field(default_factory=dict)
    #: When, in seconds since the epoch.
    time: float = field(default_factory=time.time)


Subscriber = Callable[[Report], object]


class _Mark:
    """On an exception: it has been reported. Valid for that very object only; a copy carries a dead one."""

    __slots__ = ("owner",)

    def __init__(self, owner: object) -> None:
        self.owner = id(owner)

    def __reduce__(self) -> tuple[type[int], tuple[()]]:
        # The unpickled exception is another one, perhaps where nobody knows this class.
        return int, ()


class _Running(threading.local):
    """The subscribers that are running in this thread, outermost first."""

    subscribers: tuple[Subscriber, ...] = ()


# Tuples, replaced whole: `report` reads them without a lock.
_subscribers: tuple[Subscriber, ...] = ()
_change = threading.RLock()
_running = _Running()


def subscribe(f: Subscriber) -> None:
    """Call `f` with the `Report` of each unhandled failure from now on; subscribing twice is the same as once.

    Args:
        f: called in the thread in which the failure was left over, perhaps by the garbage collector in the middle of
            anything: it should be quick, and hand work that waits or takes locks to somebody else.
    """
    global _subscribers
    if not callable(f):
        raise TypeError(f"subscribe() takes a function of one Report, not {safe_repr(f)}")
    with _change:
        if f not in _subscribers:
            _subscribers = (*_subscribers, f)


def unsubscribe(f: Subscriber) -> None:
    """Stop calling `f`.

    Raises:
        ValueError: `f` is not subscribed.
    """
    global _subscribers
    with _change:
        if f not in _subscribers:
            raise ValueError(
                f"{safe_repr(f)} is not subscribed to unhandled failures; was it unsubscribed before?"
            )
        _subscribers = tuple(each for each in _subscribers if each != f)


def set_default_reporter(f: Subscriber | None) -> Subscriber | None:
    """Replace the reporter that leaves the trace of each unhandled failure; give the one before.

    Args:
        f: called as subscribers are, before them, and also with what subscribers raise; None leaves no trace.
    """
    global _default_reporter
    with _change:
        previous = _default_reporter
        _default_reporter = f
        return previous


def report(
    failure: BaseException, message: str = "Unhandled error", *, source: str = "", **context: Any
) -> None:
    """Hand over a failure that nobody handled; it is reported once, however often it is handed over.

    Never raises. May be called in any thread and in finalizers.

    Args:
        failure: a Failure, or an exception to make one of.
        message: where it was left over, in words.
        source: the same in one word; see `Report.source`.
        context: facts for subscribers, by name.
    """
    try:
        if not isinstance(failure, Failure):
            failure = Failure(failure)
        if not _first_time(failure):
            return
        record = Report(failure, message, source, context)
    except BaseException as error:
        # Somebody's attribute access gets in the way of even this much.
        _print_last_resort(error)
        return
    _deliver(record)


def _first_time(failure: Failure) -> bool:
    """Mark the exception as reported; tell whether it was not before."""
    owner: Any = failure.value if isinstance(failure.value, BaseException) else failure
    # Past any __setattr__ or __dict__ of the user's class.
    attributes: dict[str, Any] = _own_dict(owner)
    mark = _Mark(owner)
    # One step for the interpreter: of two threads one finds its own mark.
    found = attributes.setdefault(_MARK, mark)
    if found is mark:
        return True
    if getattr(found, "owner", None) == mark.owner:
        return False
    attributes[_MARK] = mark
    return True


_own_dict: Callable[[BaseException], dict[str, Any]] = BaseException.__dict__["__dict__"].__get__


def _deliver(record: Report) -> None:
    _call_default(record)
    for subscriber in _subscribers:
        error = _call(subscriber, record)
        if error is not None:
            _call_default(
                Report(
                    Failure(error),
                    f"Error in {safe_repr(subscriber)}, which subscribed to failures",
                    "subscriber",
                )
            )


def _call_default(record: Report) -> None:
    reporter = _default_reporter
    if reporter is None:
        return
    if reporter in _running.subscribers:
        # The reporter itself left a failure over.
        _print_last_resort(record.failure)
        return
    error = _call(reporter, record)
    if error is not None:
        _print_last_resort(record.failure)
        _print_last_resort(error)


def _call(subscriber: Subscriber, record: Report) -> BaseException | None:
    """Call one subscriber unless it is already running in this thread; give what it raised."""
    outer = _running.subscribers
    if subscriber in outer:
        return None
    _running.subscribers = (*outer, subscriber)
    try:
        subscriber(record)
    except BaseException as error:
        return error
    finally:
        _running.subscribers = outer
    return None


def _print_report(record: Report) -> None:
    """Print a report to standard error, in one write so that threads do not mix their lines."""
    stream = sys.stderr
    if stream is None:
        return
    lines = [record.message]
    for name, value in record.context.items():
        if isinstance(value, str):
            # Text is meant to be read: whole, and below its name when it has several lines.
            lines.append(f"  {name}:\n{value.rstrip()}" if "\n" in value else f"  {name}: {value}")
            continue
        text = safe_repr(value)
        lines.append(f"  {name}: {text if len(text) <= _FACT_LIMIT else text[:_FACT_LIMIT] + '...'}")
    stream.write(printable("\n".join(lines)) + "\n" + printable_traceback(record.failure) + "\n")
    stream.flush()


def _print_last_resort(error: BaseException) -> None:
    """Say something about `error` on the real standard error; nobody is left to tell when that fails too."""
    stream = sys.__stderr__
    try:
        if stream is not None:
            failure = error if isinstance(error, Failure) else Failure(error)
            stream.write(
                "An unhandled failure could not be reported in the usual way:\n"
                + printable_traceback(failure)
                + "\n"
            )
            stream.flush()
    except BaseException:
        pass


_default_reporter: Subscriber | None = _print_report
