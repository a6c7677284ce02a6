"""`Deferred`: callbacks, firing, waiting for one another, pausing, timeouts, debug mode."""

from __future__ import annotations

import gc
import itertools
import pickle
import warnings
import weakref

import pytest
from hypothesis import given, strategies as st

from selvage.defer import (
    AlreadyCalledError,
    CancelledError,
    Deferred,
    DeferredList,
    Failure,
    TimeoutError,
    fail,
    setDebugging,
    succeed,
)
from selvage.failure import NoCurrentExceptionError
from selvage.tasks import Clock


def result_of(d):
    """The result there is now, which counts as handled."""
    seen = []
    d.addBoth(seen.append)
    assert len(seen) == 1, f"{d!r} has no result"
    return seen[0]


def has_result(d):
    seen = []
    d.addBoth(lambda result: (seen.append(None), result)[1])
    return bool(seen)


# --- Callbacks -----------------------------------------------------------------------------------------------------


def test_callbacks_transform_in_order():
    d = Deferred()
    d.addCallback(lambda n: n + 1).addCallback(lambda n: n * 10).addCallback(str)
    d.callback(1)
    assert result_of(d) == "20"


def test_callbacks_added_after_firing_run_at_once():
    d = succeed(1)
    assert d.addCallback(lambda n: n + 1) is d
    assert d.result == 2


def test_every_method_passes_arguments():
    seen = []

    def note(*args, **kwargs):
        seen.append((args, kwargs))
        return args[0]

    d = Deferred()
    d.addCallback(note)
    d.addCallback(note, 1)
    d.addCallback(note, a=1)
    d.addCallback(note, 1, a=2)
    d.addBoth(note)
    d.addBoth(note, 1, a=2)
    d.addCallback(note, 1, 2)
    d.addCallbacks(note, note)
    d.addCallbacks(note, note, (1,), {"a": 2}, (3,), {"b": 4})
    d.addCallbacks(note, note, None, None, None, None)
    d.addCallbacks(note, note, (1,))
    d.addCallbacks(note, note, callbackKeywords={"a": 1})
    d.callback("r")
    plain, one, keyword, both = (("r",), {}), (("r", 1), {}), (("r",), {"a": 1}), (("r", 1), {"a": 2})
    assert seen == [
        plain,
        one,
        keyword,
        both,
        plain,
        both,
        (("r", 1, 2), {}),
        plain,
        both,
        plain,
        one,
        keyword,
    ]


def test_errbacks_get_arguments():
    seen = []

    def note(failure, *args, **kwargs):
        seen.append((args, kwargs))
        return failure

    d = Deferred()
    d.addErrback(note)
    d.addErrback(note, 1)
    d.addErrback(note, a=1)
    d.addErrback(note, 1, a=2)
    d.addCallbacks(None, note)
    d.addCallbacks(None, note, (), {}, (3,), {"b": 4})
    d.addCallbacks(None, note, errbackArgs=(3,))
    d.addBoth(note, 5)
    d.addErrback(note, 6, 7)
    d.addErrback(lambda f: None)
    d.errback(ValueError())
    assert seen == [
        ((), {}), ((1,), {}), ((), {"a": 1}), ((1,), {"a": 2}), ((), {}), ((3,), {"b": 4}), ((3,), {}), ((5,), {}), ((6, 7), {}),
    ]  # fmt: skip


def test_success_passes_errbacks_and_failure_passes_callbacks():
    never = []
    d = Deferred()
    d.addErrback(never.append).addCallbacks(None, never.append)
    d.callback("kept")
    assert result_of(d) == "kept" and not never
    d = Deferred()
    d.addCallback(never.append).addCallback(never.append, 1).addCallbacks(never.append)
    d.errback(ValueError("kept"))
    assert result_of(d).value.args == ("kept",) and not never


def test_failure_of_a_callback_goes_to_the_next_errback_not_to_its_own():
    wrong, right = [], []
    d = Deferred()
    d.addCallbacks(lambda _: 1 / 0, wrong.append)
    d.addErrback(lambda f: right.append(f.trap(ZeroDivisionError)))
    d.callback(None)
    assert right == [ZeroDivisionError] and not wrong
    assert d.result is None


def test_errback_that_raises_replaces_the_failure():
    d = fail(ValueError("first"))
    d.addErrback(lambda f: {}["second"])
    failure = result_of(d)
    assert failure.check(KeyError)
    assert failure.value.__traceback__ is not None


def test_a_returned_failure_is_a_failure():
    d = succeed(1)
    d.addCallback(lambda _: Failure(ValueError("returned")))
    assert result_of(d).check(ValueError)
    d = fail(KeyError())
    d.addErrback(lambda _: Failure(ValueError("returned")))
    assert result_of(d).check(ValueError)


def test_a_subclass_of_failure_is_a_failure():
    class Mine(Failure):
        pass

    d = succeed(1)
    d.addCallback(lambda _: Mine(ValueError()))
    assert type(result_of(d)) is Mine
    d = Deferred()
    d.errback(Mine(ValueError()))
    assert type(result_of(d)) is Mine


def test_a_raised_failure_is_unwrapped():
    d = succeed(1)
    error = ValueError("inside")

    def callback(_):
        raise Failure(error)

    d.addCallback(callback)
    assert result_of(d).value is error


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_every_exception_becomes_a_failure(error):
    def callback(_):
        raise error

    assert result_of(succeed(None).addCallback(callback)).check(error)


def test_frames_of_the_loop_are_not_part_of_the_story():
    def callback(_):
        raise ValueError

    failure = result_of(succeed(1).addCallback(callback))
    assert [frame[0] for frame in failure.frames] == ["callback"]
    assert failure.value.__traceback__.tb_frame.f_code is callback.__code__


def test_something_that_cannot_be_called_says_so():
    assert "'int' object is not callable" in result_of(succeed(1).addCallback(5)).getTraceback()
    assert "'tuple' object is not callable" in str(result_of(succeed(1).addCallback(())))
    assert "'NoneType' object is not callable" in str(result_of(succeed(1).addCallback(None)))


def test_a_callback_added_while_running_runs_after_those_before():
    order = []
    d = Deferred()

    def first(result):
        order.append("first")
        d.addCallback(lambda _: order.append("added"))
        order.append("still first")
        return result

    d.addCallback(first)
    d.addCallback(lambda _: order.append("second"))
    d.callback(None)
    assert order == ["first", "still first", "second", "added"]


def test_a_callback_added_by_the_last_one():
    d = Deferred()
    d.addCallback(lambda n: d.addCallback(lambda n: n + 1) and n + 1)
    d.callback(1)
    assert d.result == 3


def test_callbacks_may_go_on_adding():
    d = Deferred()

    def more(n):
        if n < 1000:
            d.addCallback(more)
        return n + 1

    d.addCallback(more)
    d.callback(0)
    assert d.result == 1001


def test_results_that_are_classes_or_falsy_pass():
    for value in (None, False, 0, "", (), [], ValueError, ValueError("not raised"), Deferred, Failure):
        d = succeed(value).addCallback(lambda x: x)
        assert d.result is value


def test_attributes_may_be_added():
    d = Deferred()
    d.mine = 1
    assert vars(d) == {"mine": 1}
    assert not hasattr(d, "result")


def test_subclasses_work():
    class Mine(Deferred[int]):
        pass

    d = Mine()
    outer = succeed(None).addCallback(lambda _: d)
    d.callback(1)
    assert outer.result == 1
    assert repr(d).startswith("<Mine at")


@pytest.mark.filterwarnings("ignore:twisted.internet.defer.Deferred.callbacks")
def test_callbacks_shows_what_is_left():
    d, other = Deferred(), Deferred()
    with pytest.warns(DeprecationWarning, match="Deferred.callbacks was deprecated"):
        assert d.callbacks == []
    d.addCallback(print)
    d.addErrback(print, 1)
    d.addBoth(print, a=1)
    d.chainDeferred(other)
    plain, failing, both, chained = d.callbacks
    assert plain[0] == (print, (), {}) and plain[1][0](3) == 3
    assert failing[1] == (print, (1,), {})
    assert both == ((print, (), {"a": 1}), (print, (), {"a": 1}))
    assert chained[0][1] == (other,)


# --- Firing --------------------------------------------------------------------------------------------------------


def test_errback_takes_failure_exception_or_the_current_exception():
    failure = Failure(ValueError())
    d = Deferred()
    d.errback(failure)
    assert result_of(d) is failure
    d = Deferred()
    d.errback(ValueError("exception"))
    assert result_of(d).value.args == ("exception",)
    d = Deferred()
    try:
        raise KeyError("current")
    except KeyError:
        d.errback()
    assert result_of(d).value.args == ("current",)
    with pytest.raises(NoCurrentExceptionError):
        Deferred().errback()


def test_callback_with_a_failure_runs_errbacks():
    d = Deferred()
    d.addCallback(print)
    d.callback(Failure(ValueError()))
    assert result_of(d).check(ValueError)


def test_callback_with_a_deferred_waits_for_it():
    inner, d = Deferred(), Deferred()
    d.callback(inner)
    assert not has_result(d)
    inner.callback("inner")
    assert result_of(d) == "inner"


def test_firing_twice_says_which_and_what_to_do():
    d = succeed("first")
    for again in (lambda: d.callback("second"), lambda: d.errback(ValueError())):
        with pytest.raises(AlreadyCalledError) as caught:
            again()
        assert hex(id(d)) in str(caught.value)
        assert "current result: 'first'" in str(caught.value)
        assert "setDebugging" in str(caught.value)
        # Twisted's has no arguments, and tests look at that.
        assert caught.value.args == ()
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_firing_twice_in_debug_mode_shows_both_places(debugging):
    def make():
        return Deferred()

    def fire_first():
        d.callback(1)

    def fire_again():
        d.callback(2)

    d = make()
    fire_first()
    with pytest.raises(AlreadyCalledError) as caught:
        fire_again()
    created, fired = str(caught.value).split(" I: First Invoker was:")
    assert hex(id(d)) in created
    assert "has fired already at " in created and " s ago; " in created
    assert "in make" in created and "return Deferred()" in created
    assert "in fire_first" in fired and "in fire_again" not in fired
    assert created.rstrip().endswith("return Deferred()") and fired.rstrip().endswith("d.callback(1)")


def test_debug_mode_may_change_at_any_time(debugging):
    before = Deferred()
    setDebugging(False)
    between = Deferred()
    before.callback(1)
    setDebugging(True)
    between.callback(1)
    with pytest.raises(AlreadyCalledError, match="First Invoker"):
        between.callback(2)
    between.addCallback(lambda _: 1)


def test_debug_mode_of_a_chained_one(debugging):
    first, second = Deferred(), Deferred()
    first.chainDeferred(second)
    first.callback(1)
    with pytest.raises(AlreadyCalledError, match="First Invoker"):
        second.callback(2)


def test_debug_mode_keeps_variables(debugging):
    def callback(secret):
        raise ValueError

    failure = result_of(succeed(42).addCallback(callback))
    assert ("secret", 42) in failure.frames[-1][3]


def test_unhandled_failure_in_debug_mode_is_reported_with_its_places(debugging, reports):
    Deferred().errback(ValueError())
    (report,) = reports
    assert "Deferred was created:" in report.context["debugInfo"]
    assert "First Invoker was:" in report.context["debugInfo"]
    reports.clear()


def test_one_deferred_may_be_debugged(reports):
    d = Deferred()
    d.debug = True
    d.errback(ValueError())
    del d
    assert "First Invoker was:" in reports.pop().context["debugInfo"]


# --- Waiting for one another ---------------------------------------------------------------------------------------


def test_a_returned_deferred_is_waited_for():
    inner, outer, seen = Deferred(), Deferred(), []
    outer.addCallback(lambda _: inner).addCallback(seen.append)
    outer.callback(None)
    assert not seen and outer.called and outer.paused == 1 and outer.result is inner
    inner.callback("inner")
    assert seen == ["inner"] and outer.paused == 0
    assert inner.result is None


def test_a_returned_deferred_that_has_fired_is_taken_over():
    inner = succeed("inner")
    outer = succeed(None).addCallback(lambda _: inner)
    assert outer.result == "inner" and inner.result is None


def test_failures_are_taken_over_and_reported_once(reports):
    for fire_first in (True, False):
        inner = Deferred()
        if fire_first:
            inner.errback(ValueError())
        outer = succeed(None).addCallback(lambda _, inner=inner: inner)
        if not fire_first:
            inner.errback(ValueError())
        assert inner.result is None
        del inner
        gc.collect()
        assert not reports
        assert result_of(outer).check(ValueError)


def test_an_errback_may_return_a_deferred():
    inner = Deferred()
    outer = fail(ValueError()).addErrback(lambda _: inner)
    inner.callback("recovered")
    assert outer.result == "recovered"


def test_callbacks_of_the_inner_one_run_before_and_after_it_is_handed_on():
    order = []
    inner, outer = Deferred(), Deferred()
    inner.addCallback(lambda r: order.append(("inner before", r)) or r)
    outer.addCallback(lambda _: inner)
    outer.addCallback(lambda r: order.append(("outer", r)))
    outer.callback(None)
    inner.addCallback(lambda r: order.append(("inner after", r)))
    inner.callback(1)
    assert order == [("inner before", 1), ("outer", 1), ("inner after", None)]


def test_a_result_handed_on_in_the_middle_does_not_disturb_later_callbacks():
    inner, first, second = Deferred(), Deferred(), Deferred()
    for outer in (first, second):
        outer.addCallback(lambda _: inner)
        outer.callback(None)
    inner.addCallback(lambda r: ("last", r))
    inner.callback("for the first")
    assert (first.result, second.result, inner.result) == ("for the first", None, ("last", None))


def test_waiting_in_the_middle_of_many_callbacks():
    """Both ways of remembering how far it got."""
    for before, after in itertools.product((0, 1, 5), (0, 1, 5, 20)):
        d, inner, seen = Deferred(), Deferred(), []
        for n in range(before):
            d.addCallback(lambda _, n=n: seen.append(("before", n)))
        d.addCallback(lambda _: inner)
        for n in range(after):
            d.addCallback(lambda _, n=n: seen.append(("after", n)))
        d.callback(None)
        d.addCallback(lambda _: seen.append("late"))
        inner.callback(None)
        assert seen == [
            *(("before", n) for n in range(before)),
            *(("after", n) for n in range(after)),
            "late",
        ]
        d.addCallback(lambda _: seen.append("later"))
        assert seen[-1] == "later"


def test_many_callbacks_that_all_wait():
    """The list of callbacks is not copied or shifted once for each."""
    count = 20_000
    d = Deferred()
    inners = [Deferred() for _ in range(count)]
    for inner in inners:
        d.addCallback(lambda _, inner=inner: inner)
    d.callback(None)
    for n, inner in enumerate(inners):
        inner.callback(n)
    assert d.result == count - 1


def test_a_loop_of_callbacks_keeps_no_old_ones():
    d = Deferred()
    alive = []
    pending = []

    def make():
        def step(_):
            make()
            pending.append(Deferred())
            return pending[-1]

        alive.append(weakref.ref(step))
        d.addCallback(step)

    make()
    d.callback(None)
    for _ in range(100):
        pending.pop().callback(None)
    assert sum(ref() is not None for ref in alive) <= 2


def test_chain_deferred():
    first, second = Deferred(), Deferred()
    assert first.chainDeferred(second) is first
    assert second._chainedTo is first
    assert repr(second) == f"<Deferred at {id(second):#x} waiting on Deferred at {id(first):#x}>"
    first.callback(1)
    assert second.result == 1 and first.result is None and second._chainedTo is None
    first, second = Deferred(), Deferred()
    first.chainDeferred(second)
    first.errback(ValueError())
    assert result_of(second).check(ValueError) and first.result is None


def test_chain_deferred_to_one_that_has_fired():
    first, second = Deferred(), succeed("own")
    first.chainDeferred(second)
    first.callback(1)
    assert result_of(first).check(AlreadyCalledError)
    assert second.result == "own"


def test_chain_deferred_to_one_that_was_cancelled():
    first, second = Deferred(), Deferred()
    first.chainDeferred(second)
    second.cancel()
    first.callback(1)
    assert first.result is None
    assert result_of(second).check(CancelledError)


def test_chain_deferred_calls_overridden_methods():
    class Mine(Deferred):
        def callback(self, result):
            super().callback(("mine", result))

        def errback(self, fail=None):
            super().callback("mine failed")

    d = Mine()
    succeed(1).chainDeferred(d)
    assert d.result == ("mine", 1)
    d = Mine()
    fail(ValueError()).chainDeferred(d)
    assert d.result == "mine failed"


def test_a_deferred_returned_to_itself_warns_and_goes_on():
    d = Deferred()

    def circular(result):
        return d

    d.addCallback(lambda _: "given to circular")
    d.addCallback(circular)
    d.addCallback(lambda result: ("after", result))
    with pytest.warns(
        DeprecationWarning, match="Callback returned the Deferred it was attached to"
    ) as caught:
        d.callback(None)
    assert d.result == ("after", "given to circular")
    (warning,) = caught
    assert (warning.filename, warning.lineno) == (__file__, circular.__code__.co_firstlineno)


def test_an_errback_that_returns_its_own_deferred():
    d = Deferred()
    d.addErrback(lambda _: d)
    with pytest.warns(DeprecationWarning):
        d.errback(ValueError())
    assert result_of(d).check(ValueError)


def test_a_builtin_that_returns_its_own_deferred():
    d = Deferred()
    d.addCallback({1: d}.get)
    with pytest.warns(DeprecationWarning):
        d.callback(1)
    d.addErrback(lambda f: None)


def test_a_deferred_returned_to_itself_with_warnings_as_errors():
    d = Deferred()
    d.addCallback(lambda _: d)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        d.callback(None)
    assert result_of(d).check(DeprecationWarning)


def test_fired_with_itself():
    d = Deferred()
    with pytest.warns(DeprecationWarning):
        d.callback(d)
    assert d.result is None


@pytest.mark.parametrize("length", [2, 3, 10])
def test_a_circle_fails_instead_of_hanging(length):
    circle = [Deferred() for _ in range(length)]
    for d, following in zip(circle, [*circle[1:], circle[0]]):
        d.addCallback(lambda _, following=following: following)
    for d in circle:
        d.callback(None)
    failure = result_of(circle[0])
    assert failure.check(RuntimeError)
    assert "neither would ever have a result" in str(failure.value)


def test_classes_may_be_subscripted():
    assert isinstance(Deferred[int](), Deferred)
    assert isinstance(DeferredList[int]([]), DeferredList)

    class Mine(Deferred[str]):
        pass

    assert isinstance(Mine[int](), Mine)


def test_repr():
    d = Deferred()
    assert repr(d) == f"<Deferred at {id(d):#x}>"
    d.callback("result")
    assert repr(d) == f"<Deferred at {id(d):#x} current result: 'result'>"
    inner = Deferred()
    d.addCallback(lambda _: inner)
    assert repr(d) == f"<Deferred at {id(d):#x} waiting on Deferred at {id(inner):#x}>"


# --- Pausing -------------------------------------------------------------------------------------------------------


def test_pause():
    d, seen = Deferred(), []
    d.addCallback(seen.append)
    d.pause()
    d.pause()
    d.callback(1)
    d.unpause()
    assert not seen
    d.unpause()
    assert seen == [1]


def test_unpause_before_firing():
    d = Deferred()
    d.pause()
    d.unpause()
    d.callback(1)
    assert d.result == 1


def test_a_paused_deferred_is_waited_for():
    paused = succeed("result")
    paused.pause()
    outer = succeed(None).addCallback(lambda _: paused)
    assert not has_result(outer)
    paused.unpause()
    assert result_of(outer) == "result"


def test_paused_while_it_waits():
    inner, outer, seen = Deferred(), Deferred(), []
    outer.addCallback(lambda _: inner).addCallback(seen.append)
    outer.callback(None)
    outer.pause()
    inner.callback(1)
    assert not seen and inner.result is None
    outer.unpause()
    assert seen == [1]


def test_pausing_does_not_stop_what_is_running():
    d, seen = Deferred(), []
    d.addCallback(lambda _: d.pause())
    d.addCallback(seen.append)
    d.callback(None)
    assert seen == [None]
    d.addCallback(seen.append)
    assert seen == [None]
    d.unpause()
    assert seen == [None, None]


# --- Failures left over --------------------------------------------------------------------------------------------


def test_an_unhandled_failure_is_reported_when_the_last_reference_goes(reports):
    d = Deferred()
    error = ValueError("left over")
    d.errback(error)
    assert not reports
    del d
    (report,) = reports
    assert report.failure.value is error
    assert (report.message, report.source) == ("Unhandled error in Deferred:", "deferred")
    reports.clear()


def test_what_a_callback_raised_is_reported(reports):
    def scope():
        d = Deferred()
        d.addCallback(lambda _: 1 / 0)
        d.callback(None)

    scope()
    gc.collect()
    (report,) = reports
    assert report.failure.check(ZeroDivisionError)
    reports.clear()


def test_a_handled_failure_is_not_reported(reports):
    d = fail(ValueError())
    d.addErrback(lambda _: None)
    del d
    gc.collect()
    assert not reports


def test_an_errback_that_is_added_late_disarms(reports):
    d = fail(ValueError())
    d.addCallback(print)
    d.addErrback(lambda _: None)
    del d
    gc.collect()
    assert not reports


def test_a_failure_that_is_passed_on_is_reported_once(reports):
    d = fail(ValueError())
    for _ in range(3):
        d.addErrback(lambda f: f)
    del d
    assert len(reports) == 1
    reports.clear()


def test_one_failure_in_several_deferreds_is_reported_once(reports):
    failure = Failure(ValueError())
    ds = [fail(failure) for _ in range(3)]
    del ds
    assert len(reports) == 1
    reports.clear()


def test_a_success_has_no_sentinel():
    d = Deferred()
    d.addCallback(lambda _: 1 / 0).addErrback(lambda _: None)
    d.callback(None)
    assert d._debugInfo is None


def test_handled_failures_leave_no_circles():
    """What a callback raised is freed at once when an errback has handled it."""

    alive = []

    def callback(_):
        raise ValueError

    def errback(failure):
        alive.append(weakref.ref(failure))

    gc.collect()
    gc.disable()
    try:
        d = succeed(None).addCallback(callback)
        d.addErrback(errback)
        d = Deferred()
        d.addCallback(callback).addErrback(errback)
        d.callback(None)
        assert [ref() for ref in alive] == [None, None]
    finally:
        gc.enable()


# --- addTimeout ----------------------------------------------------------------------------------------------------


def test_timeout():
    clock = Clock()
    d = Deferred()
    assert d.addTimeout(10, clock) is d
    clock.advance(10)
    failure = result_of(d)
    assert failure.check(TimeoutError)
    assert failure.value.args == (10, "Deferred")
    assert failure.value.__notes__ == ["the Deferred had no result within 10 s"]


def test_a_result_in_time_stops_the_clock():
    clock = Clock()
    d = Deferred().addTimeout(10, clock)
    d.callback(1)
    assert d.result == 1 and not clock.getDelayedCalls()
    d = Deferred().addTimeout(10, clock)
    d.errback(ValueError())
    assert result_of(d).check(ValueError) and not clock.getDelayedCalls()


def test_timeout_of_one_that_has_fired():
    clock = Clock()
    d = succeed(1).addTimeout(10, clock)
    assert d.result == 1 and not clock.getDelayedCalls()


def test_cancelled_before_the_timeout():
    clock = Clock()
    d = Deferred().addTimeout(10, clock)
    d.cancel()
    assert result_of(d).check(CancelledError) and not clock.getDelayedCalls()


def test_what_is_added_after_the_timeout_may_take_any_time():
    clock, inner = Clock(), Deferred()
    d = Deferred().addTimeout(10, clock).addCallback(lambda _: inner)
    d.callback(None)
    clock.advance(20)
    inner.callback("in the end")
    assert d.result == "in the end"


def test_timeout_with_a_canceller_of_its_own_mind():
    clock = Clock()
    d = Deferred(lambda d: d.callback("kept")).addTimeout(10, clock)
    clock.advance(10)
    assert d.result == "kept"
    d = Deferred(lambda d: d.errback(KeyError())).addTimeout(10, clock)
    clock.advance(10)
    assert result_of(d).check(KeyError)


def test_on_timeout_cancel():
    clock, seen = Clock(), []
    d = Deferred().addTimeout(10, clock, lambda result, seconds: seen.append((result, seconds)) or "instead")
    clock.advance(10)
    assert d.result == "instead"
    ((failure, seconds),) = seen
    assert failure.check(CancelledError) and seconds == 10
    d = Deferred().addTimeout(10, clock, lambda result, seconds: {}["missing"])
    clock.advance(10)
    assert result_of(d).check(KeyError)


# --- Any program ---------------------------------------------------------------------------------------------------

OPERATION = st.sampled_from(
    ["add", "raise", "recover", "both", "wait", "wait fired", "fail later", "pause", "late"]
)


@given(st.lists(OPERATION, max_size=12), st.booleans())
def test_any_chain_gives_what_straight_code_would(operations, fire_first):
    """The result does not depend on when things fire."""
    d = Deferred()
    pending, inners = [], []
    expected = 0
    if fire_first:
        d.callback(0)
    for operation in operations:
        ok = not isinstance(expected, str)
        if operation == "add":
            d.addCallback(lambda n: n + 1)
            expected = expected + 1 if ok else expected
        elif operation == "raise":
            d.addCallback(lambda n: 1 / 0)
            expected = "failed" if ok else expected
        elif operation == "recover":
            d.addErrback(lambda f: 100)
            expected = expected if ok else 100
        elif operation == "both":
            d.addBoth(lambda r, add: 7 + add, 1)
            expected = 8
        elif operation in ("wait", "wait fired", "fail later"):
            inner = Deferred()
            if operation == "wait fired":
                inner.callback(50)
                expected = 50 if ok else expected
            elif operation == "wait":
                pending.append(lambda inner=inner: inner.callback(50))
                expected = 50 if ok else expected
            else:
                pending.append(lambda inner=inner: inner.errback(ValueError()))
                expected = "failed" if ok else expected
            d.addCallback(lambda _, inner=inner: inner)
            inners.append(inner)
        elif operation == "pause":
            d.pause()
            pending.append(d.unpause)
        elif pending and operation == "late":
            pending.pop(0)()
    if not fire_first:
        d.callback(0)
    for step in pending:
        step()
    result = result_of(d)
    assert ("failed" if isinstance(result, Failure) else result) == expected
    for inner in inners:
        # Failures that nobody came to wait for.
        inner.addErrback(lambda f: None)


def test_deferred_list_is_registered_as_deferred():
    inner = Deferred()
    outer = succeed(None).addCallback(lambda _: DeferredList([inner]))
    assert not has_result(outer)
    inner.callback(1)
    assert result_of(outer) == [(True, 1)]
