"""The plan itself: seeds, records, what it refuses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from hypothesis import given, strategies as st

from selvage.tasks import Clock
from selvage.testing import AccumulatingProtocol
from selvage.testing.faults import (
    SEED_VARIABLE,
    Bandwidth,
    ChangeAddress,
    ConnectTimeout,
    Corrupt,
    Cut,
    Delay,
    Duplicate,
    FailLookup,
    Fault,
    FaultPlan,
    Fragment,
    HalfClose,
    Injected,
    Jump,
    JumpingClock,
    Lose,
    NoAddress,
    Refuse,
    Reorder,
    SlowConnect,
    SlowLookup,
    Stall,
    WrongAddress,
    plans_made,
)
from selvage.testing.faults._base import Draws


def test_a_seed_is_drawn_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SEED_VARIABLE, raising=False)
    first, second = FaultPlan(), FaultPlan()
    assert first.seed != second.seed
    assert f"{SEED_VARIABLE}={first.seed}" in first.report()
    assert f"seed={first.seed}" in repr(first)


def test_the_environment_gives_the_seed_to_plans_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SEED_VARIABLE, "17")
    assert FaultPlan().seed == 17
    assert FaultPlan(seed=4).seed == 4
    monkeypatch.setenv(SEED_VARIABLE, "seventeen")
    with pytest.raises(ValueError, match="SELVAGE_FAULT_SEED has to be a whole number.*'seventeen'"):
        FaultPlan()


def test_what_struck_is_kept_told_and_counted() -> None:
    clock = Clock()
    clock.advance(1e9)  # a reactor's clock begins in 1970, and the report with the plan
    plan = FaultPlan(Fragment(direction="sent"), Corrupt(at=1, direction="sent"), seed=1, clock=clock)
    heard: list[Injected] = []
    plan.listen(heard.append)
    clock.advance(2.5)
    pair = plan.connect(AccumulatingProtocol(), AccumulatingProtocol())
    pair.first.protocol.write(b"abc")
    assert list(plan.records) == heard
    assert plan.counts == {"fragment": 1, "corrupt": 1}
    assert plan.report().splitlines()[1:] == [
        "  2.500 s: connection 1, sent, at 0: fragment (1 bytes at a time)",
        f"  2.500 s: connection 1, sent, at 1: corrupt ({heard[1].detail})",
    ]


def test_a_report_lists_the_last_and_counts_the_others() -> None:
    plan = FaultPlan(Delay(1, direction="sent"), seed=1, clock=Clock())
    protocol = plan.connect(AccumulatingProtocol(), AccumulatingProtocol()).first.protocol
    for _ in range(70):
        protocol.write(b"x")
    lines = plan.report().splitlines()
    assert "70 faults struck" in lines[0]
    assert lines[1].strip() == "... 20 before these"
    assert len(lines) == 52


def test_an_exception_that_leaves_the_block_carries_the_report() -> None:
    with pytest.raises(KeyError) as caught:
        with FaultPlan(Cut(0), seed=12) as plan:
            raise KeyError
    assert caught.value.__notes__ == [plan.report()]
    assert "SELVAGE_FAULT_SEED=12" in plan.report()


def test_plans_made_in_a_block_are_collected() -> None:
    FaultPlan()
    with plans_made() as outer:
        one = FaultPlan()
        with plans_made() as inner:
            two = FaultPlan()
        three = FaultPlan()
    assert inner == [two]
    assert outer == [one, two, three]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Cut(1.5), "Cut: probability is a number from 0 to 1, not 1.5"),
        (lambda: Lose(float("nan")), "Lose: probability is a number from 0 to 1, not nan"),
        (
            lambda: Cut(at=(5, 1)),
            r"at is a whole number from 0 up, or a pair \(lowest, highest\) of such, not \(5, 1\)",
        ),
        (lambda: Stall(at=2.5), "at is a whole number from 0 up, or .*, not 2.5"),
        (lambda: HalfClose(at=-1), "at is a whole number from 0 up, or .*, not -1"),
        (lambda: Stall(seconds=-1), "seconds is a number from 0 up, or .*, not -1"),
        (lambda: Delay(-1), "seconds is a number from 0 up"),
        (lambda: Delay(10**400), "seconds is a number from 0 up"),
        (lambda: Jump((-1.7e308, 1.7e308)), "seconds is a number, or a pair"),
        (lambda: Delay(float("inf")), "seconds is a number from 0 up, .*, not inf"),
        (lambda: Fragment(0), "size is a whole number from 1 up"),
        (lambda: Fragment(1, pause=-1), "pause is a number from 0 up"),
        (lambda: Corrupt(count=0), "count is a whole number from 1 up"),
        (lambda: Reorder(by=0.5), "by is a whole number from 1 up"),
        (lambda: Bandwidth(0), "rate is a number from 1 up"),
        (lambda: Jump(float("nan")), r"seconds is a number, or a pair \(lowest, highest\) of such, not nan"),
        (lambda: Cut(direction="up"), "direction is 'sent', 'received' or 'both', not 'up'"),  # type: ignore[arg-type]
        (lambda: WrongAddress("nowhere"), "addresses is an IP literal, or a list of them, not 'nowhere'"),
        (lambda: WrongAddress([]), "addresses is an IP literal, or a list of them, not \\[\\]"),
        (lambda: ChangeAddress(["127.0.0.1", ""]), "addresses is a list of IP literals .*, not \\['127"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("fault", "argument", "allowed"),
    [
        (fault, argument, allowed)
        for fault, arguments in {
            Cut: ["at", "direction"],
            HalfClose: ["at"],
            Stall: ["at", "seconds"],
            Corrupt: ["at", "count"],
            Delay: ["seconds"],
            Fragment: ["size", "pause"],
            Bandwidth: ["rate"],
            Refuse: [],
            ConnectTimeout: ["seconds"],
            SlowConnect: ["seconds"],
            Lose: [],
            Duplicate: [],
            Reorder: ["by"],
            WrongAddress: ["addresses", "host"],
            ChangeAddress: ["addresses"],
            NoAddress: ["host"],
            SlowLookup: ["seconds"],
            FailLookup: ["reason"],
            Jump: ["seconds"],
        }.items()
        for argument, allowed in [
            ("probability", "a number from 0 to 1"),
            *((each, "") for each in arguments),
        ]
    ],
)
def test_a_fault_of_things_of_a_wrong_type_is_refused(fault: Any, argument: str, allowed: str) -> None:
    for value in (b"x", {}, True, [1, 2], (1, "x"), object()):
        words = f"{fault.__name__}: {argument} is {allowed}.*, not {re.escape(repr(value))}"
        with pytest.raises(TypeError, match=words):
            fault(**{argument: value})


def test_a_text_in_place_of_a_number_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Delay: seconds is a number from 0 up, or a pair .*, not 'x'"):
        Delay("x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Cut: at is a whole number from 0 up, or a pair .*, not None"):
        Cut(at=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"at is a whole number from 0 up, or .*, not \(1, 2, 3\)"):
        Cut(at=(1, 2, 3))  # type: ignore[arg-type]
    with pytest.raises(TypeError) as caught:
        Delay("x" * 10_000)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 400


def test_a_fault_of_one_s_own_is_held_to_its_ranges() -> None:
    @dataclass(frozen=True)
    class Repeat(Fault):
        name = "repeat"
        ranges = {"times": 2}
        whole = ("times",)
        times: Any
        probability: float = 1.0

    assert Repeat((2, 3)).times == (2, 3)
    for wrong, kind in ((1, ValueError), (2.5, ValueError), (None, TypeError)):
        with pytest.raises(kind, match=f"Repeat: times is a whole number from 2 up, or .*, not {wrong}"):
            Repeat(wrong)


@given(low=st.floats(), high=st.floats(), pair=st.booleans())
def test_whatever_number_a_fault_takes_it_can_draw(low: float, high: float, pair: bool) -> None:
    amount = (low, high) if pair else low
    for fault in (Delay, Bandwidth, Jump):
        try:
            made = fault(amount)
        except ValueError:
            continue
        (name,) = made.ranges
        drawn = Draws(Random(1), lambda: 0.0, lambda at, detail: None).number(getattr(made, name))
        assert low <= drawn <= (high if pair else low)


def test_a_plan_says_what_its_seed_and_its_clock_may_be() -> None:
    with pytest.raises(TypeError, match="seed is a whole number, or None to draw one, not '7'"):
        FaultPlan(seed="7")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="clock is a reactor or a Clock, not 5"):
        FaultPlan(Delay(1), clock=5)


def test_what_takes_time_needs_a_clock() -> None:
    with pytest.raises(TypeError, match="takes time: give the FaultPlan clock=reactor, or a Clock"):
        FaultPlan(Delay(1))
    with pytest.raises(TypeError, match=r"happens to clocks: give the FaultPlan clock=JumpingClock\(\)"):
        FaultPlan(Jump(1), clock=Clock())
    with pytest.raises(TypeError, match="not of 'cut'"):
        FaultPlan("cut")  # type: ignore[arg-type]


def test_a_plan_that_cannot_do_anything_to_something_says_so() -> None:
    """Else a test would believe that it has tested something."""
    with pytest.raises(
        TypeError, match=r"none of these faults happens to connections: Reorder.* to datagrams"
    ):
        FaultPlan(Reorder(), Duplicate()).protocol(AccumulatingProtocol())
    with pytest.raises(TypeError, match="none of these faults happens to datagrams"):
        FaultPlan(Cut()).datagrams(object())
    with pytest.raises(TypeError, match="none of these faults happens to connections or attempts"):
        FaultPlan(NoAddress()).factory(object())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="none of these faults happens to look-ups"):
        FaultPlan(Cut()).resolver(object())  # type: ignore[arg-type]


def test_settle_says_when_two_talk_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selvage.testing.faults._plan._SETTLE_LIMIT", 50)

    class Echo(AccumulatingProtocol):
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)

    plan = FaultPlan(Delay(1), seed=1, clock=Clock())
    pair = plan.connect(Echo(), Echo())
    pair.first.protocol.write(b"x")
    with pytest.raises(AssertionError, match="are not quiet after 50 steps"):
        plan.settle(pair)


# --- The clock -----------------------------------------------------------------------------------------------------


def test_a_clock_jumps_when_told() -> None:
    clock = JumpingClock()
    ran: list[float] = []
    for delay in (1, 10, 100):
        clock.callLater(delay, lambda: ran.append(clock.seconds()))
    clock.jump(50)  # a machine that slept: what was due meanwhile runs late, at once
    assert ran == [50, 50]
    clock.jump(-20)  # somebody set it back: what waits, waits longer
    clock.advance(69)
    assert ran == [50, 50]
    clock.advance(1)
    assert ran == [50, 50, 100]


def test_a_clock_jumps_by_the_plan() -> None:
    def times(seed: int) -> list[float]:
        clock = JumpingClock()
        plan = FaultPlan(Jump((-5, 5), 0.5), seed=seed, clock=clock)
        seen = []
        for _ in range(20):
            clock.advance(1)
            seen.append(clock.seconds())
        assert 0 < plan.counts["jump"] < 20
        jumped = sum(float(each.detail[:-2]) for each in plan.records)
        assert seen[-1] == pytest.approx(20 + jumped, abs=0.01)
        return seen

    assert times(1) == times(1) != times(2)
