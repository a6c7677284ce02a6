"""Coroutines and inlineCallbacks without a loop; with one, see test_asyncio."""

from __future__ import annotations

import contextvars
import gc
import inspect
import traceback
import types
import weakref

import pytest

from selvage.defer import (
    CancelledError,
    Deferred,
    Failure,
    NotACoroutineError,
    ensureDeferred,
    fail,
    inlineCallbacks,
    returnValue,
    succeed,
)

from .test_deferred import has_result, result_of


async def waits(d):
    return await d


@inlineCallbacks
def yields(d):
    result = yield d
    return result


def delegates(d):
    result = yield from d
    return result


WAYS = [
    pytest.param(lambda d: ensureDeferred(waits(d)), id="await"),
    pytest.param(yields, id="yield"),
    pytest.param(lambda d: ensureDeferred(delegates(d)), id="yield from"),
    pytest.param(inlineCallbacks(delegates), id="inlineCallbacks with yield from"),
    pytest.param(lambda d: Deferred.fromCoroutine(waits(d)), id="fromCoroutine"),
    pytest.param(lambda d: yields(waits(d)), id="yield of a coroutine"),
]


@pytest.mark.parametrize("start", WAYS)
def test_results(start):
    assert result_of(start(succeed(1))) == 1
    d = Deferred()
    outer = start(d)
    assert not has_result(outer)
    d.callback(2)
    assert result_of(outer) == 2
    assert result_of(start(succeed(None))) is None


@pytest.mark.parametrize("start", WAYS)
def test_failures(start):
    assert result_of(start(fail(ValueError()))).check(ValueError)
    d = Deferred()
    outer = start(d)
    d.errback(KeyError("pending"))
    assert result_of(outer).check(KeyError)


@pytest.mark.parametrize("start", WAYS)
def test_one_that_waits_itself_or_is_paused(start):
    inner, d = Deferred(), succeed(None)
    d.addCallback(lambda _: inner)
    outer = start(d)
    inner.callback("inner")
    assert result_of(outer) == "inner"
    d = succeed("paused")
    d.pause()
    outer = start(d)
    assert not has_result(outer)
    d.unpause()
    assert result_of(outer) == "paused"


@pytest.mark.parametrize("start", WAYS)
def test_one_whose_callbacks_are_running(start):
    """What it waits for is the result after all of them."""
    outers = []
    d = Deferred()
    d.addCallback(lambda r: outers.append(start(d)) or r)
    d.addCallback(lambda r: r + 1)
    d.callback(1)
    assert result_of(outers[0]) == 2


def test_awaiting_leaves_the_result_and_yielding_uses_it_up():
    for fire_first in (True, False):
        d = Deferred()
        if fire_first:
            d.callback(1)
        both = [ensureDeferred(waits(d)), ensureDeferred(waits(d))]
        if not fire_first:
            d.callback(1)
        assert [result_of(each) for each in both] == [1, 1] and d.result == 1
    d = succeed(1)
    assert [result_of(yields(d)), result_of(yields(d))] == [1, None]


def test_a_failure_that_was_awaited_counts_as_handled(reports):
    for fire_first in (True, False):
        d = Deferred()
        if fire_first:
            d.errback(ValueError())
        both = [ensureDeferred(waits(d)), ensureDeferred(waits(d))]
        if not fire_first:
            d.errback(ValueError())
        del d
        gc.collect()
        assert [bool(result_of(each).check(ValueError)) for each in both] == [True, True]
        assert not reports


def test_a_callback_after_awaiting_sees_the_failure(reports):
    """And if that leaves it over, somebody lost it."""
    d = Deferred()
    seen = []
    outer = ensureDeferred(waits(d))
    d.addErrback(seen.append)
    d.errback(ValueError())
    assert seen[0].check(ValueError)
    assert result_of(outer).check(ValueError)


def test_values_go_straight_back_into_a_generator():
    @inlineCallbacks
    def generator():
        results = []
        for value in (1, None, "text", [], ValueError):
            results.append((yield value))
        return results

    assert result_of(generator()) == [1, None, "text", [], ValueError]


def test_a_failure_is_thrown_into_a_generator():
    @inlineCallbacks
    def generator():
        try:
            yield Failure(KeyError("yielded"))
        except KeyError as error:
            return error.args

    assert result_of(generator()) == ("yielded",)


def test_a_coroutine_that_somebody_made_by_hand():
    """Objects yielded that nobody knows go back in."""

    @types.coroutine
    def strange():
        return (yield 5)

    async def coroutine():
        return await strange()

    assert result_of(ensureDeferred(coroutine())) == 5


def test_a_deferred_or_failure_as_the_return_value():
    inner = Deferred()

    async def returns(value):
        return value

    async def waits_and_returns(d, value):
        await d
        return value

    outer = ensureDeferred(returns(inner))
    first = Deferred()
    late = ensureDeferred(waits_and_returns(first, inner))
    assert not has_result(outer)
    inner.callback(1)
    assert result_of(outer) == 1
    first.callback(None)
    assert result_of(late) is None
    assert result_of(ensureDeferred(returns(Failure(ValueError())))).check(ValueError)
    first = Deferred()
    late = ensureDeferred(waits_and_returns(first, Failure(ValueError())))
    first.callback(None)
    assert result_of(late).check(ValueError)


def test_a_generator_that_ends_at_once_with_a_deferred():
    inner = Deferred()

    @inlineCallbacks
    def generator():
        yield "nothing to wait for"
        return inner

    d = generator()
    assert not has_result(d)
    inner.callback(1)
    assert result_of(d) == 1


def test_awaiting_a_failure_whose_value_is_no_exception():
    d = Deferred()
    d.errback("reason")
    failure = result_of(ensureDeferred(waits(d)))
    assert "reason" in str(failure.value)


def test_waiting_for_itself_fails():
    first, holder = Deferred(), []

    async def coroutine():
        await first
        await holder[0]

    holder.append(ensureDeferred(coroutine()))
    first.callback(None)
    failure = result_of(holder.pop())
    assert failure.check(RuntimeError) and "cannot wait for its own result" in str(failure.value)


@pytest.mark.parametrize("thing", [None, 1, "text", print, lambda: None, object(), waits])
def test_not_a_coroutine(thing):
    with pytest.raises(NotACoroutineError, match="is not a coroutine"):
        Deferred.fromCoroutine(thing)
    with pytest.raises(NotACoroutineError, match="was the function called"):
        ensureDeferred(thing)


def test_ensure_deferred_passes_deferreds():
    d = Deferred()
    assert ensureDeferred(d) is d


def test_every_exception_ends_in_the_deferred():
    async def raises(error):
        raise error

    for error in (KeyboardInterrupt(), SystemExit(), GeneratorExit(), ValueError()):
        assert result_of(ensureDeferred(raises(error))).value is error


def test_the_frames_of_every_level_are_kept():
    def origin():
        raise ValueError("story")

    d = Deferred()
    d.addCallback(lambda _: origin())

    @inlineCallbacks
    def middle():
        yield waits(d)

    async def outermost():
        await middle()

    outer = ensureDeferred(outermost())
    d.callback(None)
    failure = result_of(outer)
    names = [frame[0] for frame in failure.frames]
    assert names == ["outermost", "middle", "waits", "<lambda>", "origin"]


def test_the_machinery_does_not_leak_into_what_is_raised_later():
    """An exception raised after waiting has no context from the inside of the driver."""
    first = Deferred()

    @inlineCallbacks
    def inner():
        yield first
        return 6

    @inlineCallbacks
    def outer():
        yield inner()
        try:
            raise ValueError
        except ValueError as error:
            return error.__context__, traceback.format_exc()

    d = outer()
    first.callback(None)
    context, text = result_of(d)
    assert context is None and "StopIteration" not in text


def test_long_loops_of_ready_results_do_not_recurse():
    @inlineCallbacks
    def generator():
        total = 0
        for _ in range(20_000):
            total += yield succeed(1)
        return total

    async def coroutine():
        return sum([await succeed(1) for _ in range(20_000)])

    assert result_of(generator()) == result_of(ensureDeferred(coroutine())) == 20_000


# --- inlineCallbacks -----------------------------------------------------------------------------------------------


def test_the_function_keeps_its_face():
    @inlineCallbacks
    def documented(a: int, *, b: str = "") -> None:
        """What it is for."""
        yield

    assert documented.__name__ == "documented" and documented.__doc__ == "What it is for."
    assert list(inspect.signature(documented).parameters) == ["a", "b"]


def test_methods():
    class Thing:
        @inlineCallbacks
        def method(self, value):
            result = yield succeed(value)
            return self, result

    thing = Thing()
    assert result_of(thing.method(1)) == (thing, 1)


def test_wrong_arguments_are_the_callers_fault():
    with pytest.raises(TypeError, match="positional argument"):
        yields()


def test_a_function_that_never_yields_is_treated_as_by_maybe_deferred():
    d = Deferred()
    assert result_of(inlineCallbacks(lambda: 5)()) == 5
    assert inlineCallbacks(lambda: d)() is d
    assert result_of(inlineCallbacks(lambda: 1 / 0)()).check(ZeroDivisionError)
    assert result_of(inlineCallbacks(lambda: waits(succeed(1)))()) == 1
    assert result_of(inlineCallbacks(lambda: (yield succeed(2)))()) == 2
    assert result_of(inlineCallbacks(lambda: delegates(succeed(3)))()) == 3

    @inlineCallbacks
    async def coroutine():
        return await succeed(4)

    assert result_of(coroutine()) == 4


@pytest.mark.filterwarnings("ignore:.*returnValue was deprecated")
def test_return_value():
    @inlineCallbacks
    def generator():
        yield None
        returnValue(6)

    with pytest.warns(DeprecationWarning, match="returnValue was deprecated in Twisted") as caught:
        assert result_of(generator()) == 6
    assert caught[0].filename == __file__

    @inlineCallbacks
    def never_yields():
        returnValue(7)

    assert result_of(never_yields()) == 7
    first = Deferred()

    @inlineCallbacks
    def waits_first():
        yield first
        returnValue(8)

    d = waits_first()
    first.callback(None)
    assert result_of(d) == 8


@pytest.mark.filterwarnings("ignore:.*returnValue was deprecated")
def test_return_value_from_afar_warns():
    def mistaken():
        returnValue(1)

    @inlineCallbacks
    def inline():
        yield
        mistaken()

    with pytest.warns(DeprecationWarning, match=r"returnValue\(\) in 'mistaken' causing 'inline' to exit"):
        assert result_of(inline()) == 1


# --- Contexts and references ---------------------------------------------------------------------------------------

variable = contextvars.ContextVar("variable", default=0)


def test_each_coroutine_has_a_context_of_its_own():
    first = Deferred()

    async def coroutine():
        assert variable.get() == 1
        variable.set(2)
        await first
        return variable.get()

    def check():
        variable.set(1)
        d = ensureDeferred(coroutine())
        assert variable.get() == 1
        variable.set(3)
        first.callback(None)
        assert variable.get() == 3
        return result_of(d)

    assert contextvars.copy_context().run(check) == 2


@pytest.mark.parametrize("start", WAYS)
@pytest.mark.parametrize("fire_first", [True, False])
def test_no_circle_is_left(start, fire_first):
    class Token:
        pass

    gc.collect()
    gc.disable()
    try:
        token, d = Token(), Deferred()
        if fire_first:
            d.callback(token)
        outer = start(d)
        if not fire_first:
            d.callback(token)
        assert result_of(outer) is token
        gone = [weakref.ref(token), weakref.ref(outer), weakref.ref(d)]
        del token, outer, d
        assert [ref() for ref in gone] == [None, None, None]
    finally:
        gc.enable()


def test_a_coroutine_that_nobody_will_ever_resume_is_closed():
    closed = []

    async def coroutine():
        try:
            await Deferred()
        finally:
            closed.append(True)

    d = ensureDeferred(coroutine())
    del d
    gc.collect()
    assert closed == [True]


def test_debug_mode(debugging):
    first = Deferred()
    d = ensureDeferred(waits(first))
    first.callback(1)
    with pytest.raises(Exception, match="First Invoker"):
        d.callback(2)
    d = yields(fail(ValueError()))
    assert result_of(d).check(ValueError)
    d = ensureDeferred(waits(Deferred()))
    d.cancel()
    assert result_of(d).check(CancelledError)
