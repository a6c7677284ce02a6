"""Behind faults that change no bytes and cut nothing, a transport is still a transport, and an endpoint an endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from selvage.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from selvage.tasks import Clock
from selvage.testing.conformance import cases
from selvage.testing.faults import Bandwidth, Delay, FaultPlan, Fragment, SlowConnect
from tests.testing.conformance.conftest import make_reactor, quiet, reactor

__all__ = ["make_reactor", "quiet", "reactor"]  # fixtures

pytestmark = pytest.mark.slow

HARMLESS: dict[str, tuple[Any, ...]] = {
    "no faults": (),
    "fragments": (Fragment((1, 300)),),
    "sent in fragments": (Fragment(200, direction="sent"),),
    "delays": (Delay((0, 1)),),
    "a slow line": (Bandwidth(50_000),),
}


def in_memory(faults: tuple[Any, ...], first: Any, second: Any) -> Any:
    clock = Clock()
    pair = FaultPlan(*faults, seed=1, clock=clock).connect(first, second)

    def pump() -> bool:
        if pair.pump():
            return True
        calls = clock.getDelayedCalls()
        if calls:
            clock.advance(max(0.0, calls[0].getTime() - clock.seconds()))
        return bool(calls)

    return pump


@pytest.mark.parametrize("side", ["first", "second"])
@pytest.mark.parametrize("kind", HARMLESS)
@pytest.mark.parametrize("case", cases("transport"), ids=str)
def test_transports(case: Any, kind: str, side: str, quiet: Any) -> None:
    if side == "first":
        case.run(lambda first, second: in_memory(HARMLESS[kind], first, second))
    else:
        case.run(lambda first, second: in_memory(HARMLESS[kind], second, first))


@pytest.mark.parametrize("case", cases("endpoints"), ids=str)
def test_endpoints(case: Any, reactor: Any, quiet: Any) -> None:
    plan = FaultPlan(Fragment((1, 3)), Delay((0, 0.001)), SlowConnect((0, 0.001)), seed=1, clock=reactor)
    case.run(
        lambda: plan.server(TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")),
        lambda port: plan.client(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)),
        lambda: reactor.iterate(0.0005),
    )
