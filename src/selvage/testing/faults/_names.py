"""A resolver that lies: what can happen to look-ups of host names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from selvage.addresses import IPv4Address, IPv6Address
from selvage.interfaces import IHostnameResolver, IHostResolution, IResolutionReceiver
from selvage.reactor import HostResolution
from selvage.testing.faults._base import Amount, Draws, Fault
from selvage.transports import isIPAddress, isIPv6Address

if TYPE_CHECKING:
    from selvage.testing.faults._plan import FaultPlan

__all__ = ["ChangeAddress", "FailLookup", "LyingResolver", "NoAddress", "SlowLookup", "WrongAddress"]


@dataclass(frozen=True)
class LookupFault(Fault):
    """One that happens to the look-up of a name."""

    applies_to = ("look-ups",)

    #: Of this host only; None for all.
    host: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.host, str | None):
            self._refuse("host", "the name of one, or None for all", False)

    def wait(self, draws: Draws) -> float:
        """Give by how many seconds the answer comes late."""
        return 0.0

    def answer(self, draws: Draws, number: int) -> Sequence[str] | None:
        """Give the addresses to answer with in the host's look-up of this number; None for the true ones."""
        return None

    def error(self, draws: Draws) -> Exception | None:
        """Give what the resolver raises; None if it answers."""
        return None


def _are_addresses(given: Any) -> bool:
    """Tell whether this is a list of IP literals that is not empty."""
    return _is_list(given) and len(given) > 0 and all(map(_is_address, given))


def _is_address(given: object) -> bool:
    return isinstance(given, str) and (isIPAddress(given) or isIPv6Address(given))


def _is_text(given: Any) -> bool:
    """Tell whether this is a text, or a list of texts: of the right type, whatever is written in it."""
    return isinstance(given, str) or (_is_list(given) and all(isinstance(each, str) for each in given))


def _is_list(given: object) -> bool:
    return isinstance(given, Sequence) and not isinstance(given, str | bytes)


@dataclass(frozen=True)
class WrongAddress(LookupFault):
    """Answer with other addresses than the true ones.

    Args:
        addresses: IP literals; one, or several of which all are told.
        probability: of each look-up.
        host: of this host only.
    """

    name = "wrong address"
    addresses: str | Sequence[str] = "127.0.0.1"
    probability: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not _are_addresses([self.addresses] if isinstance(self.addresses, str) else self.addresses):
            self._refuse("addresses", "an IP literal, or a list of them", _is_text(self.addresses))

    def answer(self, draws: Draws, number: int) -> Sequence[str] | None:
        """See `LookupFault.answer`."""
        if not draws.happens(self.probability):
            return None
        told = [self.addresses] if isinstance(self.addresses, str) else list(self.addresses)
        draws.note(number, ", ".join(told))
        return told


@dataclass(frozen=True)
class ChangeAddress(LookupFault):
    """Answer each look-up of a host with the next of these addresses, from the start again after the last.

    Args:
        addresses: IP literals.
        probability: of each look-up; the others hear the truth.
        host: of this host only.
    """

    name = "changed address"
    addresses: Sequence[str] = ("127.0.0.1", "127.0.0.2")
    probability: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not _are_addresses(self.addresses):
            allowed = "a list of IP literals (one for all look-ups is WrongAddress)"
            self._refuse("addresses", allowed, _is_text(self.addresses))

    def answer(self, draws: Draws, number: int) -> Sequence[str] | None:
        """See `LookupFault.answer`."""
        if not draws.happens(self.probability):
            return None
        told = self.addresses[(number - 1) % len(self.addresses)]
        draws.note(number, told)
        return [told]


@dataclass(frozen=True)
class NoAddress(LookupFault):
    """Answer that the host has no address.

    Args:
        probability: of each look-up.
        host: of this host only.
    """

    name = "no address"
    probability: float = 1.0

    def answer(self, draws: Draws, number: int) -> Sequence[str] | None:
        """See `LookupFault.answer`."""
        if not draws.happens(self.probability):
            return None
        draws.note(number, "")
        return []


@dataclass(frozen=True)
class SlowLookup(LookupFault):
    """Answer late.

    Args:
        seconds: how late.
        probability: of each look-up.
        host: of this host only.
    """

    name = "slow look-up"
    ranges = {"seconds": 0}
    seconds: Amount = (0.05, 2.0)
    probability: float = 1.0

    needs_clock = True

    def wait(self, draws: Draws) -> float:
        """See `LookupFault.wait`."""
        return draws.wait(self.probability, self.seconds) or 0.0


@dataclass(frozen=True)
class FailLookup(LookupFault):
    """Raise instead of answering, as a broken resolver does.

    Args:
        probability: of each look-up.
        reason: the text of the `OSError`.
        host: of this host only.
    """

    name = "failed look-up"
    probability: float = 1.0
    reason: str = "the resolver is broken"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.reason, str):
            self._refuse("reason", "a text", False)

    def error(self, draws: Draws) -> Exception | None:
        """See `LookupFault.error`."""
        if not draws.happens(self.probability):
            return None
        draws.note(None, self.reason)
        return OSError(self.reason)


@implementer(IHostnameResolver)
class LyingResolver:
    """Answers as another resolver does, but for the faults of a plan; `FaultPlan.resolver` makes it."""

    def __init__(self, plan: FaultPlan, resolver: IHostnameResolver) -> None:
        self._plan = plan
        self._resolver = resolver

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[Any]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Look up all addresses of a host, or say something else; see `IHostnameResolver`.

        Raises:
            OSError: by `FailLookup`.
        """
        plan = self._plan
        target = plan._next_target(f"look-up of {hostName}:")
        number = int(target.rpartition(" ")[2])
        dealt = [
            (fault, plan._draws(fault, target))
            for fault in plan._happening_to("look-ups")
            if fault.host in (None, hostName)
        ]
        for fault, draws in dealt:
            error = fault.error(draws)
            if error is not None:
                raise error
        told = next((answer for f, draws in dealt if (answer := f.answer(draws, number)) is not None), None)
        seconds = sum(fault.wait(draws) for fault, draws in dealt)
        question = (hostName, portNumber, addressTypes, transportSemantics)
        if told is None and not seconds:
            return self._resolver.resolveHostName(resolutionReceiver, *question)
        lookup = _LookUp(self._resolver, resolutionReceiver, question, told)
        resolution = HostResolution(hostName, lookup.cancel)
        resolutionReceiver.resolutionBegan(resolution)
        if seconds:
            lookup.under_way = plan.clock.callLater(seconds, lookup.answer)
        else:
            lookup.answer()
        return resolution


class _LookUp:
    """One look-up that is lied about: answered with what was told, or later by the true resolver."""

    def __init__(
        self,
        resolver: IHostnameResolver,
        receiver: IResolutionReceiver,
        question: tuple[Any, ...],
        told: Sequence[str] | None,
    ) -> None:
        self._resolver = resolver
        self._receiver = receiver
        self._question = question
        self._told = told
        self._cancelled = False
        #: What to cancel: a timer, then the true look-up.
        self.under_way: Any = None

    def cancel(self) -> None:
        """Say no more."""
        self._cancelled = True
        if self.under_way is not None:
            self.under_way.cancel()

    def answer(self) -> None:
        """Answer now, if nobody has cancelled."""
        self.under_way = None
        if self._cancelled:
            return
        if self._told is None:
            self._resolver.resolveHostName(_AfterTheBeginning(self, self._receiver), *self._question)
            return
        _, port, types, semantics = self._question
        for address in self._told:
            kind = IPv6Address if ":" in address else IPv4Address
            if (types is None or kind in types) and not self._cancelled:
                self._receiver.addressResolved(kind(semantics, address, port))
        if not self._cancelled:
            self._receiver.resolutionComplete()


class _AfterTheBeginning:
    """Hears of the true look-up for a receiver that was told of its beginning before."""

    def __init__(self, lookup: _LookUp, receiver: IResolutionReceiver) -> None:
        self._lookup = lookup
        self.addressResolved = receiver.addressResolved
        self.resolutionComplete = receiver.resolutionComplete

    def resolutionBegan(self, resolution: IHostResolution) -> None:
        self._lookup.under_way = resolution
