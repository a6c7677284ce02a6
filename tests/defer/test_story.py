"""What Deferreds and coroutines contribute to the story of a failure: its levels, its links, and in debug mode its way."""

from __future__ import annotations

import asyncio
import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from selvage.defer import (
    Deferred,
    FirstError,
    ensureDeferred,
    execute,
    fail,
    gatherResults,
    inlineCallbacks,
    setDebugging,
)
from selvage.failure import Failure, Story, failure as failure_of, to_text
from tests.work import calls_made


def failed(d: Deferred[Any]) -> Failure:
    """The failure that a Deferred has by now."""
    seen: list[Failure] = []
    d.addErrback(seen.append)
    return seen[0]


def functions(failure: Failure) -> list[str]:
    return [frame[0] for frame in failure.frames]


def boom(_: object = None) -> None:
    raise ValueError("boom")


# --- Exceptions that are shared --------------------------------------------------------------------------------------


def clean_up_and_raise(shared: Any, cleaned_up: Any) -> list[Callable[[], Deferred[Any]]]:
    """Coroutines that handle the same exception and wait while they do."""

    async def first() -> None:
        try:
            await shared
        finally:
            await cleaned_up

    async def second() -> None:
        try:
            await shared
        except ValueError:
            await cleaned_up
            raise

    async def third() -> None:
        try:
            await shared
        except ValueError as error:
            kept = error
        await cleaned_up
        raise kept

    async def inner() -> None:
        await second()

    @inlineCallbacks
    def fourth() -> Any:
        try:
            yield ensureDeferred(peek())
        finally:
            yield ensureDeferred(wait())

    async def peek() -> None:
        await shared

    async def wait() -> None:
        await cleaned_up

    return [
        lambda: ensureDeferred(first()),
        lambda: ensureDeferred(second()),
        lambda: ensureDeferred(third()),
        lambda: ensureDeferred(inner()),
        fourth,
    ]


LEVELS = [["first"], ["second"], ["third", "third"], ["inner", "second"], ["fourth", "peek"]]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("others", [[0], [1, 2], [4, 3, 2, 1, 0]])
def test_each_waiter_tells_its_own_levels(when: str, others: list[int]) -> None:
    """Whether the Deferred has failed before they wait for it or fails while they do."""
    shared, cleaned_up = Deferred[None]().addCallback(boom), Deferred[None]()
    starts = clean_up_and_raise(shared, cleaned_up)
    order = [*others, 0, 1, 2, 3, 4]
    if when == "before":
        shared.callback(None)
    waiting = [starts[number]() for number in order]
    if when == "after":
        shared.callback(None)
    cleaned_up.callback(None)
    assert [functions(failed(d)) for d in waiting] == [[*LEVELS[number], "boom"] for number in order]
    failed(shared)


def test_waiters_of_one_asyncio_future_tell_their_own_levels() -> None:
    async def task() -> None:
        boom()

    async def main() -> list[Failure]:
        shared = asyncio.ensure_future(task())
        cleaned_up: Deferred[None] = Deferred()
        waiting = [start() for start in clean_up_and_raise(shared, cleaned_up)]
        await asyncio.wait([shared])
        await asyncio.sleep(0)
        cleaned_up.callback(None)
        return [failed(d) for d in waiting]

    first, *others = [functions(each) for each in asyncio.run(main())]
    # asyncio gives the levels below its future to the first who asks for the result, and to nobody else.
    assert first == [*LEVELS[0], "task", "boom"]
    assert others == LEVELS[1:]


def test_an_errback_that_raises_it_again_takes_nothing_from_who_handles_it() -> None:
    shared, cleaned_up = Deferred[None]().addCallback(boom), Deferred[None]()
    waiting = clean_up_and_raise(shared, cleaned_up)[0]()
    shared.addErrback(lambda failure: failure.trap(KeyError))
    shared.callback(None)
    cleaned_up.callback(None)
    assert functions(failed(waiting)) == ["first", "boom"]
    assert functions(failed(shared)) == ["<lambda>", "boom"]


def test_an_exception_that_is_no_longer_handled_is_not_kept() -> None:
    """A coroutine that goes on after an exception does not keep it, nor its frames."""

    class Mine(Exception):
        pass

    refs: list[weakref.ref[Mine]] = []

    def raise_mine(_: object) -> None:
        error = Mine()
        refs.append(weakref.ref(error))
        raise error

    first, second = Deferred[None](), Deferred[None]()

    async def work() -> None:
        try:
            await first.addCallback(raise_mine)
        except Mine:
            pass
        await second

    d = ensureDeferred(work())
    first.callback(None)
    first.addErrback(lambda _: None)
    gc.collect()
    assert refs[0]() is None
    second.callback(None)
    assert d.called


def test_an_exception_that_is_kept_and_used_again_has_one_story_each_time() -> None:
    """`CONNECTION_DONE` is one object for all connections: what a coroutine did with it is no part of the next story."""

    async def read(d: Deferred[None]) -> None:
        await d

    kept = ConnectionError("done")
    for _ in range(3):
        closed: Deferred[None] = Deferred()
        reading = ensureDeferred(read(closed))
        closed.errback(Failure._withoutTraceback(kept))
        assert functions(failed(reading)) == ["read"]


def test_the_work_for_many_levels_grows_with_their_number() -> None:
    def fail_through(levels: int) -> None:
        answer: Deferred[None] = Deferred().addCallback(boom)

        async def level(number: int) -> None:
            await (ensureDeferred(other(number - 1)) if number else answer)

        async def other(number: int) -> None:
            await (ensureDeferred(level(number - 1)) if number else answer)

        d = ensureDeferred(level(levels))
        answer.callback(None)
        to_text(failed(d))

    fail_through(1)
    few, many = calls_made(lambda: fail_through(20)), calls_made(lambda: fail_through(80))
    assert many < 4.5 * few


# --- Links -----------------------------------------------------------------------------------------------------------


def test_what_an_errback_raises_happened_while_the_failure_was_handled() -> None:
    def stumble(_: object) -> None:
        raise KeyError("stumbled")

    made = failed(execute(boom).addErrback(stumble))
    assert made.check(KeyError)
    assert isinstance(made.value.__context__, ValueError)
    assert (
        to_text(made).index("boom\n")
        < to_text(made).index("During handling")
        < to_text(made).index("stumbled")
    )


def test_links_that_are_there_are_left_alone() -> None:
    other = RuntimeError("other")

    def from_other(_: object) -> None:
        raise KeyError from other

    def from_none(_: object) -> None:
        raise KeyError from None

    def again(failure: Failure) -> None:
        failure.raiseException()

    assert failed(execute(boom).addErrback(from_other)).value.__context__ is None
    assert failed(execute(boom).addErrback(from_none)).value.__context__ is None
    assert failed(execute(boom).addErrback(again)).value.__context__ is None


def test_links_never_form_a_circle() -> None:
    first, second = ValueError("first"), KeyError("second")

    def raise_second(_: object) -> None:
        raise second

    def raise_first(_: object) -> None:
        raise first

    made = failed(fail(first).addErrback(raise_second).addErrback(raise_first))
    assert made.value is first
    assert second.__context__ is first
    assert first.__context__ is None


def test_a_first_error_comes_from_the_failure_that_it_is_about() -> None:
    made = failed(gatherResults([execute(boom)], consumeErrors=True))
    error = made.value
    assert isinstance(error, FirstError)
    assert error.__cause__ is error.subFailure.value
    story = Story.of(made)
    assert story.message == "FirstError[#0, ValueError('boom')]"
    assert [cause.relation for cause in story.causes] == ["cause"]
    assert [frame.function for frame in story.causes[0].frames] == ["boom"]


def test_a_first_error_that_was_sent_still_has_its_story() -> None:
    made = failed(gatherResults([execute(boom)], consumeErrors=True))
    assert to_text(pickle.loads(pickle.dumps(made))) == to_text(made)


# --- Debug mode ------------------------------------------------------------------------------------------------------


def steps(failure: Failure) -> list[tuple[str, str]]:
    return [(step.event, step.callback) for step in Story.of(failure).chain]


def pass_on(failure: Failure) -> Failure:
    return failure


def trap(failure: Failure) -> None:
    failure.trap(KeyError)


def test_the_way_of_a_failure(debugging: None) -> None:
    d: Deferred[Any] = Deferred()
    d.addCallback(boom)
    d.addErrback(pass_on)
    d.addCallbacks(pass_on, trap)
    d.addBoth(pass_on)
    d.callback(None)
    made = failed(d)
    assert steps(made) == [
        ("raised", "boom"),
        ("passed", "pass_on"),
        ("passed", "trap"),
        ("passed", "pass_on"),
    ]
    first = Story.of(made).chain[0]
    assert first.added is not None and first.made is not None and first.fired is not None
    assert first.added.code == "d.addCallback(boom)"
    assert first.made.code == "d: Deferred[Any] = Deferred()"
    assert first.fired.code == "d.callback(None)"
    assert {place.file for place in (first.added, first.made, first.fired)} == {__file__}
    assert functions(made) == ["trap", "boom"]


def test_the_way_goes_on_when_a_coroutine_raises_it_again(debugging: None) -> None:
    async def work(d: Deferred[Any]) -> None:
        await d

    d: Deferred[Any] = Deferred()
    outer = ensureDeferred(work(d))
    d.errback(ValueError("boom"))
    made = failed(outer.addErrback(pass_on))
    assert steps(made) == [("fired", ""), ("fired", ""), ("passed", "pass_on")]
    assert "Way of the failure" in made.getTraceback()
    assert "outer = ensureDeferred(work(d))" in made.getTraceback()


def test_the_way_is_kept_on_the_way_to_another_process(debugging: None) -> None:
    made = failed(execute(boom).addErrback(pass_on))
    sent = pickle.loads(pickle.dumps(made))
    assert steps(sent) == steps(made) != []
    assert to_text(sent) == to_text(made)


def test_an_exception_that_is_used_again_begins_another_way(debugging: None) -> None:
    kept = ConnectionError("done")
    for _ in range(3):
        d: Deferred[None] = Deferred()
        d.addErrback(pass_on)
        d.errback(Failure._withoutTraceback(kept))
        assert steps(failed(d)) == [("fired", ""), ("passed", "pass_on")]


def test_the_way_goes_on_in_a_chained_deferred(debugging: None) -> None:
    first: Deferred[None] = Deferred()
    second: Deferred[None] = Deferred()
    first.addErrback(pass_on)
    first.chainDeferred(second)
    first.errback(ConnectionError("never raised"))
    assert steps(failed(second)) == [("fired", ""), ("passed", "pass_on"), ("fired", "")]


def test_a_way_without_end_keeps_its_beginning_and_its_end(debugging: None) -> None:
    d: Deferred[Any] = execute(boom)
    for _ in range(1000):
        d.addErrback(pass_on)
    d.addErrback(trap)
    way = steps(failed(d))
    assert len(way) == 50
    assert way[0] == ("fired", "")
    assert way[-1] == ("passed", "trap")


def test_other_values_and_callables_are_no_trouble(debugging: None) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

        def __call__(self, result: Any) -> Any:
            return result

        def __repr__(self) -> str:
            return "broken"

    d: Deferred[Any] = Deferred()
    d.addBoth(Broken())
    d.addCallbacks(None, Broken())  # type: ignore[arg-type]
    assert "broken" in repr(d._callbacks)
    d.errback(Failure(ValueError("boom")))
    assert steps(failed(d)) == [("fired", ""), ("passed", "Broken object"), ("passed", "Broken object")]
    odd: Deferred[Any] = Deferred()
    odd.errback(Failure("no exception", "no.class"))
    assert steps(failed(odd)) == []


def test_arguments_arrive(debugging: None) -> None:
    seen: list[Any] = []

    def note(result: Any, *args: Any, **kwargs: Any) -> None:
        seen.append((result, args, kwargs))

    d: Deferred[Any] = Deferred()
    d.addCallback(note, 1, key=2)
    d.addBoth(note, 3)
    d.addCallbacks(note, None, (4,), {"key": 5})
    d.callback(0)
    assert seen == [(0, (1,), {"key": 2}), (None, (3,), {}), (None, (4,), {"key": 5})]


def test_an_unhandled_failure_is_reported(debugging: None, reports: Any) -> None:
    d: Deferred[None] = Deferred()
    d.addCallback(boom)
    d.callback(None)
    del d
    gc.collect()
    assert [steps(report.failure) for report in reports] == [[("raised", "boom")]]
    reports.clear()


def test_without_debug_mode_nothing_is_noted_and_nothing_is_exchanged() -> None:
    plain = Deferred.addCallback
    setDebugging(True)
    assert Deferred.addCallback is not plain
    setDebugging(False)
    assert Deferred.addCallback is plain
    d: Deferred[None] = Deferred()
    d.addCallback(boom)
    assert d._callbacks == [boom]
    d.callback(None)
    assert steps(failed(d)) == []


# --- Levels ----------------------------------------------------------------------------------------------------------


def test_the_report_of_many_levels_grows_with_their_number() -> None:
    """Each level is told once, whatever lies between them."""

    def nested(levels: int) -> Failure:
        answer: Deferred[None] = Deferred().addCallback(boom)

        async def level(number: int) -> None:
            if number:
                await inline(number - 1)
            else:
                await answer

        @inlineCallbacks
        def inline(number: int) -> Any:
            yield ensureDeferred(level(number))

        d = ensureDeferred(level(levels))
        answer.callback(None)
        return failed(d)

    for levels in (1, 10, 40):
        assert functions(nested(levels)) == [*["level", "inline"] * levels, "level", "boom"]


def test_an_exception_and_its_failure_are_each_other() -> None:
    async def convert(error: BaseException) -> None:
        raise error

    made = failed(execute(boom))
    assert failure_of(made.value).value is made.value
    again = failed(ensureDeferred(convert(made.value)))
    assert again.value is made.value
    assert functions(again) == ["convert", "boom"]
