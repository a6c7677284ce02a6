"""Chains of 100,000 Deferreds: no recursion, nothing quadratic, whether built, fired, failed, cancelled or dropped."""

from __future__ import annotations

import gc
import sys

import pytest

from selvage.defer import CancelledError, Deferred, ensureDeferred, inlineCallbacks, succeed
from tests.work import calls_made

from .test_deferred import result_of

LENGTH = 100_000

pytestmark = pytest.mark.slow


async def waits(d):
    return await d


@inlineCallbacks
def yields(d):
    result = yield d
    return result


def returning(d):
    outer = Deferred()
    outer.addCallback(lambda _: d)
    outer.callback(None)
    return outer


def returning_late(d):
    outer = Deferred()
    outer.addCallback(lambda _: d).addBoth(lambda r: r)
    outer.callback(None)
    return outer


def chaining(d):
    outer = Deferred()
    d.chainDeferred(outer)
    return outer


def awaiting(d):
    return ensureDeferred(waits(d))


LINKS = [returning, returning_late, chaining, awaiting, yields]


def build(link, source, length=LENGTH):
    d = source
    for _ in range(length):
        d = link(d)
    return d


@pytest.mark.parametrize("link", LINKS)
def test_pending_chain_that_succeeds(link):
    source = Deferred()
    end = build(link, source)
    source.callback("result")
    assert result_of(end) == "result"


@pytest.mark.parametrize("link", LINKS)
def test_pending_chain_that_fails(link):
    source = Deferred()
    end = build(link, source)
    source.errback(ValueError())
    assert result_of(end).check(ValueError)


@pytest.mark.parametrize("link", LINKS)
def test_chain_of_fired_ones(link):
    assert result_of(build(link, succeed("result"))) == "result"


@pytest.mark.parametrize("link", [link for link in LINKS if link is not chaining])
def test_chain_that_is_cancelled_at_its_end(link):
    cancelled = []
    end = build(link, Deferred(cancelled.append))
    end.cancel()
    assert len(cancelled) == 1
    assert result_of(end).check(CancelledError)


@pytest.mark.parametrize("link", LINKS)
def test_chain_that_is_dropped(link):
    source = Deferred()
    end = build(link, source)
    del source, end
    gc.collect()


def test_chain_built_from_the_other_end():
    """Each waits for one that begins to wait only later."""
    chain = [Deferred() for _ in range(LENGTH)]
    for d, inner in zip(chain, chain[1:]):
        d.addCallback(lambda _, inner=inner: inner)
    for d in chain[:-1]:
        d.callback(None)
    chain[-1].callback("result")
    assert result_of(chain[0]) == "result"


def test_the_stack_does_not_deepen():
    depths = []

    def note(result):
        frame, depth = sys._getframe(), 0
        while frame is not None:
            frame, depth = frame.f_back, depth + 1
        depths.append(depth)
        return result

    for link in LINKS:
        for length in (1, 5, 50):
            source = Deferred()
            build(link, source, length).addCallback(note)
            source.callback(None)
        assert len(set(depths)) == 1, link
        depths.clear()


@pytest.mark.parametrize("link", LINKS)
def test_work_grows_with_length(link):
    """Ten times as many take about ten times the work, not a hundred times."""

    def chain(length):
        source = Deferred()
        end = build(link, source, length)
        source.callback(None)
        result_of(end)

    short, long = calls_made(lambda: chain(500)), calls_made(lambda: chain(5_000))
    assert long < short * 11
