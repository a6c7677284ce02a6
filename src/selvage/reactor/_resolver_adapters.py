"""What makes a resolver of one kind out of one of the other.  Floor 2.

`IHostnameResolver` finds all addresses of a host, `IResolverSimple` one IPv4 address.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zope.interface import implementer

from selvage._hostnames import ascii_name, shortened
from selvage.addresses import IPv4Address
from selvage.defer import Deferred
from selvage.errors import CancelledError, DNSLookupError
from selvage.failure import Failure, report
from selvage.interfaces import IHostnameResolver, IHostResolution, IResolutionReceiver, IResolverSimple

from ._resolver import ADDRESS_TYPES, HostResolution, literal_family

__all__ = ["ComplexResolverSimplifier", "FirstOneWins", "SimpleResolverComplexifier", "no_address"]


def no_address(name: object, why: object = None) -> DNSLookupError:
    """Return the error for a host without an address."""
    reason = "" if why is None else f": {why}"
    return DNSLookupError(f"no address found for host {shortened(name)}{reason}")


@implementer(IHostnameResolver)
class SimpleResolverComplexifier:
    """Makes an `IHostnameResolver` of an `IResolverSimple`.

    Args:
        simpleResolver: gets ASCII names; an international name is encoded (IDNA) first, and what cannot be a name is not
            asked for.
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
        resolution = HostResolution(hostName)
        try:
            name = ascii_name(hostName.decode("ascii") if isinstance(hostName, bytes) else hostName)
        except UnicodeError:
            resolutionReceiver.resolutionBegan(resolution)
            resolutionReceiver.resolutionComplete()
            return resolution
        looked_up = self._simpleResolver.getHostByName(name)
        resolution._cancel = looked_up.cancel
        resolutionReceiver.resolutionBegan(resolution)

        def found(address: str) -> None:
            kind = ADDRESS_TYPES.get(literal_family(address) or 0)
            if kind is None:
                raise TypeError(
                    f"{self._simpleResolver!r} answered {shortened(address)} for {name!r}, which is no IP address: "
                    "getHostByName has to fire with one, as text"
                )
            if addressTypes is None or kind in addressTypes:
                resolutionReceiver.addressResolved(kind(transportSemantics, address, portNumber))

        def not_found(failure: Failure) -> None:
            if resolution._cancel is None and failure.check(CancelledError):
                return
            if not failure.check(DNSLookupError):
                report(failure, f"Unhandled error while looking up {name!r}", source="thread", host=name)

        def complete(result: object) -> None:
            if resolution._cancel is not None:
                resolution._cancel = None
                resolutionReceiver.resolutionComplete()

        looked_up.addCallback(found).addErrback(not_found).addCallback(complete)
        looked_up.addErrback(_receiver_failed)
        return resolution


def _receiver_failed(failure: Failure) -> None:
    report(failure, "Unhandled error in a resolution receiver", source="thread")


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
            self._deferred.errback(no_address(self._resolution.name))


class _FirstIPv4Wins(FirstOneWins):
    """One for who asked for IPv4 and cannot use what a resolver may say beside it."""

    def addressResolved(self, address: Any, /) -> None:
        if isinstance(address, IPv4Address):
            super().addressResolved(address)


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
        receiver = _FirstIPv4Wins(result)
        self._nameResolver.resolveHostName(receiver, name, 0, [IPv4Address])
        return result
