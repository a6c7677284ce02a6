"""Deferreds, failures and coroutines: a Twisted program that runs unmodified on Twisted and on Selvage."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from timing import measure
from twisted.internet.defer import (
    Deferred,
    DeferredList,
    ensureDeferred,
    gatherResults,
    inlineCallbacks,
    succeed,
)
from twisted.python.failure import Failure


def add_one(value):
    return value + 1


def deferred_4_callbacks(count):
    for _ in range(count):
        d = Deferred()
        d.addCallback(add_one)
        d.addCallback(add_one)
        d.addCallback(add_one)
        d.addCallback(add_one)
        d.callback(1)


def raise_value_error(_):
    raise ValueError("measured")


def trap_value_error(failure):
    failure.trap(ValueError)


def raise_and_trap(count):
    for _ in range(count):
        d = Deferred()
        d.addCallback(raise_value_error)
        d.addErrback(trap_value_error)
        d.callback(None)


def failure_in_except(count):
    try:
        raise ValueError("measured")
    except ValueError:
        for _ in range(count):
            Failure()


def failure_in_except_deep(count, depth=50):
    if depth:
        return failure_in_except_deep(count, depth - 1)
    return failure_in_except(count)


def raise_from_depth(depth):
    if depth > 1:
        raise_from_depth(depth - 1)
    else:
        raise ValueError("measured")


# Twenty functions of which each calls the one before: unlike in a recursion, no two frames are at the same place.
places = {}
exec(
    "def place_1():\n    raise ValueError('measured')\n"
    + "".join(f"def place_{n}():\n    place_{n - 1}()\n" for n in range(2, 21)),
    places,
)


def traceback_of_20_places(count):
    try:
        places["place_20"]()
    except ValueError:
        failure = Failure()
    for _ in range(count):
        failure.getTraceback()


def report_of_20_places(count):
    for _ in range(count):
        try:
            places["place_20"]()
        except ValueError:
            Failure().getTraceback()


def traceback_of_20_frames(count):
    try:
        raise_from_depth(19)
    except ValueError:
        failure = Failure()
    for _ in range(count):
        failure.getTraceback()


@inlineCallbacks
def two_yields():
    first = yield succeed(1)
    second = yield succeed(2)
    return first + second


def inline_callbacks_2_yields(count):
    for _ in range(count):
        two_yields()


async def two_awaits():
    return await succeed(1) + await succeed(2)


def coroutine_2_awaits(count):
    for _ in range(count):
        ensureDeferred(two_awaits())


async def await_one(d):
    return await d


def await_pending(count):
    for _ in range(count):
        d = Deferred()
        ensureDeferred(await_one(d))
        d.callback(1)


def gather_10(count):
    for _ in range(count):
        ten = [Deferred() for _ in range(10)]
        gatherResults(ten)
        for d in ten:
            d.callback(1)


def deferred_list_10(count):
    for _ in range(count):
        ten = [Deferred() for _ in range(10)]
        DeferredList(ten)
        for d in ten:
            d.callback(1)


if __name__ == "__main__":
    measure(
        {
            "Deferred with 4 callbacks": deferred_4_callbacks,
            "raise in a callback, trap": raise_and_trap,
            "Failure() in except": failure_in_except,
            "Failure() in except, 50 deep": failure_in_except_deep,
            "getTraceback of 20 frames": traceback_of_20_frames,
            "getTraceback of 20 places": traceback_of_20_places,
            "raise, Failure(), getTraceback": report_of_20_places,
            "inlineCallbacks, 2 yields": inline_callbacks_2_yields,
            "coroutine, 2 awaits": coroutine_2_awaits,
            "coroutine, await pending": await_pending,
            "gatherResults of 10": gather_10,
            "DeferredList of 10": deferred_list_10,
        }
    )
