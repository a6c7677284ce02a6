"""The hub: where every Failure arrives that nobody handled.  Floor 0.

Whoever drops, catches or is left with a failure calls `report`. Who wants to know of them calls `subscribe`; whatever
the subscribers do, the *default reporter* comes first and leaves a trace: it prints to standard error until a log
system takes its place.

Five rules, each for a reason:

* *Once.* A failure often leaves by two doors: a Deferred that nobody waits for, and the exception that was raised out
  of it. The exception object is marked when it is first reported, so the mark lives as long as the exception and a
  different exception, equal or not, is a different report. (A list of identities on the side would need weak
  references, which most built-in exceptions do not support, or would keep tracebacks alive.)
* *All are counted, few are told.* See `_groups`: equal failures beyond the first few in a window are summed up.
* *No lock.* `report` may be called by the garbage collector, in any thread, in the middle of anything, `report` itself
  included; so it takes no lock.
* *No loops.* What a subscriber raises goes to the default reporter alone. What a subscriber reports, while it runs,
  is not given to it again; so a subscriber that fails on every report ends after as many steps as there are subscribers.
* *Nobody waits unnoticed.* A subscriber that takes long is named, with its duration; one that may wait gets a thread.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Any

from selvage.failure import _later
from selvage.failure._background import QUEUE_LIMIT, Background
from selvage.failure._failure import Failure
from selvage.failure._filters import Filter
from selvage.failure._frames import safe_repr
from selvage.failure._groups import AT_MOST, GROUPS, WINDOW_S, Group, Groups, fingerprint_of
from selvage.failure._handling import Kind
from selvage.failure._printable import printable
from selvage.failure._report import Report, Subscriber
from selvage.failure._terminal import printable_traceback

__all__ = [
    "ReportsDropped",
    "Silence",
    "SlowSubscriber",
    "flush",
    "forget",
    "limit_reports",
    "recent",
    "report",
    "set_default_reporter",
    "silence",
    "subscribe",
    "unsubscribe",
]

# The longest `repr` of a context fact that the printed report shows, in characters: two or three terminal lines.
_FACT_LIMIT = 200

# Seconds that a subscriber may take before it is complained of. A reactor that does nothing else for a tenth of a second
# is late for everybody.
_SLOW_S = 0.1

# Reports that are told though no stack was left to count them in their groups.
_UNPLACED_TOLD = 100

_MARK = "__selvage_reported__"


class SlowSubscriber(RuntimeWarning):
    """A subscriber of the hub held up the thread in which a failure was reported.

    Attributes:
        subscriber: its `repr`.
        seconds: how long it took.
    """

    def __init__(self, subscriber: str, seconds: float) -> None:
        super().__init__(subscriber, seconds)
        self.subscriber = subscriber
        self.seconds = seconds

    def __str__(self) -> str:
        return (
            f"{self.subscriber} took {self.seconds:.3f} s for one report, while everything else waited: "
            "subscribe it with thread=True"
        )


class ReportsDropped(RuntimeWarning):
    """A subscriber in a thread could not keep up.

    Attributes:
        subscriber: its `repr`.
        count: how many reports it did not get.
    """

    def __init__(self, subscriber: str, count: int) -> None:
        super().__init__(subscriber, count)
        self.subscriber = subscriber
        self.count = count

    def __str__(self) -> str:
        return f"{self.count:,} reports were not given to {self.subscriber}, whose queue was full"


# What was reported where the stack ended, with the arguments of `receive`, and whether it is marked as reported.
_untold: deque[tuple[BaseException, str, str, dict[str, Any], bool]] = deque()


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


class _Subscription:
    """One subscriber, and what it wants to hear of."""

    __slots__ = ("background", "call", "f", "grouped", "wanted")

    def __init__(self, f: Subscriber, wanted: Filter, grouped: bool, background: Background | None) -> None:
        self.f = f
        self.wanted = wanted if wanted else None
        self.grouped = grouped
        self.background = background
        self.call: Subscriber = f if background is None else background.put


# Tuples, replaced whole: `report` reads them without a lock.
_subscribers: tuple[_Subscription, ...] = ()
_silences: tuple[Silence, ...] = ()
_change = threading.RLock()
_running = _Running()
_groups = Groups()


def subscribe(
    f: Subscriber,
    *,
    types: Kind | tuple[Kind, ...] = (),
    fingerprint: str | tuple[str, ...] = (),
    where: Callable[[Report], object] | None = None,
    source: str | tuple[str, ...] = (),
    namespace: str = "",
    grouped: bool = False,
    thread: bool = False,
    queue_limit: int = QUEUE_LIMIT,
) -> None:
    """Call `f` with the `Report` of each unhandled failure from now on; subscribing twice is the same as once.

    Args:
        f: called in the thread in which the failure was left over, perhaps by the garbage collector in the middle of
            anything: it should be quick, and hand work that waits or takes locks to somebody else, or to `thread`.
        types: only failures of these exception classes, dotted names of classes, or predicates of an exception; of a group
            if some member fits.
        fingerprint: only these; see `selvage.failure.fingerprint`.
        where: only reports for which this function of a Report is true.
        source: only from there: "deferred", "timer", ...; see `Report.source`.
        namespace: only what was raised in this module, or in a module of this package.
        grouped: get what the log gets: of equal failures the first few in a window, then summaries (`Report.kind`).
        thread: call `f` in a thread of its own. Reports that find `queue_limit` waiting are dropped, counted, and the
            count is reported; the end of the program waits two seconds for those in the queue.
    """
    global _subscribers
    if not callable(f):
        raise TypeError(f"subscribe() takes a function of one Report, not {safe_repr(f)}")
    wanted = Filter(types, fingerprint, where, source, namespace)
    with _change:
        if all(each.f != f for each in _subscribers):
            background = Background(f, _call_in_thread, _complain_of_drops, queue_limit) if thread else None
            _subscribers = (*_subscribers, _Subscription(f, wanted, grouped, background))


def unsubscribe(f: Subscriber) -> None:
    """Stop calling `f`.

    Raises:
        ValueError: `f` is not subscribed.
    """
    global _subscribers
    with _change:
        found = [each for each in _subscribers if each.f == f]
        if not found:
            raise ValueError(
                f"{safe_repr(f)} is not subscribed to unhandled failures; was it unsubscribed before?"
            )
        _subscribers = tuple(each for each in _subscribers if each.f != f)
    for each in found:
        if each.background is not None:
            each.background.stop()


def set_default_reporter(f: Subscriber | None) -> Subscriber | None:
    """Replace the reporter that leaves the trace of unhandled failures; give the one before.

    Args:
        f: called as subscribers with `grouped` are, before them, and also with what subscribers raise; None leaves no
            trace.
    """
    global _default_reporter
    with _change:
        previous = _default_reporter
        _default_reporter = f
        return previous


def prints_reports() -> bool:
    """Tell whether the default reporter is the one that prints to standard error."""
    return _default_reporter is _print_report


class Silence:
    """A time in which some failures are counted and not told; see `silence`. Leaving its `with` block lifts it."""

    def __init__(self, wanted: Filter, until: float | None) -> None:
        self._wanted = wanted
        self._until = until

    def covers(self, report: Report) -> bool:
        """Tell whether this report is to be silent; lift a silence whose time is over."""
        if self._until is not None and report.time >= self._until:
            self.lift()
            return False
        return self._wanted(report)

    def lift(self) -> None:
        """End it; nothing happens if it is over."""
        global _silences
        _silences = tuple(each for each in _silences if each is not self)

    def __enter__(self) -> Silence:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.lift()


def silence(
    *,
    types: Kind | tuple[Kind, ...] = (),
    fingerprint: str | tuple[str, ...] = (),
    where: Callable[[Report], object] | None = None,
    source: str | tuple[str, ...] = (),
    namespace: str = "",
    seconds: float | None = None,
) -> Silence:
    """Tell nobody of some failures, neither the log nor subscribers; they are counted all the same.

    Args:
        types, fingerprint, where, source, namespace: which; as for `subscribe`. At least one is needed.
        seconds: for how long; None until it is lifted.

    Returns: what lifts it: by `lift()`, or at the end of a `with` block.
    """
    global _silences
    wanted = Filter(types, fingerprint, where, source, namespace)
    if not wanted:
        raise TypeError("silence() has to be told which failures: name types, a fingerprint, a source, ...")
    made = Silence(wanted, None if seconds is None else _groups.clock() + seconds)
    with _change:
        _silences = (*_silences, made)
    return made


# --- Groups ------------------------------------------------------------------------------------------------------


def recent() -> list[Group]:
    """Give the groups of what nobody handled: those first whose last report is the youngest.

    Groups are bounded; the last one (`fingerprint` "overflow"), if there is any, counts what found no place.
    """
    return _groups.recent()


def limit_reports(
    at_most: int = AT_MOST,
    window: float = WINDOW_S,
    groups: int = GROUPS,
    clock: Callable[[], float] | None = None,
) -> None:
    """Set how much is told of equal failures, and forget what was counted.

    Args:
        at_most: reports of each group that are told in a window; the rest is summed up when it ends.
        window: seconds.
        groups: kept at most.
        clock: gives seconds since the epoch; for tests.
    """
    global _groups
    if at_most < 1 or groups < 1 or window <= 0:
        raise ValueError(
            f"at_most={at_most}, groups={groups} and window={window} have to be above 0; "
            "to be told nothing of some failures use silence()"
        )
    _groups = _made(
        Groups(at_most, window, groups) if clock is None else Groups(at_most, window, groups, clock)
    )


def forget() -> None:
    """Forget what was counted, as between two tests."""
    global _groups
    old = _groups
    _groups = _made(Groups(old.at_most, old.window, old.limit, old.clock))


def flush() -> None:
    """Tell now how many failures have only been counted so far. The end of the program does so by itself."""
    _tell_untold()
    _sum_up(everything=True)
    for each in _subscribers:
        if each.background is not None:
            each.background.drain()


def _made(groups: Groups) -> Groups:
    groups.on_hold = _sum_up_later
    return groups


def _sum_up_later() -> None:
    # A little after the window, lest it comes a little before its end.
    _later.call_later(_groups.window + 0.01, _sum_up_when_due)


def _sum_up_when_due() -> None:
    _sum_up()
    if _groups.due != float("inf"):
        _sum_up_later()


def _sum_up(everything: bool = False) -> None:
    for summary in _groups.summaries(_groups.clock(), everything):
        _deliver(summary, True)


_made(_groups)


# --- Reporting ---------------------------------------------------------------------------------------------------


def report(
    failure: BaseException, message: str = "Unhandled error", *, source: str = "", **context: Any
) -> bool:
    """Hand over a failure that nobody handled; it is reported once, however often it is handed over.

    Raises nothing but a RecursionError, where so little is left of the stack that nobody can be told; its cause is the
    failure, which the next report tells of as well. May be called in any thread and in finalizers.

    Args:
        failure: a Failure, or an exception to make one of.
        message: where it was left over, in words.
        source: the same in one word; see `Report.source`.
        context: facts for subscribers, by name.

    Returns: whether it was new.
    """
    return receive(failure, message, source, context)


def receive(
    failure: BaseException, message: str, source: str, context: dict[str, Any], shown: bool = False
) -> bool:
    """Do what `report` says.

    Args:
        shown: somebody else is about to print it, so that the reporter that prints may leave it out.
    """
    marked = False
    try:
        if not isinstance(failure, Failure):
            failure = Failure(failure)
        if not _first_time(failure):
            return False
        marked = True
        groups = _groups
        record = Report(
            failure, message, source, context, groups.clock(), fingerprint=fingerprint_of(failure)
        )
        silenced = bool(_silences) and _is_silenced(record)
        told = groups.note(record, silenced)
    except RecursionError as error:
        # No stack is left to count it in its group.
        try:
            _deliver_cheaply(failure, message, source, context)
        except RecursionError:
            # Nor to tell anybody.  The callers have more room, the further out the more; those of a finalizer hear of
            # nothing, so it is kept for the next report as well.
            _untold.append((failure, message, source, context, marked))
            raise error from getattr(failure, "value", failure)
        return True
    except BaseException as error:
        # Somebody's attribute access gets in the way of even this much.
        _print_last_resort(error)
        return True
    if record.time >= groups.due:
        _sum_up()
    if not silenced:
        _deliver(record, told, shown)
    if _untold:
        _tell_untold()
    return True


def _tell_untold() -> None:
    """Report what could not be told at the end of some stack."""
    while _untold:
        failure, message, source, context, marked = _untold.popleft()
        if marked:
            # By an attempt of which nobody heard.
            _unmark(failure)
        receive(failure, message, source, context)


def _deliver_cheaply(failure: BaseException, message: str, source: str, context: dict[str, Any]) -> None:
    """Report at the end of the stack, with as few calls as can be.

    Raises:
        RecursionError: even these were too many.
    """
    try:
        if next(_groups.unplaced) < _UNPLACED_TOLD and isinstance(failure, Failure):
            _deliver(Report(failure, message, source, context, 0.0), True)
    except RecursionError:
        raise
    except BaseException as error:
        _print_last_resort(error)


def _is_silenced(record: Report) -> bool:
    for each in _silences:
        try:
            if each.covers(record):
                return True
        except BaseException as error:
            # Its predicate: that must not hide anything.
            each.lift()
            _complain(error, "Error in the predicate of a silence, which has been lifted")
    return False


def handled_late(key: str, words: str, seconds: float) -> None:
    """Say that a failure that was reported has been handled after all.

    Args:
        key: its fingerprint.
        words: what it was.
        seconds: how long after its report.
    """
    now = _groups.clock()
    group = _groups.note_handled(key, now)
    if group is not None:
        message = f"Handled after all, within {seconds:.1f} s of its report: {words}"
        _deliver(Report(group.failure, message, group.source, {}, now, "handled", 1, key), True)


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


def _unmark(failure: BaseException) -> None:
    owner = getattr(failure, "value", failure)
    _own_dict(owner if isinstance(owner, BaseException) else failure).pop(_MARK, None)


_own_dict: Callable[[BaseException], dict[str, Any]] = BaseException.__dict__["__dict__"].__get__


def _deliver(record: Report, told: bool, shown: bool = False) -> None:
    """Give a report to everybody who wants it.

    Args:
        told: it is not only counted.
        shown: see `receive`.
    """
    if told and not (shown and prints_reports()):
        _call_default(record)
    for each in _subscribers:
        if each.grouped:
            if not told:
                continue
        elif record.kind != "failure":
            continue
        if each.wanted is not None and not _wants(each, record):
            continue
        _call(each.call, record, each.f)


def _wants(subscription: _Subscription, record: Report) -> bool:
    try:
        assert subscription.wanted is not None
        return subscription.wanted(record)
    except BaseException as error:
        _complain(error, f"Error in a predicate of {safe_repr(subscription.f)}, which subscribed to failures")
        # It might have been meant.
        return True


def _call_default(record: Report) -> None:
    reporter = _default_reporter
    if reporter is None:
        return
    if reporter in _running.subscribers:
        # The reporter itself left a failure over.
        _print_last_resort(record.failure)
        return
    outer = _running.subscribers
    _running.subscribers = (*outer, reporter)
    try:
        reporter(record)
    except BaseException as error:
        _print_last_resort(record.failure)
        _print_last_resort(error)
    finally:
        _running.subscribers = outer


def _call(call: Subscriber, record: Report, subscriber: Subscriber, patience: float | None = _SLOW_S) -> None:
    """Call one subscriber unless it is already running in this thread; say what it raised, and when it took long.

    Args:
        call: `subscriber`, or what hands the report over to it.
        patience: seconds that it may take without being complained of.
    """
    outer = _running.subscribers
    if subscriber in outer:
        return
    _running.subscribers = (*outer, subscriber)
    began = perf_counter()
    try:
        call(record)
    except BaseException as error:
        _complain(error, f"Error in {safe_repr(subscriber)}, which subscribed to failures")
    finally:
        _running.subscribers = outer
    took = perf_counter() - began
    if patience is not None and took > patience:
        _complain(SlowSubscriber(safe_repr(subscriber), took), "A subscriber holds up the program")


def _call_in_thread(subscriber: Subscriber, record: Report) -> None:
    _call(subscriber, record, subscriber, None)


def _complain(error: BaseException, message: str) -> None:
    """Tell the default reporter alone of trouble with a subscriber; equal ones are counted as all failures are."""
    failure = Failure(error)
    groups = _groups
    record = Report(failure, message, "subscriber", {}, groups.clock(), fingerprint=fingerprint_of(failure))
    if groups.note(record):
        _call_default(record)


def _complain_of_drops(subscriber: Subscriber, count: int) -> None:
    _complain(ReportsDropped(safe_repr(subscriber), count), "A subscriber cannot keep up")


# --- Without a log -----------------------------------------------------------------------------------------------


def _print_report(record: Report) -> None:
    """Print a report to standard error, in one write so that threads do not mix their lines."""
    stream = sys.stderr
    if stream is None:
        return
    if record.kind != "failure":
        stream.write(f"{printable(record.message)} ({record.fingerprint})\n")
        stream.flush()
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
    except RecursionError:
        raise  # `receive` says who comes next
    except BaseException:
        pass


_default_reporter: Subscriber | None = _print_report

_later.at_exit(flush)
