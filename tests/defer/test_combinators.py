"""`DeferredList`, `gatherResults`, `race`, and the small functions."""

from __future__ import annotations

import asyncio

import pytest

from selvage.defer import (
    CancelledError,
    Deferred,
    DeferredList,
    Failure,
    FailureGroup,
    FirstError,
    TimeoutError,
    execute,
    fail,
    gatherResults,
    logError,
    maybeDeferred,
    passthru,
    race,
    succeed,
    timeout,
)

from .test_deferred import has_result, result_of


def pending(count, canceller=None):
    return [Deferred(canceller) for _ in range(count)]


# --- DeferredList --------------------------------------------------------------------------------------------------


def test_list_of_successes_and_failures_in_order():
    ds = pending(3)
    both = DeferredList(ds)
    ds[2].callback(3)
    ds[0].callback(1)
    assert both.finishedCount == 2
    ds[1].errback(ValueError())
    (first, (ok, failure), third) = result_of(both)
    assert (first, ok, third) == ((True, 1), False, (True, 3))
    assert failure.check(ValueError)
    # It went its own way as well.
    assert result_of(ds[1]) is failure
    assert result_of(ds[0]) == 1


def test_list_of_fired_ones_and_of_nothing():
    assert result_of(DeferredList([succeed(1), succeed(2)])) == [(True, 1), (True, 2)]
    assert result_of(DeferredList([])) == []
    assert not has_result(DeferredList([], fireOnOneCallback=True))


def test_list_consumes_errors_when_asked():
    d = fail(ValueError())
    ((ok, _),) = result_of(DeferredList([d], consumeErrors=True))
    assert not ok and d.result is None


def test_list_fires_on_one_callback():
    ds = pending(3)
    first = DeferredList(ds, fireOnOneCallback=True)
    ds[0].errback(ValueError())
    ds[1].callback("second")
    ds[2].callback("too late")
    assert result_of(first) == ("second", 1)
    ds[0].addErrback(lambda f: None)


def test_list_fires_on_one_errback():
    ds = pending(3)
    first = DeferredList(ds, fireOnOneErrback=True, consumeErrors=True)
    ds[0].callback(1)
    ds[1].errback(ValueError())
    ds[2].errback(KeyError())
    failure = result_of(first)
    assert failure.check(FirstError)
    assert failure.value.index == 1 and failure.value.subFailure.check(ValueError)
    assert first.resultList[0] == (True, 1) and first.resultList[2][0] is False


def test_list_takes_any_iterable_and_keeps_no_hold_of_it():
    ds = pending(1)
    both = DeferredList(d for d in ds)
    ds.append(Deferred())
    ds[0].callback(1)
    assert result_of(both) == [(True, 1)]


def test_the_same_deferred_twice():
    d = Deferred()
    both = DeferredList([d, d])
    d.callback(1)
    assert result_of(both) == [(True, 1), (True, 1)]


def test_list_of_coroutines_and_futures():
    async def coroutine():
        return 1

    loop = asyncio.new_event_loop()
    future = loop.create_future()
    future.set_result(2)
    both = DeferredList([coroutine(), future, succeed(3)])
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    assert result_of(both) == [(True, 1), (True, 2), (True, 3)]


def test_list_of_something_else():
    with pytest.raises(TypeError, match=r"5 is among Deferreds.*succeed"):
        DeferredList([succeed(1), 5])
    with pytest.raises(TypeError):
        gatherResults([None])
    with pytest.raises(TypeError):
        race(["text"])


def test_cancelling_a_list_cancels_all():
    cancelled = []
    ds = pending(2, cancelled.append)
    both = DeferredList(ds, consumeErrors=True)
    both.cancel()
    assert cancelled == ds
    assert [f.check(CancelledError) for _, f in result_of(both)] == [CancelledError, CancelledError]


def test_cancelling_a_list_that_has_fired_does_nothing():
    ds = pending(2)
    first = DeferredList(ds, fireOnOneCallback=True)
    ds[0].callback(1)
    first.cancel()
    assert not ds[1].called


def test_cancelling_a_list_that_waits_for_another_deferred():
    inner = Deferred()
    both = DeferredList([succeed(1)]).addCallback(lambda _: inner)
    both.cancel()
    assert result_of(both).check(CancelledError)


def test_cancelling_a_list_with_a_canceller_that_raises(reports):
    def canceller(d):
        raise ValueError

    ds = [Deferred(canceller), Deferred()]
    both = DeferredList(ds, consumeErrors=True)
    both.cancel()
    assert reports.pop().failure.check(ValueError)
    assert len(result_of(both)) == 2


# --- gatherResults -------------------------------------------------------------------------------------------------


def test_gather():
    ds = pending(3)
    all_of_them = gatherResults(ds)
    for n in (2, 0, 1):
        ds[n].callback(n)
    assert result_of(all_of_them) == [0, 1, 2]
    assert result_of(gatherResults([])) == []
    assert result_of(ds[0]) == 0


def test_gather_fails_with_the_first_error():
    ds = pending(3)
    all_of_them = gatherResults(ds, consumeErrors=True)
    ds[2].errback(ValueError())
    ds[1].errback(KeyError())
    ds[0].callback(1)
    failure = result_of(all_of_them)
    assert failure.check(FirstError) and failure.value.index == 2
    assert failure.value.subFailure.check(ValueError)
    assert ds[1].result is None


def test_gather_leaves_errors_in_place(reports):
    d = fail(ValueError())
    all_of_them = gatherResults([d])
    assert result_of(all_of_them).check(FirstError)
    assert result_of(d).check(ValueError)


def test_cancelling_a_gathering():
    ds = pending(2)
    all_of_them = gatherResults(ds, consumeErrors=True)
    all_of_them.cancel()
    assert result_of(all_of_them).value.subFailure.check(CancelledError)
    ds = pending(2, lambda d: d.callback("kept"))
    all_of_them = gatherResults(ds)
    all_of_them.cancel()
    assert result_of(all_of_them) == ["kept", "kept"]


def test_gather_may_cancel_the_rest(reports):
    cancelled = []
    ds = pending(3, cancelled.append)
    all_of_them = gatherResults(ds, cancel_rest=True)
    ds[1].errback(ValueError())
    assert result_of(all_of_them).value.index == 1
    assert cancelled == [ds[0], ds[2]]
    assert result_of(ds[1]).check(ValueError)
    del ds, cancelled
    assert not reports


def test_gather_may_keep_every_error():
    ds = pending(3)
    all_of_them = gatherResults(ds, all_errors=True)
    ds[2].errback(ValueError("second"))
    ds[0].errback(KeyError("first"))
    assert not has_result(all_of_them)
    ds[1].callback(1)
    group = result_of(all_of_them).value
    assert isinstance(group, ExceptionGroup) and str(group) == "2 of 3 failed (2 sub-exceptions)"
    assert [type(error) for error in group.exceptions] == [KeyError, ValueError]
    assert result_of(gatherResults([succeed(1), succeed(2)], all_errors=True)) == [1, 2]
    assert result_of(gatherResults([], all_errors=True)) == []


def test_gather_may_do_both():
    ds = [Deferred(), Deferred(), Deferred(lambda d: d.errback(KeyError())), succeed(1)]
    all_of_them = gatherResults(ds, cancel_rest=True, all_errors=True)
    ds[1].errback(ValueError())
    group = result_of(all_of_them).value
    assert [type(error) for error in group.exceptions] == [ValueError, KeyError]
    both = gatherResults(pending(2), all_errors=True)
    both.cancel()
    assert len(result_of(both).value.exceptions) == 2


# --- race ----------------------------------------------------------------------------------------------------------


def test_race_cancels_the_losers():
    cancelled = []
    ds = pending(3, cancelled.append)
    first = race(ds)
    ds[1].callback("won")
    assert result_of(first) == (1, "won")
    assert cancelled == [ds[0], ds[2]]


def test_race_that_all_lose():
    ds = pending(2)
    first = race(ds)
    ds[0].errback(ValueError())
    ds[1].errback(KeyError())
    failures = result_of(first).value.failures
    assert failures[0].check(ValueError) and failures[1].check(KeyError)


def test_race_with_a_loser_that_succeeds_when_cancelled():
    ds = [Deferred(), Deferred(lambda d: d.callback("as well"))]
    first = race(ds)
    ds[0].callback("won")
    assert result_of(first) == (0, "won")


def test_race_with_a_loser_whose_canceller_raises(reports):
    ds = [Deferred(), Deferred(lambda d: 1 / 0)]
    first = race(ds)
    ds[0].callback("won")
    assert result_of(first) == (0, "won")
    assert reports.pop().failure.check(ZeroDivisionError)


def test_race_that_is_won_already():
    assert result_of(race([succeed(1), succeed(2)])) == (0, 1)


def test_cancelling_a_race():
    first = race(pending(2))
    first.cancel()
    assert result_of(first).check(FailureGroup)
    ds = pending(2, lambda d: d.callback("kept"))
    first = race(ds)
    first.cancel()
    assert result_of(first) == (0, "kept")


# --- Small functions -----------------------------------------------------------------------------------------------


def test_succeed_with_a_deferred_waits_for_it():
    inner = Deferred()
    d = succeed(inner)
    assert d is not inner and not has_result(d)
    inner.callback(1)
    assert result_of(d) == 1
    assert result_of(succeed(succeed(2))) == 2
    assert result_of(succeed(Failure(ValueError()))).check(ValueError)


def test_fail():
    assert result_of(fail(ValueError())).check(ValueError)
    try:
        raise KeyError
    except KeyError:
        assert result_of(fail()).check(KeyError)


def test_execute():
    assert result_of(execute(int, "12", base=3)) == 5
    assert result_of(execute(int, "x")).check(ValueError)


def test_maybe_deferred():
    d = Deferred()

    async def coroutine(n):
        return n

    assert result_of(maybeDeferred(lambda a, b: a + b, 1, b=2)) == 3
    assert maybeDeferred(lambda: d) is d
    assert result_of(maybeDeferred(lambda: 1 / 0)).check(ZeroDivisionError)
    assert result_of(maybeDeferred(lambda: Failure(ValueError()))).check(ValueError)
    assert result_of(maybeDeferred(coroutine, 4)) == 4
    assert result_of(maybeDeferred(lambda: [1])) == [1]


def test_passthru():
    thing = object()
    assert passthru(thing) is thing


def test_log_error_reports_and_passes_on(reports):
    failure = Failure(ValueError())
    d = fail(failure).addErrback(logError)
    assert reports.pop().failure is failure
    del d
    assert not reports


def test_timeout_is_deprecated():
    d = Deferred()
    with pytest.warns(
        DeprecationWarning, match="please use twisted.internet.defer.Deferred.addTimeout instead"
    ):
        timeout(d)
    assert result_of(d).check(TimeoutError)
