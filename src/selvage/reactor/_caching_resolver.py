"""A resolver that remembers, for programs that look up the same names all the time.  Floor 2.

The reactor remembers nothing by itself: the system has a cache where somebody has set one up, and knows when it is wrong.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from zope.interface import implementer

from selvage._hostnames import shortened
from selvage.failure import Failure, report
from selvage.interfaces import IHostnameResolver, IHostResolution, IReactorTime, IResolutionReceiver

from ._resolver import HostResolution

__all__ = ["CachingResolver"]

# What `getaddrinfo` tells us has no time to live.  A minute is what browsers grant such answers.
_TTL_S = 60.0
# A name that was not found may be one that the name server was too busy to find: RFC 2308 section 7.1 has five minutes as
# the most for those, browsers a few seconds.
_NEGATIVE_TTL_S = 5.0
# Names, each with its port and kind: about a megabyte.
_MAX_ENTRIES = 1024

_Key = tuple[str, int, frozenset[Any] | None, str]


@implementer(IHostnameResolver)
class CachingResolver:
    """Remembers what another resolver answers, and asks it once where several want to know the same at the same time.

    Args:
        resolver: the one that is asked.
        clock: on which answers age; the reactor, or a `Clock` in tests.
        ttl_s: seconds for which addresses are remembered, above 0.
        negative_ttl_s: seconds for which is remembered that a name has no address, whatever the reason; 0: not at all.
        max_entries: answers that are kept, 1 or more; the one that was not asked for longest goes first.

    Raises:
        ValueError: a number is out of its range.

        reactor.installNameResolver(CachingResolver(reactor.nameResolver, reactor))
    """

    def __init__(
        self,
        resolver: IHostnameResolver,
        clock: IReactorTime,
        *,
        ttl_s: float = _TTL_S,
        negative_ttl_s: float = _NEGATIVE_TTL_S,
        max_entries: int = _MAX_ENTRIES,
    ) -> None:
        if not ttl_s > 0 or not negative_ttl_s >= 0 or max_entries < 1:
            raise ValueError(
                f"a cache with ttl_s={ttl_s!r}, negative_ttl_s={negative_ttl_s!r} and max_entries={max_entries!r} would "
                "remember nothing: install the resolver itself"
            )
        self._resolver = resolver
        self._clock = clock
        self._ttl_s = ttl_s
        self._negative_ttl_s = negative_ttl_s
        self._max_entries = max_entries
        self._entries: OrderedDict[_Key, tuple[float, tuple[Any, ...]]] = OrderedDict()  # oldest use first
        self._under_way: dict[_Key, _SharedLookup] = {}

    def __repr__(self) -> str:
        return (
            f"<CachingResolver of {self._resolver!r}: {len(self._entries)} of {self._max_entries} answers, "
            f"{len(self._under_way)} under way>"
        )

    def forget(self) -> None:
        """Remember nothing of what was answered so far; look-ups under way go on, and are not remembered either."""
        self._entries.clear()
        self._under_way.clear()

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[Any] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Look up all addresses of a host; see `IHostnameResolver`.  What is remembered is told before this returns."""
        kinds = None if addressTypes is None else frozenset(addressTypes)
        key = (hostName.lower(), portNumber, kinds, transportSemantics)
        remembered = self._remembered(key)
        if remembered is not None:
            return _answer(resolutionReceiver, hostName, remembered)
        shared = self._under_way.get(key)
        if shared is not None:
            return shared.join(resolutionReceiver)
        shared = self._under_way[key] = _SharedLookup(self, key, hostName)
        resolution = shared.join(resolutionReceiver)
        if resolution._cancel is None:
            return resolution  # cancelled as soon as it was heard of
        try:
            self._resolver.resolveHostName(shared, hostName, portNumber, addressTypes, transportSemantics)
        except BaseException:
            self._over(key, shared)
            raise
        return resolution

    def _remembered(self, key: _Key) -> tuple[Any, ...] | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        until, addresses = entry
        if self._clock.seconds() >= until:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return addresses

    def _over(self, key: _Key, shared: _SharedLookup, addresses: tuple[Any, ...] | None = None) -> None:
        """A look-up is over, with these addresses, or without an answer."""
        if self._under_way.get(key) is not shared:
            return  # forgotten meanwhile
        del self._under_way[key]
        ttl_s = self._ttl_s if addresses else self._negative_ttl_s
        if addresses is None or not ttl_s:
            return
        self._entries[key] = (self._clock.seconds() + ttl_s, addresses)
        self._entries.move_to_end(key)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)


def _answer(receiver: IResolutionReceiver, name: str, addresses: tuple[Any, ...]) -> HostResolution:
    resolution = HostResolution(name, _nothing_to_stop)
    receiver.resolutionBegan(resolution)
    for address in addresses:
        if resolution._cancel is not None:
            receiver.addressResolved(address)
    if resolution._cancel is not None:
        resolution._cancel = None
        receiver.resolutionComplete()
    return resolution


def _nothing_to_stop() -> None:
    """The answer is remembered."""


@implementer(IResolutionReceiver)
class _SharedLookup:
    """One question to the resolver behind, and who waits for its answer."""

    def __init__(self, cache: CachingResolver, key: _Key, name: str) -> None:
        self._cache = cache
        self._key = key
        self._name = name
        self._waiting: dict[HostResolution, IResolutionReceiver] = {}
        self._addresses: list[Any] = []
        self._resolution: IHostResolution | None = None

    def join(self, receiver: IResolutionReceiver) -> HostResolution:
        """Let one more wait; it is told of what was found so far."""
        resolution = HostResolution(self._name)
        resolution._cancel = lambda: self._leave(resolution)
        self._waiting[resolution] = receiver
        receiver.resolutionBegan(resolution)
        for address in list(self._addresses):
            if resolution._cancel is not None:
                receiver.addressResolved(address)
        return resolution

    def _leave(self, resolution: HostResolution) -> None:
        """One waits no longer; with the last of them the question itself is taken back."""
        del self._waiting[resolution]
        if not self._waiting:
            self._cache._over(self._key, self)
            if self._resolution is not None:
                self._resolution.cancel()

    def resolutionBegan(self, resolution: IHostResolution, /) -> None:
        """See `IResolutionReceiver`."""
        self._resolution = resolution
        if not self._waiting:
            resolution.cancel()

    def addressResolved(self, address: Any, /) -> None:
        """See `IResolutionReceiver`."""
        self._addresses.append(address)
        for resolution, receiver in list(self._waiting.items()):
            if resolution._cancel is not None:
                self._tell(receiver.addressResolved, address)

    def resolutionComplete(self) -> None:
        """See `IResolutionReceiver`."""
        waiting, self._waiting = self._waiting, {}
        if waiting:
            self._cache._over(self._key, self, tuple(self._addresses))
        for resolution, receiver in waiting.items():
            if resolution._cancel is not None:
                resolution._cancel = None
                self._tell(receiver.resolutionComplete)

    def _tell(self, method: Any, *args: Any) -> None:
        # One of several receivers: its mistakes are not the others'.
        try:
            method(*args)
        except Exception:
            name = shortened(self._name)
            report(
                Failure(), f"Unhandled error in a receiver of {name}'s addresses", source="reactor", host=name
            )
