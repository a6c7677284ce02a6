"""What can happen to datagrams, and the protocol that stands between a socket and the one behind the faults.

A network may lose datagrams, deliver them twice or late, and let them overtake each other; it keeps each one whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from selvage.protocols import DatagramProtocol
from selvage.testing.faults._base import Amount, Draws, Fault, Item, Stage
from selvage.testing.faults._lane import Lane

if TYPE_CHECKING:
    from selvage.testing.faults._plan import FaultPlan

__all__ = ["Duplicate", "FaultyDatagrams", "Lose", "Reorder"]

# Seconds after which a datagram that was put behind others arrives though none followed.
_PATIENCE_S = 1.0


@dataclass(frozen=True)
class Lose(Fault):
    """Lose a datagram.

    Args:
        probability: of each datagram.
    """

    name = "lose"
    applies_to = ("datagrams",)
    probability: float = 1.0

    def on_datagrams(self, draws: Draws) -> Stage:
        """See `Fault.on_datagrams`."""
        return _by_lot(self, draws, lambda item: [])


@dataclass(frozen=True)
class Duplicate(Fault):
    """Deliver a datagram twice.

    Args:
        probability: of each datagram.
    """

    name = "duplicate"
    applies_to = ("datagrams",)
    probability: float = 1.0

    def on_datagrams(self, draws: Draws) -> Stage:
        """See `Fault.on_datagrams`."""
        return _by_lot(self, draws, lambda item: [item, replace(item)])


@dataclass(frozen=True)
class Reorder(Fault):
    """Let the next datagrams overtake one.

    When none follows it arrives after a second, if the plan has a clock; else it is as good as lost.

    Args:
        probability: of each datagram.
        by: how many go first.
    """

    name = "reorder"
    applies_to = ("datagrams",)
    ranges = {"by": 1}
    whole = ("by",)
    probability: float = 1.0
    by: Amount = (1, 3)

    def on_datagrams(self, draws: Draws) -> Stage:
        """See `Fault.on_datagrams`."""
        return _by_lot(self, draws, lambda item: [replace(item, behind=draws.whole(self.by))])


def _by_lot(fault: Fault, draws: Draws, strike: Stage) -> Stage:
    number = 0

    def stage(item: Item) -> list[Item]:
        nonlocal number
        number += 1
        if not draws.happens(fault.probability):
            return [item]
        changed = strike(item)
        draws.note(number, f"behind {changed[0].behind} more" if changed and changed[0].behind else "")
        return changed

    return stage


class FaultyDatagrams(DatagramProtocol):
    """Stands between a datagram socket and a protocol; `FaultPlan.datagrams` makes it.

    Attributes:
        wrapped: the protocol behind the faults.
    """

    def __init__(self, plan: FaultPlan, wrapped: Any) -> None:
        self.wrapped = wrapped
        target = plan._next_target("datagrams")
        self._now = plan._now
        self._sent = Lane(plan._stages(target, "sent"), plan.clock, self._send, patience_s=_PATIENCE_S)
        self._received = Lane(
            plan._stages(target, "received"), plan.clock, self._receive, patience_s=_PATIENCE_S
        )

    def makeConnection(self, transport: Any) -> None:
        """Take the socket, and be the wrapped protocol's."""
        self.transport = transport
        self.wrapped.makeConnection(_FaultyDatagramTransport(transport, self))

    def doStart(self) -> None:
        """Hand on."""
        self.wrapped.doStart()

    def doStop(self) -> None:
        """Hand on; what is under way is lost."""
        self._sent.stop()
        self._received.stop()
        self.wrapped.doStop()

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """Let the faults have it first."""
        self._received.put(Item(datagram, self._now(), extra=addr))

    def connectionRefused(self) -> None:
        """Hand on."""
        self.wrapped.connectionRefused()

    def _receive(self, item: Item) -> None:
        self.wrapped.datagramReceived(item.data, item.extra)

    def _send(self, item: Item) -> None:
        transport: Any = self.transport
        transport.write(item.data, *item.extra)


class _FaultyDatagramTransport:
    """The socket as the wrapped protocol sees it: all of it, but what is written goes through the faults."""

    def __init__(self, transport: Any, owner: FaultyDatagrams) -> None:
        self._transport = transport
        self._owner = owner

    def write(self, packet: bytes, *addr: Any) -> None:
        """Send one datagram, perhaps."""
        owner = self._owner
        owner._sent.put(Item(bytes(packet), owner._now(), extra=addr))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
