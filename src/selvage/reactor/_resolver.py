"""From host names to addresses: resolvers of both kinds, and what turns one kind into the other.  Floor 2.

`IHostnameResolver` finds all addresses of a host, `IResolverSimple` one IPv4 address.  The reactor's own resolver is a
`GAIResolver`: the system's `getaddrinfo` in the thread pool.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from socket import AF_INET, AF_INET6, AF_UNSPEC, SOCK_DGRAM, SOCK_STREAM, gaierror, getaddrinfo
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from selvage.addresses import IPv4Address, IPv6Address
from selvage.defer import Deferred, fail, succeed
from selvage.errors import CancelledError, DNSLookupError
from selvage.failure import Failure, report
from selvage.interfaces import (
    IHostnameResolver,
    IHostResolution,
    IReactorPluggableNameResolver,
    IReactorPluggableResolver,
    IResolutionReceiver,
    IResolverSimple,
)

from ._threads import deferToThreadPool

if TYPE_CHECKING:
    from ._threadpool import ThreadPool

__all__ = [
    "BlockingResolver",
    "ComplexResolverSimplifier",
    "FirstOneWins",
    "GAIResolver",
    "HostResolution",
    "PluggableResolverMixin",
    "SimpleResolverComplexifier",
    "ThreadedResolver",
]

_ADDRESS_TYPES: dict[int, Any] = {AF_INET: IPv4Address, AF_INET6: IPv6Address}
_SOCKET_TYPES = {"TCP": SOCK_STREAM, "UDP": SOCK_DGRAM}
_TRANSPORTS = {number: name for name, number in _SOCKET_TYPES.items()}

# Seconds that a look-up without timeouts may take: what Twisted grants.
_DEFAULT_TIMEOUT_S = 60


@implementer(IHostResolution)
class HostResolution:
    """A look-up under way.

    Attributes:
        name: the host.
    """

    def __init__(self, name: str, cancel: Callable[[], object] | None = None) -> None:
        self.name = name
        self._cancel = cancel

    def cancel(self) -> None:
        """Stop the look-up: its receiver hears no more of it.  Nothing happens when it is over."""
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()


def _family_for(addressTypes: Sequence[Any] | None) -> int:
    if addressTypes is None:
        return AF_UNSPEC
    families = {family for family, kind in _ADDRESS_TYPES.items() if kind in addressTypes}
    return families.pop() if len(families) == 1 else AF_UNSPEC


def _numeric_family(host: Any) -> int | None:
    """Return the address family of an IP literal, None for a name."""
    if not isinstance(host, str):
        return None
    for family in (AF_INET, AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return family
    return None


@implementer(IHostnameResolver)
class GAIResolver:
    """Resolves by `socket.getaddrinfo` in a thread; an IP literal is answered at once.

    Args:
        reactor: in whose thread the receiver is called.
        getThreadPool: returns the pool to use; the reactor's own by default.
        getaddrinfo: stands in for `socket.getaddrinfo`.
    """

    def __init__(
        self,
        reactor: Any,
        getThreadPool: Callable[[], ThreadPool] | None = None,
        getaddrinfo: Callable[..., Any] = getaddrinfo,
    ) -> None:
        self._reactor = reactor
        self._getThreadPool = reactor.getThreadPool if getThreadPool is None else getThreadPool
        self._getaddrinfo = getaddrinfo

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[Any] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Look up all addresses of a host; see `IHostnameResolver`."""
        family = _family_for(addressTypes)
        socket_type = _SOCKET_TYPES[transportSemantics]
        numeric = _numeric_family(hostName) if self._getaddrinfo is getaddrinfo else None
        if numeric is not None and family in (AF_UNSPEC, numeric):
            resolution = HostResolution(hostName)
            resolutionReceiver.resolutionBegan(resolution)
            address = _ADDRESS_TYPES[numeric](transportSemantics, hostName, portNumber)
            resolutionReceiver.addressResolved(address)
            resolutionReceiver.resolutionComplete()
            return resolution

        def look_up() -> Any:
            try:
                return self._getaddrinfo(hostName, portNumber, family, socket_type)
            except (gaierror, UnicodeError):  # UnicodeError: a label is empty or too long for a name
                return []

        looked_up = deferToThreadPool(self._reactor, self._getThreadPool(), look_up)
        resolution = HostResolution(hostName, looked_up.cancel)
        resolutionReceiver.resolutionBegan(resolution)

        def deliver(results: Any) -> None:
            resolution._cancel = None
            for found_family, found_type, _proto, _canonical, address in results:
                kind = _ADDRESS_TYPES.get(found_family)
                if kind is not None:
                    resolutionReceiver.addressResolved(kind(_TRANSPORTS.get(found_type, "TCP"), *address))
            resolutionReceiver.resolutionComplete()

        def lost(failure: Failure) -> None:
            if resolution._cancel is None and failure.check(CancelledError):
                return
            report(failure, f"Unhandled error while looking up {hostName!r}", source="thread", host=hostName)
            if resolution._cancel is not None:
                resolution._cancel = None
                resolutionReceiver.resolutionComplete()

        looked_up.addCallback(deliver).addErrback(lost)
        return resolution


def _receiver_failed(failure: Failure) -> None:
    report(failure, "Unhandled error in a resolution receiver", source="thread")


@implementer(IHostnameResolver)
class SimpleResolverComplexifier:
    """Makes an `IHostnameResolver` of an `IResolverSimple`.

    Args:
        simpleResolver: gets ASCII names; an international name is encoded (IDNA) first.
    """

    def __init__(self, simpleResolver: IResolverSimple) -> None:
        self._simpleResolver = simpleResolver

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[Any] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Look up one address of a host; see `IHostnameResolver`."""
        name = hostName.decode("ascii") if isinstance(hostName, bytes) else hostName
        if not name.isascii():
            try:
                name = name.encode("idna").decode("ascii")
            except UnicodeError:
                pass  # no name at all: let the resolver say so
        looked_up = self._simpleResolver.getHostByName(name)
        resolution = HostResolution(hostName, looked_up.cancel)
        resolutionReceiver.resolutionBegan(resolution)

        def found(address: str) -> None:
            kind = IPv6Address if ":" in address else IPv4Address
            resolutionReceiver.addressResolved(kind(transportSemantics, address, portNumber))  # type: ignore[arg-type]

        def not_found(failure: Failure) -> None:
            if not failure.check(DNSLookupError):
                report(failure, f"Unhandled error while looking up {name!r}", source="thread", host=name)

        def complete(result: object) -> None:
            if resolution._cancel is not None:
                resolution._cancel = None
                resolutionReceiver.resolutionComplete()

        def unless_cancelled(failure: Failure) -> Failure | None:
            return None if resolution._cancel is None and failure.check(CancelledError) else failure

        looked_up.addCallback(found).addErrback(unless_cancelled).addErrback(not_found).addCallback(complete)
        looked_up.addErrback(_receiver_failed)
        return resolution


@implementer(IResolutionReceiver)
class FirstOneWins:
    """Receives addresses and fires a Deferred with the first, as text; with none it fails with DNSLookupError."""

    def __init__(self, deferred: Deferred[str]) -> None:
        self._deferred = deferred
        self._resolved = False

    def resolutionBegan(self, resolution: IHostResolution, /) -> None:
        """See `IResolutionReceiver`."""
        self._resolution = resolution

    def addressResolved(self, address: Any, /) -> None:
        """See `IResolutionReceiver`."""
        if not self._resolved:
            self._resolved = True
            self._deferred.callback(address.host)

    def resolutionComplete(self) -> None:
        """See `IResolutionReceiver`."""
        if not self._resolved:
            self._resolved = True
            self._deferred.errback(DNSLookupError(f"no address found for host {self._resolution.name!r}"))


@implementer(IResolverSimple)
class ComplexResolverSimplifier:
    """Makes an `IResolverSimple` of an `IHostnameResolver`."""

    def __init__(self, nameResolver: IHostnameResolver) -> None:
        self._nameResolver = nameResolver

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:
        """Look up one IPv4 address; see `IResolverSimple`.  Cancelling stops the look-up."""

        def stop(_: object) -> None:
            receiver._resolution.cancel()

        result: Deferred[str] = Deferred(stop)
        receiver = FirstOneWins(result)
        self._nameResolver.resolveHostName(receiver, name, 0, [IPv4Address])
        return result


@implementer(IResolverSimple)
class BlockingResolver:
    """Resolves by `socket.gethostbyname`, here and now: everything else waits."""

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:
        """Look up one IPv4 address; see `IResolverSimple`."""
        try:
            address = socket.gethostbyname(name)
        except OSError as error:
            return fail(DNSLookupError(f"no address found for host {name!r}: {error}"))
        return succeed(address)


@implementer(IResolverSimple)
class ThreadedResolver:
    """Resolves by `socket.gethostbyname` in the reactor's thread pool."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor

    def getHostByName(self, name: str, timeout: Sequence[int] = (1, 3, 11, 45)) -> Deferred[str]:
        """Look up one IPv4 address; see `IResolverSimple`.

        Args:
            timeout: the look-up may take as long as all of these together.
        """
        patience = sum(timeout) if timeout else _DEFAULT_TIMEOUT_S
        looked_up = deferToThreadPool(self.reactor, self.reactor.getThreadPool(), socket.gethostbyname, name)
        timer = self.reactor.callLater(patience, looked_up.cancel)

        def done(result: Any) -> Any:
            if timer.active():
                timer.cancel()
                if not isinstance(result, Failure):
                    return result
                if not result.check(OSError):
                    return result
                why = result.getErrorMessage()
            else:
                why = f"no answer within {patience} seconds"
            return Failure(DNSLookupError(f"no address found for host {name!r}: {why}"))

        return looked_up.addBoth(done)


@implementer(IReactorPluggableResolver, IReactorPluggableNameResolver)
class PluggableResolverMixin:
    """The part of a reactor that resolves names, with exchangeable resolvers.

    Attributes:
        resolver: the `IResolverSimple` in use.
    """

    resolver: Any = BlockingResolver()
    _nameResolver: Any = SimpleResolverComplexifier(resolver)

    def installResolver(self, resolver: IResolverSimple) -> IResolverSimple:
        """Use this resolver from now on; return the one that was used."""
        previous: IResolverSimple = self.resolver
        self.resolver = resolver
        self._nameResolver = SimpleResolverComplexifier(resolver)
        return previous

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Use this resolver from now on; return the one that was used."""
        previous: IHostnameResolver = self._nameResolver
        self._nameResolver = resolver
        self.resolver = ComplexResolverSimplifier(resolver)
        return previous

    @property
    def nameResolver(self) -> IHostnameResolver:
        """The `IHostnameResolver` in use."""
        resolver: IHostnameResolver = self._nameResolver
        return resolver

    def _resolve_simple(self, name: str, timeout: Sequence[int]) -> Deferred[str]:
        if not name:
            return succeed("0.0.0.0")
        if _numeric_family(name) == AF_INET:
            return succeed(name)
        answer: Deferred[str] = self.resolver.getHostByName(name, timeout)
        return answer
