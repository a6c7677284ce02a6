"""Limits on connections by the address they come from: how many at a time, how many in a second.  Floor 3.

What is one peer?  For IPv4 one address; for IPv6 one /64, since that is what a single subscriber has at the least: who
counts single addresses lets him have 2**64 of them.  Peers without an address, such as those of UNIX sockets, and
networks that are trusted are not counted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from selvage.protocols._guard import guard
from selvage.protocols._networks import NetworkNames, Networks, host_of
from selvage.protocols._refusals import Refusing, TooManyConnections, clock_of
from selvage.protocols._wrapping import WrappingFactory

if TYPE_CHECKING:
    from selvage.interfaces import IAddress

__all__ = [
    "AcceptRateExceeded",
    "LimitAcceptRateFactory",
    "LimitConnectionsPerAddressFactory",
]

#: Bits of an IPv4 and of an IPv6 address that tell one peer from another.
IPV4_PREFIX, IPV6_PREFIX = 32, 64

#: Networks whose rate is remembered; an entry takes some 170 bytes, all of them 11 MB.  A network that was quiet for
#: the time its burst takes to come back needs no entry, so it takes more networks than this, all at it, to have one forgotten.
MAX_NETWORKS = 65536

#: Times are added up from rates that are no round numbers; this much is no difference.  In seconds.
_ROUNDING_S = 1e-6


class AcceptRateExceeded(Exception):
    """Too many connections were accepted just before.

    Args:
        network: as text; None when all peers together were too fast.
        rate: connections a second that are accepted on average.
    """

    def __init__(self, network: str | None, rate: float) -> None:
        super().__init__(network, rate)
        self.network = network
        self.rate = rate

    def __str__(self) -> str:
        return f"{self.network or 'everybody together'} connects more often than {self.rate:g} times a second"


class _LimitByAddress(Refusing, WrappingFactory[Any]):
    """What both limits share: which network a peer counts for, and what was refused."""

    def __init__(
        self, wrappedFactory: Any, trusted: Iterable[str], ipv4_prefix: int, ipv6_prefix: int, reactor: Any
    ) -> None:
        super().__init__(wrappedFactory)
        self.trusted = Networks(trusted)
        self._names = NetworkNames(ipv4_prefix, ipv6_prefix)
        self._reactor = reactor

    def _network(self, addr: Any) -> str | None:
        """Return the network that a peer counts for; None when it does not count."""
        host = host_of(addr)
        return None if host is None or self.trusted.has(host) else self._names.name(host)


class LimitConnectionsPerAddressFactory(_LimitByAddress):
    """Limits how many connections one peer may have at a time; what is beyond is closed at once.

    Args:
        wrappedFactory: builds the protocols.
        limit: connections of one address, or of one network of the prefixes below.
        trusted: networks that are not counted, as in `["10.0.0.0/8"]`.
        ipv4_prefix: and ipv6_prefix: how many bits of an address tell one peer from another.
        reactor: gives the time for what is mentioned to the log; None for the ambient one.

    Behind a proxy this belongs inside of `HAProxyWrappingFactory`, which knows the clients' addresses.
    """

    def __init__(
        self,
        wrappedFactory: Any,
        limit: int,
        trusted: Iterable[str] = (),
        ipv4_prefix: int = IPV4_PREFIX,
        ipv6_prefix: int = IPV6_PREFIX,
        reactor: Any = None,
    ) -> None:
        super().__init__(wrappedFactory, trusted, ipv4_prefix, ipv6_prefix, reactor)
        self.limit = limit
        #: How many connections each network has; none that has none.
        self.connections: dict[str, int] = {}

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Build a protocol, unless its peer has as many connections as may be."""
        network = self._network(addr)
        if network is None:
            return self.wrappedFactory.buildProtocol(addr)
        if self.connections.get(network, 0) >= self.limit:
            self.refusals.add(TooManyConnections(network, self.limit), addr)
            return None
        protocol = self.wrappedFactory.buildProtocol(addr)
        if protocol is None:
            return None
        guarded = guard(self, protocol)
        guarded.when_over(lambda _: self._count_less(network))
        # Counted last: the wrapped factory may have raised, or accepted others meanwhile.
        self.connections[network] = self.connections.get(network, 0) + 1
        return guarded

    def _count_less(self, network: str) -> None:
        left = self.connections.get(network, 0) - 1
        if left > 0:
            self.connections[network] = left
        else:
            self.connections.pop(network, None)


class _Pace:
    """A token bucket as one number: the time when it would be full again.

    Args:
        rate: how many a second on average.
        burst: how many at once, after a rest.
    """

    __slots__ = ("_most_ahead", "_step", "rate")

    def __init__(self, rate: float, burst: int) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError(f"a rate above 0 and a burst of at least 1 are needed, not {rate} and {burst}")
        self.rate = rate
        self._step = 1 / rate
        self._most_ahead = (burst - 1) / rate + _ROUNDING_S

    def take(self, full_at: float, now: float) -> float | None:
        """Return when it will be full again after one more; None when there is none left."""
        begin = max(full_at, now)
        return begin + self._step if begin - now <= self._most_ahead else None


class LimitAcceptRateFactory(_LimitByAddress):
    """Limits how many connections are accepted in a second, from one peer and from all; what is beyond is closed at once.

    A connection that was accepted is its protocol's alone: this limit costs it nothing.

    Args:
        wrappedFactory: builds the protocols.
        rate: and burst: of one address, or of one network of the prefixes below: connections a second on average, and how many
            at once after a rest.  None for no limit.
        total_rate: and total_burst: the same of all that are counted.
        trusted: networks that are not counted, as in `["10.0.0.0/8"]`.
        ipv4_prefix: and ipv6_prefix: how many bits of an address tell one peer from another.
        max_networks: so many peers are remembered, those that connected last.
        reactor: gives the time; None for the ambient one.

    Raises:
        ValueError: a rate or burst allows nothing.

    Behind a proxy this belongs inside of `HAProxyWrappingFactory`, which knows the clients' addresses.
    """

    def __init__(
        self,
        wrappedFactory: Any,
        rate: float | None = None,
        burst: int = 10,
        total_rate: float | None = None,
        total_burst: int = 100,
        trusted: Iterable[str] = (),
        ipv4_prefix: int = IPV4_PREFIX,
        ipv6_prefix: int = IPV6_PREFIX,
        max_networks: int = MAX_NETWORKS,
        reactor: Any = None,
    ) -> None:
        super().__init__(wrappedFactory, trusted, ipv4_prefix, ipv6_prefix, reactor)
        self._each = None if rate is None else _Pace(rate, burst)
        self._total = None if total_rate is None else _Pace(total_rate, total_burst)
        self._max_networks = max_networks
        # When each network's burst will have come back, those that connected last at the end; and everybody's.
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._total_full_at = float("-inf")

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Build a protocol, unless its peer, or everybody together, connects too often."""
        network = self._network(addr)
        if network is not None:
            error = self._count(network, clock_of(self._reactor).seconds())
            if error is not None:
                self.refusals.add(error, addr)
                return None
        return self.wrappedFactory.buildProtocol(addr)

    def _count(self, network: str, now: float) -> AcceptRateExceeded | None:
        """Count one connection, unless it is one too many; then say why."""
        total = self._total_full_at
        if self._total is not None:
            taken = self._total.take(total, now)
            if taken is None:
                return AcceptRateExceeded(None, self._total.rate)
            total = taken
        if self._each is not None:
            taken = self._each.take(self._full_at.get(network, now), now)
            if taken is None:
                self._full_at.move_to_end(network)
                return AcceptRateExceeded(network, self._each.rate)
            self._remember(network, taken)
        self._total_full_at = total
        return None

    def _remember(self, network: str, full_at: float) -> None:
        table = self._full_at
        table[network] = full_at
        table.move_to_end(network)
        if len(table) > self._max_networks:
            table.popitem(last=False)
