"""What can happen to attempts to connect, and the endpoints whose connections are behind faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from selvage.defer import Deferred, fail
from selvage.errors import ConnectionRefusedError, TimeoutError
from selvage.failure import Failure
from selvage.interfaces import IStreamClientEndpoint, IStreamServerEndpoint
from selvage.testing.faults._base import Amount, Draws, Fault
from selvage.testing.faults._connections import FaultyFactory

if TYPE_CHECKING:
    from selvage.interfaces import IListeningPort, IProtocolFactory
    from selvage.testing.faults._plan import FaultPlan

__all__ = [
    "ConnectTimeout",
    "FaultyClientEndpoint",
    "FaultyServerEndpoint",
    "Opening",
    "Refuse",
    "SlowConnect",
]


@dataclass(frozen=True, slots=True)
class Opening:
    """What becomes of an attempt."""

    connects: bool
    seconds: float


class AttemptFault(Fault):
    """One that happens to an attempt to connect."""

    applies_to = ("attempts",)

    def opening(self, draws: Draws) -> Opening | None:
        """Give what becomes of an attempt; None if it is spared."""
        raise NotImplementedError


@dataclass(frozen=True)
class Refuse(AttemptFault):
    """Refuse the connection: a client's attempt fails with `ConnectionRefusedError`, a server resets what it accepted.

    Args:
        probability: of each attempt.
    """

    name = "refuse"
    probability: float = 1.0

    def opening(self, draws: Draws) -> Opening | None:
        """See `AttemptFault.opening`."""
        if not draws.happens(self.probability):
            return None
        draws.note(None, "")
        return Opening(False, 0.0)


@dataclass(frozen=True)
class ConnectTimeout(AttemptFault):
    """Do not answer: a client's attempt fails with `TimeoutError` after a while; a server accepts, is silent and resets.

    Args:
        probability: of each attempt.
        seconds: how long it takes.
    """

    name = "timeout"
    ranges = {"seconds": 0}
    probability: float = 1.0
    seconds: Amount = 30.0

    needs_clock = True

    def opening(self, draws: Draws) -> Opening | None:
        """See `AttemptFault.opening`."""
        seconds = draws.wait(self.probability, self.seconds)
        # A timeout of no time is one all the same, not a refusal.
        return None if seconds is None else Opening(False, max(seconds, 1e-6))


@dataclass(frozen=True)
class SlowConnect(AttemptFault):
    """Take long to connect, so that connections overtake each other.

    Args:
        seconds: how long.
        probability: of each attempt.
    """

    name = "slow connect"
    ranges = {"seconds": 0}
    seconds: Amount = (0.05, 2.0)
    probability: float = 1.0

    needs_clock = True

    def opening(self, draws: Draws) -> Opening | None:
        """See `AttemptFault.opening`."""
        seconds = draws.wait(self.probability, self.seconds)
        return None if seconds is None else Opening(True, seconds)


@implementer(IStreamClientEndpoint)
class FaultyClientEndpoint:
    """Connects as another endpoint does, if the plan lets it; `FaultPlan.client` makes it."""

    def __init__(self, plan: FaultPlan, endpoint: IStreamClientEndpoint) -> None:
        self._plan = plan
        self._endpoint = endpoint

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {self._endpoint!r}, {self._plan!r}>"

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Connect; fires with the protocol that the factory made.

        Fails as the other endpoint does, with `ConnectionRefusedError`, or with `TimeoutError`.
        """
        plan = self._plan
        target = plan._next_target("connection")
        opening = plan._opening(target)
        if opening is None:
            return self._connect(protocolFactory, target)
        if not opening.connects and not opening.seconds:
            return fail(ConnectionRefusedError(string=f"refused by {plan!r}"))

        waiting: Deferred[Any] = Deferred(lambda _: timer.cancel())
        timer = plan.clock.callLater(opening.seconds, waiting.callback, None)
        if opening.connects:
            return waiting.addCallback(lambda _: self._connect(protocolFactory, target))
        return waiting.addCallback(lambda _: Failure(TimeoutError(string=f"not answered by {plan!r}")))

    def _connect(self, factory: Any, target: str) -> Deferred[Any]:
        connecting = self._endpoint.connect(FaultyFactory(factory, self._plan, target))
        return connecting.addCallback(lambda protocol: protocol.wrappedProtocol)


@implementer(IStreamServerEndpoint)
class FaultyServerEndpoint:
    """Listens as another endpoint does; its connections are behind the faults.  `FaultPlan.server` makes it."""

    def __init__(self, plan: FaultPlan, endpoint: IStreamServerEndpoint) -> None:
        self._plan = plan
        self._endpoint = endpoint

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {self._endpoint!r}, {self._plan!r}>"

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen; fires with the port, fails as the other endpoint does."""
        return self._endpoint.listen(FaultyFactory(protocolFactory, self._plan))
