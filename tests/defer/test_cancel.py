"""`Deferred.cancel`: every end that it can come to."""

from __future__ import annotations

import pytest

from selvage.defer import (
    AlreadyCalledError,
    CancelledError,
    Deferred,
    DeferredList,
    Failure,
    FirstError,
    ensureDeferred,
    gatherResults,
    inlineCallbacks,
    succeed,
)

from .test_deferred import has_result, result_of


def test_without_canceller():
    d = Deferred()
    d.cancel()
    assert result_of(d).check(CancelledError)


def test_the_result_that_comes_after_is_swallowed_once():
    for fire in (lambda d: d.callback(1), lambda d: d.errback(ValueError())):
        d = Deferred()
        d.cancel()
        fire(d)
        for again in (lambda d: d.callback(2), lambda d: d.errback(ValueError())):
            with pytest.raises(AlreadyCalledError):
                again(d)
        assert result_of(d).check(CancelledError)


def test_with_a_canceller_nothing_is_swallowed():
    d = Deferred(lambda d: None)
    d.cancel()
    with pytest.raises(AlreadyCalledError):
        d.callback(1)
    assert result_of(d).check(CancelledError)


def test_the_canceller_gets_the_deferred_and_is_called_once():
    seen = []
    d = Deferred(seen.append)
    d.cancel()
    d.cancel()
    assert seen == [d]
    assert result_of(d).check(CancelledError)


def test_the_canceller_may_choose_the_result():
    d = Deferred(lambda d: d.callback("kept"))
    d.cancel()
    assert result_of(d) == "kept"
    d = Deferred(lambda d: d.errback(KeyError()))
    d.cancel()
    assert result_of(d).check(KeyError)


def test_after_firing_it_does_nothing():
    d = Deferred(lambda d: pytest.fail("called"))
    d.callback(1)
    d.cancel()
    assert result_of(d) == 1


def test_the_canceller_is_let_go_when_fired():
    d = Deferred(lambda d: None)
    d.callback(1)
    assert d._canceller is None


def test_a_canceller_that_raises_leaves_nothing_hanging(reports):
    error = ValueError("in the canceller")

    def canceller(d):
        raise error

    d = Deferred(canceller)
    with pytest.raises(ValueError, match="in the canceller"):
        d.cancel()
    assert d.called
    # Whoever called cancel() got the error; it is no second story when nobody looks at the Deferred.
    del d
    assert not reports
    d, seen = Deferred(canceller), []
    d.addErrback(seen.append)
    with pytest.raises(ValueError):
        d.cancel()
    (failure,) = seen
    assert failure.check(CancelledError) and failure.value.__cause__ is error
    assert "ValueError" in str(failure.value)


def test_a_canceller_that_fires_and_raises():
    def canceller(d):
        d.callback("fired")
        raise ValueError

    d = Deferred(canceller)
    with pytest.raises(ValueError):
        d.cancel()
    assert result_of(d) == "fired"


def test_it_goes_to_the_deferred_that_is_waited_for():
    seen = []
    inner = Deferred(lambda d: seen.append("inner"))
    outer = Deferred(lambda d: seen.append("outer"))
    outer.addCallback(lambda _: inner)
    outer.callback(None)
    outer.cancel()
    assert seen == ["inner"]
    assert result_of(outer).check(CancelledError) and inner.result is None


def test_cancelling_a_chained_one_leaves_the_source_alone():
    source, chained = Deferred(), Deferred()
    source.chainDeferred(chained)
    chained.cancel()
    assert not source.called
    assert result_of(chained).check(CancelledError)


async def waits(d):
    return await d


@inlineCallbacks
def yields(d):
    result = yield d
    return result


@pytest.mark.parametrize("start", [lambda d: ensureDeferred(waits(d)), yields])
def test_a_coroutine_cancels_what_it_waits_for(start):
    seen = []
    d = start(start(Deferred(seen.append)))
    d.cancel()
    assert len(seen) == 1
    assert result_of(d).check(CancelledError)


@pytest.mark.parametrize("start", [lambda d: ensureDeferred(waits(d)), yields])
def test_a_canceller_that_raises_under_a_coroutine(start):
    d = start(Deferred(lambda d: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        d.cancel()
    assert result_of(d).check(CancelledError)


@pytest.mark.parametrize("kind", ["await", "yield"])
def test_a_coroutine_may_handle_it_and_go_on(kind):
    first, second = Deferred(), Deferred()

    async def coroutine():
        try:
            await first
        except CancelledError:
            return await second

    @inlineCallbacks
    def generator():
        try:
            yield first
        except CancelledError:
            result = yield second
            return result

    d = ensureDeferred(coroutine()) if kind == "await" else generator()
    d.cancel()
    assert not d.called and not has_result(d)
    second.callback("went on")
    assert result_of(d) == "went on"
    first, second = Deferred(), Deferred()
    d = ensureDeferred(coroutine()) if kind == "await" else generator()
    d.cancel()
    d.cancel()
    assert result_of(d).check(CancelledError)


def test_a_coroutine_that_ended_is_not_disturbed():
    d = ensureDeferred(waits(succeed(1)))
    d.cancel()
    assert result_of(d) == 1


def test_cancelled_by_itself_without_a_loop():
    """What it waits for next is cancelled, whether it awaits or yields it."""
    first = Deferred()
    holder = []

    @inlineCallbacks
    def generator():
        yield first
        holder[0].cancel()
        yield succeed("is there already")
        yield ensureDeferred(waits(Deferred()))

    holder.append(generator())
    first.callback(None)
    assert result_of(holder.pop()).check(CancelledError)


def test_cancelled_by_itself_before_a_coroutine_that_it_yields():
    first = Deferred()
    holder = []

    @inlineCallbacks
    def generator():
        yield first
        holder[0].cancel()
        yield waits(Deferred())

    holder.append(generator())
    first.callback(None)
    assert result_of(holder.pop()).check(CancelledError)


def test_somebody_else_fires_the_deferred_of_a_coroutine(reports):
    first = Deferred()
    d = ensureDeferred(waits(first))
    d.callback("somebody else")
    first.callback("of no use any more")
    assert result_of(d) == "somebody else"
    first = Deferred()
    d = ensureDeferred(waits(first))
    d.callback(None)
    first.errback(ValueError("not lost"))
    (report,) = reports
    assert report.source == "coroutine" and report.failure.check(ValueError)
    reports.clear()


def test_coroutines_that_wait_for_each_other_can_be_cancelled() -> None:
    cell: list[Deferred[None]] = []
    gate: Deferred[None] = Deferred()

    async def first() -> None:
        await gate
        await cell[1]

    async def second() -> None:
        await cell[0]

    cell.append(ensureDeferred(first()))
    cell.append(ensureDeferred(second()))
    gate.callback(None)
    cell[1].cancel()
    failures: list[Failure] = []
    for d in cell:
        d.addErrback(failures.append)
    assert [failure.type for failure in failures] == [CancelledError, CancelledError]


def test_what_waits_for_a_list_cancels_its_members() -> None:
    """A class of Deferreds with a `cancel` of its own is asked, whoever waits for it."""
    cancelled: list[Deferred[None]] = []
    awaited, returned = Deferred[None](cancelled.append), Deferred[None](cancelled.append)

    async def wait() -> None:
        await gatherResults([awaited], consumeErrors=True)

    coroutine = ensureDeferred(wait())
    coroutine.cancel()
    chained = succeed(None).addCallback(lambda _: DeferredList([returned], consumeErrors=True))
    chained.cancel()
    assert cancelled == [awaited, returned]
    failures: list[Failure] = []
    coroutine.addErrback(failures.append)
    assert failures[0].check(FirstError)
    assert failures[0].value.subFailure.check(CancelledError)
    [(success, _)] = result_of(chained)
    assert not success
