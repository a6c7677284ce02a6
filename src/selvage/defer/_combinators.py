"""Several Deferreds as one: `DeferredList`, `gatherResults`, `race`.  Floor 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeVar

from selvage.defer._deferred import Deferred
from selvage.defer._loop import DEFERREDS, run
from selvage.defer._shortcuts import as_deferred
from selvage.defer._waiter import as_exception
from selvage.errors import CancelledError, FailureGroup, FirstError
from selvage.failure import Failure, report

__all__ = ["FAILURE", "SUCCESS", "DeferredList", "gatherResults", "race"]

_T = TypeVar("_T")

# Results of a DeferredList, for annotations; Twisted's own code knows them by these names.
_DeferredListSingleResultT = tuple[_T, int]
_DeferredListResultItemT = tuple[bool, _T]
_DeferredListResultListT = list[_DeferredListResultItemT[_T]]

SUCCESS: Literal[True] = True
FAILURE: Literal[False] = False


class DeferredList(Deferred[Any]):
    """Fires when all of several Deferreds have.

    Args:
        deferredList: the Deferreds; changing the list later has no effect. Coroutines and `asyncio.Future`s may be
            among them.
        fireOnOneCallback: fire as soon as one succeeds.
        fireOnOneErrback: fail as soon as one fails.
        consumeErrors: the failures count as handled: they are not passed on to callbacks that are added to the
            Deferreds later, and not reported. Otherwise a failure arrives here and goes its own way as well.
        all_errors: fail, when all are there, with an `ExceptionGroup` of every failure in the order of `deferredList`,
            if there is any; they count as handled. It does not go with `fireOnOneErrback`, which would lose the others.

    Fires with a list of `(success, result)` pairs in the order of `deferredList`; with `fireOnOneCallback`, with the
    pair `(result, index)` of the first success. Fails, with `fireOnOneErrback`, with `FirstError`; with `all_errors`, with
    the group. Cancelling it cancels all of them.

    Twisted: as `twisted.internet.defer.DeferredList`, which has no `all_errors`.
    """

    fireOnOneCallback = False
    fireOnOneErrback = False

    def __init__(
        self,
        deferredList: Iterable[Deferred[Any]],
        fireOnOneCallback: bool = False,
        fireOnOneErrback: bool = False,
        consumeErrors: bool = False,
        *,
        all_errors: bool = False,
    ) -> None:
        super().__init__()
        if type(deferredList) in DEFERREDS:
            raise TypeError(
                f"a list of Deferreds is needed, not one Deferred: put {deferredList!r} into brackets, or await it"
            )
        self.fireOnOneCallback = fireOnOneCallback
        self.fireOnOneErrback = fireOnOneErrback
        self.consumeErrors = consumeErrors
        self._deferredList = deferreds = [
            each if type(each) in DEFERREDS else _member(each) for each in deferredList
        ]
        self.resultList: list[Any] = [None] * len(deferreds)
        if not deferreds and not fireOnOneCallback:
            self.callback(self.resultList)
        succeeded, failed = self._all_errors() if all_errors else self._collectors()
        for index, d in enumerate(deferreds):
            arguments = (index,)
            d._callbacks.append((succeeded, failed, arguments, arguments))
            if d.called:
                run(d)

    @property
    def finishedCount(self) -> int:
        """How many of the Deferreds have fired."""
        return len(self.resultList) - self.resultList.count(None)

    def _collectors(self) -> tuple[Callable[[Any, int], Any], Callable[[Failure, int], Any]]:
        """Make what is called with each success and each failure.

        Closures, whose variables are quicker to reach than attributes (benchmarks/programs/twisted_results.py).
        """
        results = self.resultList
        left = len(results)
        fire_on_success, fire_on_failure = self.fireOnOneCallback, self.fireOnOneErrback
        consume = self.consumeErrors

        def succeeded(result: Any, index: int) -> Any:
            nonlocal left
            results[index] = (SUCCESS, result)
            left -= 1
            if fire_on_success:
                if not self.called:
                    self.callback((result, index))
            elif not left and not self.called:
                self.callback(results)
            return result

        def failed(failure: Failure, index: int) -> Any:
            nonlocal left
            results[index] = (FAILURE, failure)
            left -= 1
            if not self.called:
                if fire_on_failure:
                    self.errback(Failure(FirstError(failure, index)))
                elif not left:
                    self.callback(results)
            return None if consume else failure

        return succeeded, failed

    def _all_errors(self) -> tuple[Callable[[Any, int], Any], Callable[[Failure, int], Any]]:
        """Make the same where all failures are wanted."""
        if self.fireOnOneCallback or self.fireOnOneErrback:
            raise TypeError(
                "DeferredList(all_errors=True) waits for every failure, so it cannot fire on one: "
                "leave out fireOnOneCallback and fireOnOneErrback"
            )
        return _grouping(self, _as_success)

    def cancel(self) -> None:
        """Cancel all the Deferreds that have not fired, if this one has not.

        What a canceller raises is reported to the hub; it does not keep the others from being cancelled.
        """
        if self.called:
            # It may wait for another one by now.
            super().cancel()
            return
        for d in self._deferredList:
            try:
                d.cancel()
            except BaseException as error:
                report(Failure(error), "Exception raised from user supplied canceller", source="deferred")


def _member(value: Any) -> Deferred[Any]:
    """Give the Deferred for something that was put among Deferreds."""
    d = as_deferred(value)
    if d.called and getattr(d, "result", None) is value:
        raise TypeError(
            f"{value!r} is among Deferreds but is none; wrap a plain result with selvage.defer.succeed()"
        )
    return d


class _Gathered(DeferredList):
    """A DeferredList whose result is the list of results."""

    def _collectors(self) -> tuple[Callable[[Any, int], Any], Callable[[Failure, int], Any]]:
        results = self.resultList
        left = len(results)
        consume = self.consumeErrors

        def succeeded(result: Any, index: int) -> Any:
            nonlocal left
            results[index] = result
            left -= 1
            if not left and not self.called:
                self.callback(results)
            return result

        def failed(failure: Failure, index: int) -> Any:
            if not self.called:
                self.errback(Failure(FirstError(failure, index)))
            return None if consume else failure

        return succeeded, failed


class _Grouped(DeferredList):
    """A DeferredList that waits for all, and fails with all the failures if there are any."""

    def __init__(self, deferreds: Iterable[Deferred[Any]], cancel_rest: bool) -> None:
        self._cancel_rest = cancel_rest
        super().__init__(deferreds)

    def _collectors(self) -> tuple[Callable[[Any, int], Any], Callable[[Failure, int], Any]]:
        return _grouping(self, _as_it_is, self._cancel_rest)


def _as_it_is(result: Any) -> Any:
    return result


def _as_success(result: Any) -> tuple[bool, Any]:
    return SUCCESS, result


def _grouping(
    owner: DeferredList, as_item: Callable[[Any], Any], cancel_rest: bool = False
) -> tuple[Callable[[Any, int], Any], Callable[[Failure, int], Any]]:
    """Make what is called with each success and each failure, and fires `owner` when all are there.

    Args:
        as_item: makes of a result what stands in the list of results.
        cancel_rest: whether the first failure cancels the others.
    """
    results = owner.resultList
    left = len(results)
    errors: dict[int, BaseException] = {}
    # Those that were cancelled because another one had failed.
    spared: set[int] = set()

    def succeeded(result: Any, index: int) -> Any:
        results[index] = as_item(result)
        finish()
        return result

    def failed(failure: Failure, index: int) -> None:
        first = not errors
        if index not in spared or not failure.check(CancelledError):
            errors[index] = as_exception(failure)
        results[index] = (FAILURE, failure)
        finish()
        if first and cancel_rest:
            for place, d in enumerate(owner._deferredList):
                if not d.called or d.paused:
                    spared.add(place)
                    _cancel(d)

    def finish() -> None:
        nonlocal left
        left -= 1
        if left or owner.called:
            return
        if errors:
            message = f"{len(errors)} of {len(results)} failed"
            group = BaseExceptionGroup(message, [errors[index] for index in sorted(errors)])
            owner.errback(Failure(group))
        else:
            owner.callback(results)

    return succeeded, failed


def gatherResults(
    deferredList: Iterable[Deferred[_T]],
    consumeErrors: bool = False,
    *,
    cancel_rest: bool = False,
    all_errors: bool = False,
) -> Deferred[list[_T]]:
    """Wait for several Deferreds.

    Args:
        deferredList: the Deferreds; coroutines and `asyncio.Future`s may be among them.
        consumeErrors: the failures count as handled; see `DeferredList`. With this alone, failures after the first
            are lost.
        cancel_rest: when one fails, cancel those that have not fired, whose results nobody will see. Their
            `CancelledError` is no failure to report, nor part of the group.
        all_errors: wait for all of them, and fail with an `ExceptionGroup` of everything that went wrong, which
            then counts as handled. No failure is lost.

    Fires with the list of their results, in order. Fails with `FirstError` as soon as one fails, with `all_errors`
    with the group once all are there. Cancelling it cancels all of them.

    Twisted: as `twisted.internet.defer.gatherResults`, which has neither `cancel_rest` nor `all_errors`.
    """
    if all_errors:
        return _Grouped(deferredList, cancel_rest)
    gathered = _Gathered(deferredList, False, True, consumeErrors)
    if cancel_rest:
        # As the first to see the failure, and before anybody's errback.
        gathered.addErrback(_cancel_the_rest, gathered._deferredList)
    return gathered


def _cancel_the_rest(failure: Failure, deferreds: list[Deferred[Any]]) -> Failure:
    for d in deferreds:
        if not d.called or d.paused:
            _cancel(d)
            d.addErrback(lambda f: f.trap(CancelledError) and None)
    return failure


def race(ds: Sequence[Deferred[_T]]) -> Deferred[tuple[int, _T]]:
    """Wait for the first success of several Deferreds, and cancel the others then.

    Fires with `(index, result)` of the first success. Fails with `FailureGroup` when all have failed. Cancelling it
    cancels all of them. Results that come after the first success are dropped.
    """
    deferreds = [each if type(each) in DEFERREDS else _member(each) for each in ds]
    failures: list[Any] = [None] * len(deferreds)
    left = len(deferreds)
    winner: int | None = None

    def cancel_all(_: object) -> None:
        for d in deferreds:
            _cancel(d)

    result: Deferred[tuple[int, _T]] = Deferred(cancel_all)

    def succeeded(value: _T, index: int) -> None:
        nonlocal winner
        if winner is not None or result.called:
            return
        winner = index
        for place, d in enumerate(deferreds):
            if place != index:
                _cancel(d)
        result.callback((index, value))

    def failed(failure: Failure, index: int) -> None:
        nonlocal left
        left -= 1
        failures[index] = failure
        if left == 0 and not result.called:
            result.errback(Failure(FailureGroup(failures)))

    for index, d in enumerate(deferreds):
        d.addCallbacks(succeeded, failed, (index,), None, (index,), None)
    return result


def _cancel(d: Deferred[Any]) -> None:
    try:
        d.cancel()
    except BaseException as error:
        report(Failure(error), "Exception raised from user supplied canceller", source="deferred")
