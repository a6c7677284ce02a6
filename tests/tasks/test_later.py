"""`deferLater`."""

from __future__ import annotations

import contextvars

import pytest

from selvage.defer import Deferred
from selvage.errors import CancelledError
from selvage.tasks import Clock, deferLater


def test_fires_with_the_result_after_the_delay():
    clock, seen = Clock(), []
    deferLater(clock, 3, lambda a, b: (a, b), 1, b=2).addCallback(seen.append)
    clock.advance(2)
    assert seen == []
    clock.advance(1)
    assert seen == [(1, 2)]


def test_without_a_function_it_is_a_pause():
    clock, seen = Clock(), []
    deferLater(clock, 1).addCallback(seen.append)
    clock.advance(1)
    assert seen == [None]


def test_fails_with_what_the_function_raises():
    clock, seen = Clock(), []
    deferLater(clock, 1, lambda: 1 / 0).addErrback(lambda reason: seen.append(reason.type))
    clock.advance(1)
    assert seen == [ZeroDivisionError]


def test_waits_for_a_deferred_that_the_function_returns():
    clock, seen, inner = Clock(), [], Deferred()
    deferLater(clock, 1, lambda: inner).addCallback(seen.append)
    clock.advance(1)
    assert seen == []
    inner.callback("inner")
    assert seen == ["inner"]


def test_cancelling_takes_the_call_back():
    clock, seen = Clock(), []
    waiting = deferLater(clock, 1, seen.append, "called")
    waiting.addErrback(lambda reason: seen.append(reason.type))
    waiting.cancel()
    assert seen == [CancelledError]
    assert clock.getDelayedCalls() == []


def test_cancelling_reaches_the_deferred_that_the_function_returned():
    clock, seen = Clock(), []
    inner = Deferred(lambda _: seen.append("cancelled inside"))
    waiting = deferLater(clock, 1, lambda: inner)
    waiting.addErrback(lambda reason: seen.append(reason.type))
    clock.advance(1)
    waiting.cancel()
    assert seen == ["cancelled inside", CancelledError]


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="pass the function, do not call it"):
        deferLater(Clock(), 1, 17)


def test_the_function_runs_in_the_context_of_the_caller():
    var = contextvars.ContextVar("var")
    clock, seen = Clock(), []
    var.set("asking")
    deferLater(clock, 1, var.get).addCallback(seen.append)
    var.set("advancing")
    clock.advance(1)
    assert seen == ["asking"]
