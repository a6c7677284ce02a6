"""The loop that runs the callbacks of Deferreds.  Floor 0.

Theory of operation
-------------------

A Deferred keeps its callbacks in one list, in the order in which they were added, and `_run` walks that list with one
list iterator. Python's list iterators see what is appended while they walk, so a callback that adds another to its own
Deferred needs no special care: the new one runs when its turn comes.

*Entries.* The most frequent entry by far, `addCallback(f)` without further arguments, is `f` itself. Everything else
is a tuple `(callback, errback, callback arguments, errback arguments)`; None for a side that the entry does not
concern; arguments are None, a tuple, or `_Arguments` if there are keywords. A *link* is such a tuple whose callback and
errback are one of the markers below and whose two last items are its target:

    _CONTINUE   a Deferred that waits for the result of this one, because one of its callbacks returned this one
    _FIRE       a Deferred to fire with the result of this one (`chainDeferred`)
    _RESUME     something to resume with the result, which is then used up: a generator that yielded this Deferred
    _PEEK       likewise, but the result stays, since awaiting only looks at it: a coroutine, an asyncio Task

*Two inner loops*, one while the result is a success and one while it is a failure, share the iterator. Whether a
result is a Failure or a Deferred is one look-up of its class in a set that all subclasses enter when they are made: a
third less than one `isinstance`, and it answers both questions (benchmarks/programs/twisted_results.py).

*No recursion.* Where a link hands the result on, the target becomes the Deferred that the loop works on. The one
before is pushed on a stack of its own, and only if it has callbacks left; so a chain of any length costs neither C
stack nor list. Resuming a coroutine is done in the same way: `resume` runs it until it waits again or ends, and gives
back its Deferred if that is to be run next, rather than running it.

*State.* `_running` is False while idle and True while the loop works on the Deferred (somewhere on the stack counts).
When a callback returns an unfired Deferred, the walk ends in the middle: either what was walked is cut off the list or,
if more is still to come than was walked, the iterator itself is kept in `_running`. Both keep the cost of a long list
of callbacks that all wait in proportion to its length.

*Failures left over.* See `_debug`: a sentinel is made when a walk ends with a Failure and disarmed when one begins.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import ref

from selvage.defer._debug import DebugInfo, record_firing, refuse
from selvage.defer._unobserved import watch
from selvage.errors import AlreadyCalledError
from selvage.failure import Failure, machinery, plain_init, special_results

if TYPE_CHECKING:
    from selvage.defer._deferred import Deferred

__all__ = [
    "CONTINUE",
    "DEFERREDS",
    "FIRE",
    "LINKS",
    "PEEK",
    "RESUME",
    "SPECIAL",
    "Arguments",
    "caught",
    "leave_over",
    "run",
]

# What the loop has to look at before it goes on: the classes of failures and of Deferreds.
SPECIAL: set[type] = special_results
DEFERREDS: set[type] = set()


class _Marker:
    """Marks a tuple in the list of callbacks as a link."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


CONTINUE: Any = _Marker("continue a waiting Deferred")
FIRE: Any = _Marker("fire a chained Deferred")
RESUME: Any = _Marker("resume with the result, using it up")
PEEK: Any = _Marker("resume with the result, leaving it")

young = watch.young

LINKS = frozenset((CONTINUE, FIRE, RESUME, PEEK))

_new_failure = Failure.__new__

# How far to follow causes before a link is added to them. Errbacks that each raise an error of their own are few, and the
# report of more would be read by nobody.
_CAUSE_HOPS = 50

# How far to follow who waits for whom when looking for a circle. Circles that somebody made by mistake have a handful
# of members, and following a chain of 100,000 each time that one is added would be quadratic.
_CIRCLE_HOPS = 64


class Arguments:
    """Further arguments of a callback, if there are keywords among them."""

    __slots__ = ("args", "keywords")

    def __init__(self, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> None:
        self.args = args
        self.keywords = keywords


@machinery
def run(d: Any) -> None:  # one room on purpose: each step in a function of its own would cost a call
    """Run the callbacks of a fired Deferred, and of all that wait for it; see the theory of operation above."""
    if d.paused or d._running is True:
        return
    stack: list[tuple[Any, Any, Any]] | None = None
    it: Any = None
    seen: Any = None
    entry: Any = None
    while True:
        # 1. Begin with `d`, or go on with it after what it handed its result to. `seen` is a failure that somebody
        #    who awaits has seen, so that it counts as handled though it stays.
        if it is None:
            it = d._running or iter(d._callbacks)
            d._running = True
            if d._debugInfo is not None:
                d._debugInfo.failResult = None
        result = d.result
        failed = False
        link: Any = None
        following: Any = None
        new: Any = None
        if type(result) in SPECIAL:
            if type(result) in DEFERREDS:
                # Fired with a Deferred.
                new, result = result, None
            else:
                failed = True
        # 2. Walk until the callbacks are at their end, or the result goes to another Deferred.
        while True:
            if new is not None:
                # A callback returned a Failure or a Deferred.
                if type(new) not in DEFERREDS:
                    result = new
                    failed = True
                elif new is d:
                    result, failed = _returned_itself(d, entry, result, failed)
                elif new.called and not new.paused and new._running is False:
                    # It is there already: take it over and go on.
                    result = new.result
                    new.result = None
                    failed = type(result) in SPECIAL
                    if new._debugInfo is not None:
                        new._debugInfo.failResult = None
                elif _waits_for(new, d):
                    result = _circle(d, new)
                    failed = True
                else:
                    break
                new = None
            if failed:
                for entry in it:
                    if type(entry) is not tuple:
                        continue
                    _, errback, _, arguments = entry
                    if errback is None:
                        continue
                    try:
                        if arguments is None:
                            new = errback(result)
                        elif type(arguments) is tuple:
                            if len(arguments) == 1:
                                new = errback(result, arguments[0])
                            else:
                                new = errback(result, *arguments)
                        elif errback in LINKS:
                            link = entry
                            break
                        else:
                            new = errback(result, *arguments.args, **arguments.keywords)
                    except BaseException as exc:
                        result = caught_while_handling(exc, result, d.debug)
                        continue
                    if type(new) not in SPECIAL:
                        result = new
                        new = None
                        failed = False
                    break
                else:
                    break
            else:
                try:
                    for entry in it:
                        if type(entry) is not tuple:
                            new = entry(result)
                        else:
                            callback, _, arguments, _ = entry
                            if callback is None:
                                continue
                            if arguments is None:
                                new = callback(result)
                            elif type(arguments) is tuple:
                                # Quick way: unpacking one costs more than the call.
                                if len(arguments) == 1:
                                    new = callback(result, arguments[0])
                                else:
                                    new = callback(result, *arguments)
                            elif callback in LINKS:
                                link = entry
                                break
                            else:
                                new = callback(result, *arguments.args, **arguments.keywords)
                        if type(new) in SPECIAL:
                            break
                        result = new
                    else:
                        new = None
                        break
                except BaseException as exc:
                    new = None
                    result = caught(exc, d.debug)
                    failed = True
                    continue
            if link is None:
                continue
            # 3. A link: hand the result on.
            kind, _, target, _ = link
            link = new = None
            if kind is PEEK:
                d.result = seen = result
                following = target.resume(result, failed)
            else:
                d.result = None
                given, result = result, None
                if kind is CONTINUE:
                    target.result = given
                    target.paused -= 1
                    following = target
                    failed = False
                elif kind is RESUME:
                    following = target.resume(given, failed)
                    failed = False
                else:
                    failed = False
                    try:
                        following = _fire(target, given)
                    except AlreadyCalledError as exc:
                        result = caught(exc, d.debug)
                        failed = True
                given = None
            if following is not None:
                if not following.paused and following._running is not True:
                    break
                following = None
        # 4. Leave `d`: it hands over with callbacks left, or waits for another Deferred, or is at its end.
        if following is not None and it.__length_hint__():
            d.result = result
            if stack is None:
                stack = []
            stack.append((d, it, seen))
            d, it, seen = following, None, None
            continue
        if new is not None:
            _wait(d, it, new)
        else:
            d._callbacks.clear()
            d._running = False
            d.result = result
            if failed and result is not seen:
                leave_over(d, result)
        if following is not None:
            d, it, seen = following, None, None
        elif stack:
            d, it, seen = stack.pop()
        else:
            break
    if failed:
        # The frames of what was raised refer to this one: without this every failure would be part of a circle.
        d = result = seen = new = entry = errback = callback = None


def caught(exc: BaseException, debug: bool) -> Failure:
    """Make a Failure of what a callback raised, without the frame of the loop that called it."""
    if debug or type(exc) in SPECIAL or Failure.__init__ is not plain_init:
        # The last: failure.startDebugMode() wants to see each Failure made.
        return Failure(exc, captureVars=debug)
    # Quick way: what Failure() does, without finding out what it was given (benchmarks/programs/twisted_results.py).
    failure: Failure = _new_failure(Failure)
    tb = exc.__traceback__
    if tb is not None:
        if tb.tb_next is not None:
            exc.__traceback__ = tb = tb.tb_next
        elif type(exc) is TypeError:
            _explain_call(exc)
    failure.value = exc
    failure.type = type(exc)
    failure.tb = tb
    failure.captureVars = False
    return failure


def caught_while_handling(exc: BaseException, handled: Failure, debug: bool) -> Failure:
    """Make a Failure of what an errback raised, which is to an errback what `except` is to what follows."""
    value = handled.value
    if (
        exc is not value
        and exc.__context__ is None
        and not exc.__suppress_context__
        and not _comes_from(value, exc)
    ):
        exc.__context__ = value
    return caught(exc, debug)


def _comes_from(later: object, earlier: BaseException) -> bool:
    """Tell whether one exception is among the causes of another, or whether there are too many of those to know."""
    for _ in range(_CAUSE_HOPS):
        if not isinstance(later, BaseException):
            return False
        if later is earlier:
            return True
        later = later.__cause__ or later.__context__
    return True


def call_none(result: object, *args: object, **keywords: object) -> NoReturn:
    """Stand for a callback that is None: an entry without a function would be left out."""
    error = TypeError("'NoneType' object is not callable")
    _explain_call(error)
    raise error


def _explain_call(error: TypeError) -> None:
    """Say what is wrong where nothing of the program ran, so that no line of it is in the traceback."""
    message = str(error)
    if message.endswith("is not callable"):
        error.add_note("A callback is the function itself: pass it, do not call it")
    elif " argument" in message and "()" in message.partition(" ")[0]:
        error.add_note(
            "A callback is called with the result, then with the arguments that were added with it"
        )


def leave_over(d: Deferred[Any], failure: Failure) -> None:
    """Arm the sentinel: report `failure` when the last reference to `d` goes, or nobody looks at it for long."""
    info = d._debugInfo
    if info is None:
        info = d._debugInfo = DebugInfo()
    info.failResult = failure
    young.append(ref(info))
    if len(young) > watch.limit:
        watch.grown()


def _wait(d: Any, it: Any, inner: Any) -> None:
    """Let `d`, in the middle of its callbacks, wait for `inner`."""
    callbacks = d._callbacks
    left = it.__length_hint__()
    done = len(callbacks) - left
    if done >= left:
        del callbacks[:done]
        d._running = False
    else:
        d._running = it
    d.result = inner
    d.paused += 1
    inner._callbacks.append((CONTINUE, CONTINUE, d, d))


def _fire(d: Any, result: Any) -> Any:
    """Fire `d` up to the point where its callbacks would run, and return it; None if there is nothing to run."""
    if d.called:
        refuse(d)
        return None
    if d.debug:
        record_firing(d, result)
    d.__dict__.pop("_chained_from", None)
    d.called = True
    d._canceller = None
    d.result = result
    return d if d._callbacks or type(result) in SPECIAL else None


# --- Circles ---------------------------------------------------------------------------------------------------------


def _returned_itself(d: Any, entry: Any, result: Any, failed: bool) -> tuple[Any, bool]:
    """A callback of `d` returned `d`: warn, and go on with the result that the callback was given."""
    function = entry if type(entry) is not tuple else entry[1 if failed else 0]
    code = getattr(function, "__code__", None)
    message = (
        "Callback returned the Deferred it was attached to; waiting for itself it would never end. "
        f"Return a result, or nothing, from {function!r}"
    )
    try:
        if code is None:
            warnings.warn(message, DeprecationWarning, stacklevel=4)
        else:
            warnings.warn_explicit(message, DeprecationWarning, code.co_filename, code.co_firstlineno)
    except Warning as error:
        return Failure(error), True
    return result, failed


def _waits_for(inner: Any, d: Any) -> bool:
    """Tell whether `inner` waits for `d`, over a few Deferreds between them."""
    for _ in range(_CIRCLE_HOPS):
        if not inner.called:
            return False
        inner = inner.result
        if type(inner) not in DEFERREDS:
            return False
        if inner is d:
            return True
    return False


def _circle(d: Any, inner: Any) -> Failure:
    return Failure(
        RuntimeError(
            f"a callback of {d!r} returned {inner!r}, which waits for the former: neither would ever have a result"
        )
    )
