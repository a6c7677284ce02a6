"""Selvage's own protocols over every fault: what they say arrives whole, or there is a named error; nothing hangs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from selvage import failure
from selvage.failure import Failure
from selvage.tasks import Clock
from selvage.testing.faults import (
    Bandwidth,
    Corrupt,
    Cut,
    Delay,
    Fault,
    FaultPlan,
    Fragment,
    HalfClose,
    Stall,
)
from tests.reports import expected_reports
from tests.testing.faults.conversations import (
    ALL,
    Conversation,
    LinesOverTLS,
    Messages,
    RequestsOfClient,
    RequestsOverHTTP2,
)

DIRECTIONS = ("sent", "received")

# Of the conversations over TLS one byte in so many is cut at: a handshake is long, and costs time.
STRIDE = 97


@pytest.fixture(autouse=True)
def reports() -> Iterator[list[failure.Report]]:
    """No failure is left to nobody."""
    with expected_reports() as collected:
        yield collected
        gc.collect()


def held(talk: type[Conversation], *faults: Fault, seed: int = 1) -> Conversation:
    """Hold a conversation over faults, to its end."""
    conversation = talk(FaultPlan(*faults, seed=seed, clock=Clock()))
    conversation.settle()
    for pair in conversation.pairs:
        for end in (pair.first, pair.second):
            end.abortConnection()
    conversation.settle()
    assert conversation.clock.getDelayedCalls() == []
    return conversation


def check_whole_or_named(conversation: Conversation) -> None:
    for said, complete in zip(conversation.said, conversation.complete, strict=True):
        if isinstance(said, Failure):
            assert said.check(*conversation.errors), said
        else:
            assert said == complete
    for heard, meant in conversation.heard:
        assert heard == meant[: len(heard)]


@pytest.mark.parametrize("talk", ALL)
@pytest.mark.parametrize(
    "faults",
    [
        (),
        (Fragment(),),
        (Fragment((1, 7)), Delay((0, 0.1))),
        (Bandwidth(20_000),),
        (Fragment(1, direction="sent"), Stall(seconds=(0.1, 2), at=(0, 500))),
    ],
    ids=lambda faults: "+".join(fault.name for fault in faults) or "none",
)
def test_what_changes_no_byte_loses_none(talk: type[Conversation], faults: tuple[Fault, ...]) -> None:
    assert held(talk, *faults).said == talk.complete


@pytest.mark.slow
@pytest.mark.parametrize("talk", ALL)
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("fault", [Cut, HalfClose])
def test_an_end_after_any_byte(talk: type[Conversation], direction: Any, fault: Any) -> None:
    step = STRIDE if talk in (LinesOverTLS, RequestsOverHTTP2) else 1
    for at in count(0, step):
        conversation = held(talk, fault(at=at, direction=direction))
        check_whole_or_named(conversation)
        if not conversation.plan.counts[fault.name]:
            break  # it did not say so much
    assert at > step


# Those whose both sides have patience that ends; the others wait for ever, as they are told to.
IMPATIENT = [RequestsOfClient, RequestsOverHTTP2, Messages]


@pytest.mark.slow
@pytest.mark.parametrize("talk", IMPATIENT)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_silence_after_any_byte(talk: type[Conversation], direction: Any) -> None:
    for at in count(0, STRIDE):
        conversation = held(talk, Stall(at=at, direction=direction))
        check_whole_or_named(conversation)
        if not conversation.plan.counts["stall"]:
            break
    assert at > STRIDE


@pytest.mark.slow
@pytest.mark.parametrize("talk", ALL)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=12)
def test_a_network_that_does_all_of_it(talk: type[Conversation], seed: int) -> None:
    network = (
        Cut(0.2, (0, 1500)),
        HalfClose(0.2, (0, 1500)),
        Stall(0.3, (0, 1500), seconds=(0, 100)),
        Fragment((1, 100), probability=0.5),
        Delay((0, 3), probability=0.3),
    )
    check_whole_or_named(held(talk, *network, seed=seed))


@pytest.mark.slow
@pytest.mark.parametrize("talk", ALL)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bits_that_flip(talk: type[Conversation], reports: list[failure.Report], seed: int) -> None:
    """What was meant is not known any more; it ends all the same, and nobody is left with a failure."""
    flips = Corrupt(0.7, (0, 600), count=3)
    held(talk, flips, Fragment((1, 100), probability=0.5), seed=seed)
    gc.collect()
    reports[:] = [each for each in reports if not each.failure.check(*talk.unasked)]
    assert not reports
