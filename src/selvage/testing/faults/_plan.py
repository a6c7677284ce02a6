"""A plan of what goes wrong: a seed, faults, and the record of those that struck."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random, SystemRandom
from types import TracebackType
from typing import TYPE_CHECKING, Any

from selvage.failure import safe_repr
from selvage.testing._pair import Pair, connect
from selvage.testing.faults._attempts import FaultyClientEndpoint, FaultyServerEndpoint, Opening
from selvage.testing.faults._base import Draws, Fault, Injected, Stage
from selvage.testing.faults._clock import JumpingClock
from selvage.testing.faults._connections import FaultyFactory, FaultyProtocol, protocol_behind
from selvage.testing.faults._datagrams import FaultyDatagrams
from selvage.testing.faults._names import LyingResolver

if TYPE_CHECKING:
    from selvage.interfaces import (
        IHostnameResolver,
        IProtocol,
        IProtocolFactory,
        IStreamClientEndpoint,
        IStreamServerEndpoint,
    )

__all__ = ["SEED_VARIABLE", "FaultPlan", "plans_made"]

#: The environment variable whose number is the seed of the plans that were given none: to run a failed test again.
SEED_VARIABLE = "SELVAGE_FAULT_SEED"

# Records that are kept; those of a test are fewer, and a proxy that runs for weeks keeps the latest.  All are counted.
_RECORDS_KEPT = 10_000

# Records that a report lists, the last ones: what a person reads.
_RECORDS_TOLD = 50

# Steps after which `settle` gives up.
_SETTLE_LIMIT = 100_000

# Seeds that are drawn are below this: ten digits that a person can type.
_SEEDS = 2**32

_watching: list[list[FaultPlan]] = []


class FaultPlan:
    """What goes wrong, how likely, and by which seed; wraps whatever it shall go wrong with.

        plan = FaultPlan(Cut(0.1), Delay((0.05, 2)), seed=7, clock=reactor)
        endpoint = plan.client(endpoint)

    In a `with` block an exception that leaves it carries the plan's report as a note.

    Args:
        faults: applied to what passes in this order.
        seed: the same seed deals the same faults; None draws one, or takes that of SELVAGE_FAULT_SEED.
        clock: for the faults that take time: a reactor or a `Clock`.

    Attributes:
        records: the `Injected` that struck, oldest first; the last 10,000.
        counts: by name of the fault how often it struck.

    Raises:
        TypeError: what was given is no fault, or a fault takes time and there is no clock; a seed or a clock is none.
    """

    def __init__(self, *faults: Fault, seed: int | None = None, clock: Any = None) -> None:
        if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
            raise TypeError(
                f"a FaultPlan's seed is a whole number, or None to draw one, not {safe_repr(seed)}"
            )
        if clock is not None and not (hasattr(clock, "callLater") and hasattr(clock, "seconds")):
            raise TypeError(f"a FaultPlan's clock is a reactor or a Clock, not {safe_repr(clock)}")
        for fault in faults:
            if not isinstance(fault, Fault):
                raise TypeError(f"a FaultPlan is made of faults such as Cut(0.1), not of {safe_repr(fault)}")
            if fault.needs_clock and clock is None:
                raise TypeError(
                    f"{fault!r} takes time: give the FaultPlan clock=reactor, or a Clock to advance"
                )
            if "clocks" in fault.applies_to and not isinstance(clock, JumpingClock):
                raise TypeError(f"{fault!r} happens to clocks: give the FaultPlan clock=JumpingClock()")
        self.faults = faults
        self.seed = _seed() if seed is None else seed
        self.clock = clock
        self._made_at = self._now()
        self.records: deque[Injected] = deque(maxlen=_RECORDS_KEPT)
        self.counts: Counter[str] = Counter()
        self._listeners: list[Callable[[Injected], object]] = []
        self._numbers: Counter[str] = Counter()
        if isinstance(clock, JumpingClock):
            clock._jumps = [
                jump
                for fault in self._happening_to("clocks")
                for jump in (fault.on_clock(self._draws(fault, "clock")),)
            ]
        for made in _watching:
            made.append(self)

    # --- What it wraps ---------------------------------------------------------------------------------------------

    def client(self, endpoint: IStreamClientEndpoint) -> IStreamClientEndpoint:
        """Give a client endpoint whose attempts and connections suffer the plan's faults."""
        self._check_use("connections", "attempts")
        return FaultyClientEndpoint(self, endpoint)

    def server(self, endpoint: IStreamServerEndpoint) -> IStreamServerEndpoint:
        """Give a server endpoint whose connections suffer the plan's faults."""
        self._check_use("connections", "attempts")
        return FaultyServerEndpoint(self, endpoint)

    def factory(self, factory: IProtocolFactory) -> Any:
        """Give a factory for `listenTCP` and the like whose connections suffer the plan's faults."""
        self._check_use("connections", "attempts")
        return FaultyFactory(factory, self)

    def protocol(self, protocol: IProtocol) -> FaultyProtocol:
        """Give a protocol to connect in another one's place; what passes between the other and its transport suffers.

        Its `wrappedProtocol` is the one given, until the connection is lost.
        """
        self._check_use("connections")
        return protocol_behind(self, protocol)

    def connect(self, first: IProtocol, second: IProtocol, *, chunk: int | None = None) -> Pair:
        """Join two protocols in memory as `selvage.testing.connect` does, with the faults between them.

        What `first` writes is "sent", what `second` writes is "received".  Each `write` arrives by itself, so that pieces
        that a fault has made stay pieces.  Move the pair with `settle`, or step by step.
        """
        return connect(self.protocol(first), second, chunk=chunk, apart=True)

    def datagrams(self, protocol: Any) -> FaultyDatagrams:
        """Give a datagram protocol to listen with in another one's place."""
        self._check_use("datagrams")
        return FaultyDatagrams(self, protocol)

    def resolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Give a resolver for `reactor.installNameResolver` that lies about what the other one says."""
        self._check_use("look-ups")
        return LyingResolver(self, resolver)

    def settle(self, pair: Pair) -> None:
        """Move a pair, and the plan's `Clock` from one of its calls to the next, until neither has anything left to do.

        Raises:
            AssertionError: no end in sight after 100,000 steps.
        """
        for _ in range(_SETTLE_LIMIT):
            pair.flush()
            calls = [] if self.clock is None else self.clock.getDelayedCalls()
            if not calls:
                return
            self.clock.advance(max(0.0, min(call.getTime() for call in calls) - self.clock.seconds()))
        raise AssertionError(f"{pair!r} and {self.clock!r} are not quiet after {_SETTLE_LIMIT} steps")

    # --- What it says ----------------------------------------------------------------------------------------------

    def listen(self, listener: Callable[[Injected], object]) -> None:
        """Call `listener` with each fault that strikes from now on."""
        self._listeners.append(listener)

    def report(self) -> str:
        """Say which seed it was and what struck, for a person; the last 50 records."""
        struck = sum(self.counts.values())
        faults = "1 fault" if struck == 1 else f"{struck} faults"
        lines = [f"{self!r}: {faults} struck; {SEED_VARIABLE}={self.seed} deals them again"]
        told = list(self.records)[-_RECORDS_TOLD:]
        if len(told) < struck:
            lines.append(f"  ... {struck - len(told)} before these")
        lines += [f"  {each}" for each in told]
        return "\n".join(lines)

    def __repr__(self) -> str:
        faults = ", ".join(map(repr, self.faults))
        return f"FaultPlan({faults}{', ' if faults else ''}seed={self.seed})"

    def __enter__(self) -> FaultPlan:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(self.report())

    # --- For what is behind it -------------------------------------------------------------------------------------

    def _now(self) -> float:
        return 0.0 if self.clock is None else float(self.clock.seconds())

    def _soon(self, function: Callable[..., object], *args: Any) -> None:
        """Call from a clean stack where there is a clock."""
        if self.clock is None:
            function(*args)
        else:
            self.clock.callLater(0, function, *args)

    def _next_target(self, kind: str) -> str:
        self._numbers[kind] += 1
        return f"{kind} {self._numbers[kind]}"

    def _happening_to(self, what: str) -> list[Any]:
        return [fault for fault in self.faults if what in fault.applies_to]

    def _check_use(self, *uses: str) -> None:
        """Refuse to wrap something that none of the faults can happen to: the test would test nothing."""
        if self.faults and not any(self._happening_to(use) for use in uses):
            happens = ", ".join(f"{fault!r} to {' and '.join(fault.applies_to)}" for fault in self.faults)
            raise TypeError(f"none of these faults happens to {' or '.join(uses)}: {happens}")

    def _stages(self, target: str, direction: str) -> list[Stage]:
        """Deal what happens to one direction of a connection or a datagram socket."""
        datagrams = target.startswith("datagrams")
        return [
            (fault.on_datagrams if datagrams else fault.on_stream)(self._draws(fault, target, direction))
            for fault in self._happening_to("datagrams" if datagrams else "connections")
            if getattr(fault, "direction", "both") in ("both", direction)
        ]

    def _opening(self, target: str) -> Opening | None:
        """Deal what happens to an attempt to connect: the first that forbids it, else all waits together."""
        seconds = 0.0
        for fault in self._happening_to("attempts"):
            opening: Opening | None = fault.opening(self._draws(fault, target))
            if opening is not None and not opening.connects:
                return opening
            seconds += 0.0 if opening is None else opening.seconds
        return Opening(True, seconds) if seconds else None

    def _draws(self, fault: Fault, target: str, direction: str = "") -> Draws:
        alike = [each for each in self.faults if each.name == fault.name]
        ordinal = next(index for index, each in enumerate(alike) if each is fault)
        # A text is hashed by SHA-512: the same on every machine and in every process.
        lots = Random(f"{self.seed}/{fault.name}.{ordinal}/{target}/{direction}")

        def note(at: int | None, detail: str) -> None:
            time = None if self.clock is None else self._now() - self._made_at
            self._record(Injected(fault.name, target, direction, at, time, detail))

        return Draws(lots, self._now, note)

    def _record(self, injected: Injected) -> None:
        self.records.append(injected)
        self.counts[injected.fault] += 1
        for listener in self._listeners:
            listener(injected)


def _seed() -> int:
    given = os.environ.get(SEED_VARIABLE, "")
    if not given:
        return SystemRandom().randrange(_SEEDS)
    try:
        return int(given)
    except ValueError:
        raise ValueError(
            f"{SEED_VARIABLE} has to be a whole number, as in the report of a plan, not {given!r}"
        ) from None


@contextmanager
def plans_made() -> Iterator[list[FaultPlan]]:
    """Collect the plans that are made in a block: a test runner asks them for their reports when the test fails."""
    made: list[FaultPlan] = []
    _watching.append(made)
    try:
        yield made
    finally:
        # By identity: two empty lists are equal.
        _watching[:] = [each for each in _watching if each is not made]
