"""Fields that hold for everything logged in a context."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from selvage.defer import Deferred, ensureDeferred, inlineCallbacks
from selvage.logger import LoggingHandler, bind, bound, bound_fields, classic, unbind
from selvage.reactor import Reactor


def seen(heard):
    return [event.get("request") for event in heard]


def test_fields_hold_within_the_block(heard):
    heard.log.info("before")
    with bound(request=1, user="u"):
        heard.log.info("{request} of {user}")
        with bound(request=2):
            heard.log.info("within")
            heard.log.failure("oh", ValueError())
        heard.log.info("after the inner")
    heard.log.info("after")
    assert seen(heard) == [None, 1, 2, 2, 1, None]
    assert heard[2]["user"] == "u"


def test_what_an_event_says_itself_comes_before(heard):
    with bound(request=1, log_format="x", log_level="y", log_namespace="z"):
        heard.log.info("own", request=2)
    (event,) = heard
    assert event["request"] == 2
    assert (event["log_format"], event["log_level"].name, event["log_namespace"]) == ("own", "info", "here")


def test_an_exception_ends_the_block(heard):
    with pytest.raises(KeyError), bound(request=1):
        raise KeyError
    heard.log.info("after")
    assert seen(heard) == [None]


def test_binding_for_the_rest_of_a_context(heard):
    def run():
        bind(request=1, user="u")
        bind(request=2)
        heard.log.info("x")
        assert dict(bound_fields()) == {"request": 2, "user": "u"}
        unbind("request", "never bound")
        assert dict(bound_fields()) == {"user": "u"}
        unbind()
        assert not bound_fields()

    contextvars.copy_context().run(run)
    assert seen(heard) == [2]
    assert not bound_fields()


def test_the_fields_that_are_shown_cannot_be_changed():
    with bound(request=1), pytest.raises(TypeError):
        bound_fields()["request"] = 2


def test_the_older_face_and_the_standard_logging_have_them_too(heard):
    import logging

    publisher = classic.LogPublisher(heard.publisher, heard.publisher)
    with bound(request=1):
        publisher.msg("hello")
        publisher.msg("hello", request=2)
        LoggingHandler(heard.append).handle(logging.LogRecord("std", logging.INFO, "f", 1, "hello", (), None))
    assert seen(heard) == [1, 2, 1]


# --- Where the work goes ------------------------------------------------------------------------------------------


def test_across_awaits_of_tasks_side_by_side(heard):
    async def serve(number):
        with bound(request=number):
            for _ in range(3):
                await asyncio.sleep(0)
                heard.log.info("{mine}", mine=number)

    async def main():
        await asyncio.gather(*(serve(number) for number in range(3)))
        heard.log.info("after", mine=None)

    asyncio.run(main())
    assert len(heard) == 10
    assert all(event.get("request") == event["mine"] for event in heard)


@pytest.mark.parametrize("kind", ["coroutine", "inlineCallbacks"])
def test_across_awaits_of_deferreds_side_by_side(heard, kind):
    waits = {number: [Deferred(), Deferred()] for number in range(3)}

    async def serve(number):
        with bound(request=number):
            for wait in waits[number]:
                await wait
                heard.log.info("{mine}", mine=number)
        heard.log.info("after", mine=None)

    @inlineCallbacks
    def serve_old(number):
        with bound(request=number):
            for wait in waits[number]:
                yield wait
                heard.log.info("{mine}", mine=number)
        heard.log.info("after", mine=None)

    for number in waits:
        ensureDeferred(serve(number)) if kind == "coroutine" else serve_old(number)
    for turn in range(2):
        for number in waits:
            waits[number][turn].callback(None)
    assert len(heard) == 9
    assert [event.get("request") for event in heard] == [event["mine"] for event in heard]
    assert not bound_fields()


def test_into_timers(heard):
    reactor = Reactor()
    with bound(request=1):
        reactor.callLater(0, heard.log.info, "x")
    reactor.callLater(0, reactor.stop)
    reactor.run(installSignalHandlers=False)
    assert seen(heard) == [1]


def test_into_threads_and_back(heard):
    reactor = Reactor()

    def begin():
        with bound(request=1):
            reactor.callInThread(work)
        heard.log.info("outside")

    def work():
        heard.log.info("thread", thread=threading.current_thread() is not threading.main_thread())
        reactor.callFromThread(end)

    def end():
        heard.log.info("back")
        reactor.stop()

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    assert {event["log_format"]: event.get("request") for event in heard} == {
        "outside": None,
        "thread": 1,
        "back": 1,
    }
    assert [event["thread"] for event in heard if "thread" in event] == [True]
