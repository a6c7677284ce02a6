"""Connecting to a host by name, over whatever addresses it has: Happy Eyeballs.  Floor 3.

Theory of operation.  The name is resolved once, to all addresses.  They are ordered so that the families take turns,
beginning with the family that the resolver put first, and tried one after the other: the next one starts when
`attemptDelay` has passed without a connection, or at once when an attempt fails.  The first connection wins; the others
are cancelled.  When all have failed, the last one's error is the result, with notes about the others.

Source: RFC 8305; sections 4 (order) and 5 (delay).  Deviations: 300 ms, Twisted's figure, in place of the recommended
250; no Resolution Delay (section 3), for the resolver answers for both families at once; and what the resolver put first
stays first, since `getaddrinfo` has sorted already (section 4, RFC 6724).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from socket import AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM, getaddrinfo
from typing import TYPE_CHECKING, Any, cast
from unicodedata import normalize

from selvage._hostnames import MAX_LABEL_LENGTH, MAX_NAME_LENGTH, _idnaBytes, _idnaText
from selvage.addresses import HostnameAddress, IPv4Address, IPv6Address
from selvage.defer import Deferred, fail
from selvage.endpoints._errors import AddressForbiddenError
from selvage.endpoints._tcp import TCP4ClientEndpoint, TCP6ClientEndpoint
from selvage.errors import ConnectingCancelledError, DNSLookupError
from selvage.failure import Failure, report
from selvage.interfaces import (
    IHostnameResolver,
    IReactorPluggableNameResolver,
    IResolutionReceiver,
    IStreamClientEndpoint,
    _Binding,
    implementer,
)
from selvage.reactor import HostResolution, deferToThread
from selvage.transports import isIPAddress, isIPv6Address

if TYPE_CHECKING:
    from selvage.interfaces import Binding, IProtocolFactory

__all__ = ["HostnameEndpoint", "_SimpleHostnameResolver"]


@implementer(IHostnameResolver)
class _SimpleHostnameResolver:
    """A resolver made of a function.

    Args:
        nameResolution: called with host name and port; returns a Deferred of what `socket.getaddrinfo` returns.
    """

    def __init__(self, nameResolution: Callable[[str, int], Deferred[Any]]) -> None:
        self._nameResolution = nameResolution

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[Any] | None = None,
        transportSemantics: str = "TCP",
    ) -> Any:
        """Tell the receiver of each address; an error is reported, and no address found."""
        resolution = HostResolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        kinds: dict[int, Any] = {AF_INET: IPv4Address, AF_INET6: IPv6Address}
        transports = {SOCK_STREAM: "TCP", SOCK_DGRAM: "UDP"}

        def found(answers: Any) -> None:
            for family, sort, _protocol, _name, sockaddr in answers:
                if family in kinds:
                    resolutionReceiver.addressResolved(
                        kinds[family](transports.get(sort, "TCP"), *sockaddr[:2])
                    )

        def not_found(failure: Failure) -> None:
            report(
                failure,
                f"Looking up {hostName!r} failed",
                source="thread",
                name=hostName,
                callable=self._nameResolution,
            )

        self._nameResolution(hostName, portNumber).addCallbacks(found, not_found).addCallback(
            lambda _: resolutionReceiver.resolutionComplete()
        )
        return resolution


@implementer(IResolutionReceiver)
class _Collector:
    """Gathers the addresses of one look-up that can be connected to over TCP."""

    def __init__(self, done: Callable[[list[Any]], object]) -> None:
        self.resolution: Any = None
        self.addresses: list[Any] = []
        self._done = done

    def resolutionBegan(self, resolution: Any, /) -> None:
        self.resolution = resolution

    def addressResolved(self, address: Any, /) -> None:
        if isinstance(address, IPv4Address | IPv6Address):
            self.addresses.append(address)

    def resolutionComplete(self) -> None:
        self._done(self.addresses)

    def cancel(self) -> None:
        if self.resolution is not None:
            self.resolution.cancel()


def _for_messages(host: str) -> str:
    """Return a host as messages show it: what is too long for a name need not make them as long as a stranger likes."""
    return host if len(host) <= MAX_NAME_LENGTH else f"{host[:MAX_LABEL_LENGTH]}... ({len(host)} characters)"


def look_up(resolver: IHostnameResolver, host: str, port: int) -> Deferred[list[Any]]:
    """Ask a resolver for the addresses to connect to.

    Fires with the addresses, at least one.
    Fails with `DNSLookupError` when there is none; cancelling gives the look-up up.
    """
    found: Deferred[list[Any]] = Deferred(lambda _: collector.cancel())

    def resolved(addresses: list[Any]) -> None:
        if found.called:
            return
        if addresses:
            found.callback(addresses)
        else:
            found.errback(Failure(DNSLookupError(f"no results for hostname lookup: {_for_messages(host)}")))

    collector = _Collector(resolved)
    try:
        resolver.resolveHostName(collector, host, portNumber=port)
    except Exception:
        if not found.called:
            found.errback(Failure())
    return found


def take_turns(addresses: list[Any]) -> list[Any]:
    """Order addresses so that the families alternate, each in its own order, the first one's family first."""
    if not addresses:
        return []
    first = type(addresses[0])
    pairs = zip_longest(
        [address for address in addresses if type(address) is first],
        [address for address in addresses if type(address) is not first],
    )
    return [address for address in chain.from_iterable(pairs) if address is not None]


class _Race:
    """The attempts of one `connect`: one after the other, overlapping, the first connection wins.

    Args:
        clock: an `IReactorTime`.
        endpoints: one for each address, at least one.
        factory: makes the protocol.
        delay_s: seconds between the start of one attempt and the next.
        tell: called once with the protocol or the Failure.
    """

    def __init__(
        self,
        clock: Any,
        endpoints: list[Any],
        factory: IProtocolFactory,
        delay_s: float,
        tell: Callable[[Any], object],
    ) -> None:
        self._clock = clock
        self._endpoints = iter(endpoints)
        self._left = len(endpoints)
        self._factory = factory
        self._delay_s = delay_s
        self._tell = tell
        self._pending: list[Deferred[Any]] = []
        self._lost: list[tuple[Any, Failure]] = []
        self._timer: Any = None
        self._over = False

    def attempt_next(self) -> None:
        """Start the next attempt, and the clock for the one after it."""
        self._stop_timer()
        endpoint = next(self._endpoints)
        self._left -= 1
        attempt: Deferred[Any] = endpoint.connect(self._factory)
        self._pending.append(attempt)
        if self._left:
            self._timer = self._clock.callLater(self._delay_s, self._delay_passed)

        def won(protocol: Any) -> None:
            self._pending.remove(attempt)
            if not self._over:
                self.give_up()
                self._tell(protocol)

        def lost(failure: Failure) -> None:
            self._pending.remove(attempt)
            if not self._over:
                self._lost.append((endpoint, failure))
                self._after_failure()

        attempt.addCallbacks(won, lost)

    def _delay_passed(self) -> None:
        self._timer = None
        self.attempt_next()

    def _after_failure(self) -> None:
        if self._left:
            self.attempt_next()
        elif not self._pending:
            self._over = True
            *others, (_, failure) = self._lost
            for endpoint, other in others:
                failure.value.add_note(f"tried before: {endpoint!r}: {other.getErrorMessage()}")
            self._tell(failure)

    def give_up(self) -> None:
        """End all attempts without telling anybody."""
        self._over = True
        self._stop_timer()
        for attempt in list(self._pending):
            attempt.cancel()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()


@implementer(IStreamClientEndpoint)
class HostnameEndpoint:
    """A host to connect to by name, over IPv6 or IPv4, whichever answers first.

    Args:
        reactor: an `IReactorTCP` and `IReactorTime` with a `nameResolver` (`IReactorPluggableNameResolver`).
        host: a name, international ones as text or encoded, or an address.
        port: 1 to 65535.
        timeout: seconds that each single attempt may take.
        bindAddress: the local address, or a pair of it and a port, or what `makeBinding` returns.
        attemptDelay: seconds before the next address is tried beside the last; 0.3 by default.
        address_filter: called with each address that the name has, after the look-up and right before connecting; only
            those for which it is true are tried.  `is_public_address` keeps requests out of one's own network.

    A host that cannot be a name is an error of `connect`, not of the constructor.

    Twisted: `twisted.internet.endpoints.HostnameEndpoint`; the next attempt follows a failed one at once.
    """

    #: Seconds between attempts.  RFC 8305 recommends 0.25 and allows 0.1 to 2; Twisted has 0.3.
    _DEFAULT_ATTEMPT_DELAY = 0.3

    _getaddrinfo: Callable[..., Any] = staticmethod(getaddrinfo)
    _deferToThread: Callable[..., Deferred[Any]] = staticmethod(cast(Any, deferToThread))

    def __init__(
        self,
        reactor: Any,
        host: str | bytes,
        port: int,
        timeout: float = 30,
        bindAddress: Binding | bytes | str | tuple[bytes | str, int] | None = None,
        attemptDelay: float | None = None,
        *,
        address_filter: Callable[[Any], bool] | None = None,
    ) -> None:
        self._reactor = reactor
        self._address_filter = address_filter
        if not IReactorPluggableNameResolver.providedBy(reactor):
            kind = type(reactor)
            warnings.warn(
                "Passing HostnameEndpoint a reactor that does not provide IReactorPluggableNameResolver"
                f" ({kind.__module__}.{kind.__qualname__}) was deprecated in Twisted 17.5.0;"
                " please use a reactor that provides IReactorPluggableNameResolver instead",
                DeprecationWarning,
                stacklevel=2,
            )
        self._badHostname, self._hostBytes, self._hostText = self._hostAsBytesAndText(host)
        self._hostStr = _for_messages(self._hostBytes.decode("ascii", "backslashreplace"))
        self._port = port
        self._timeout = timeout
        self._bindAddress = _local_address(bindAddress)
        self._attemptDelay = self._DEFAULT_ATTEMPT_DELAY if attemptDelay is None else attemptDelay

    def __repr__(self) -> str:
        host = f"[{self._hostStr}]" if ":" in self._hostStr else self._hostStr
        return f"<HostnameEndpoint {host}:{self._port}>"

    @property
    def _nameResolver(self) -> Any:
        """The reactor's resolver; for a reactor that has none, one that asks the system in a thread."""
        if IReactorPluggableNameResolver.providedBy(self._reactor):
            return self._reactor.nameResolver
        return _SimpleHostnameResolver(self._fallbackNameResolution)

    @staticmethod
    def _hostAsBytesAndText(host: bytes | str) -> tuple[bool, bytes, str]:
        """Return whether `host` is unusable, and its two spellings: for the wire and for people.

        Of a host that is unusable the offending characters are shown as escapes, for messages.
        """
        if isinstance(host, bytes):
            if isIPAddress(host) or isIPv6Address(host):
                return False, host, host.decode("ascii")
            try:
                return False, host, _idnaText(host)
            except UnicodeError:
                # Names with underscores and the like are no IDNA, but many a network has them.
                if host.isascii() and host:
                    return False, host, host.decode("ascii")
                text = host.decode("ascii", "backslashreplace")
                return True, text.encode("ascii"), text
        host = normalize("NFC", host)
        if isIPAddress(host) or isIPv6Address(host):
            return False, host.encode("ascii"), host
        try:
            return False, _idnaBytes(host), host
        except UnicodeError:
            if host.isascii() and host:
                return False, host.encode("ascii"), host
            octets = host.encode("ascii", "backslashreplace")
            return True, octets, octets.decode("ascii")

    def _fallbackNameResolution(self, host: str, port: int) -> Deferred[Any]:
        """Look `host` up in a thread; fires with what `getaddrinfo` returns."""
        return self._deferToThread(self._getaddrinfo, host, port, 0, SOCK_STREAM)

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Resolve the name and connect.

        Fires with the connected protocol.
        Fails with `DNSLookupError` when the name has no address, `ValueError` when it cannot be a name, the last
            attempt's `ConnectError` when none succeeded, `AddressForbiddenError` when `address_filter` allows none, `ConnectingCancelledError` when cancelled.
        """
        if self._badHostname:
            return fail(Failure(ValueError(f"invalid hostname: {self._hostStr}")))
        looking_up = look_up(self._nameResolver, self._hostText, self._port)
        running: list[Callable[[], object]] = [looking_up.cancel]

        def cancel(_: Deferred[Any]) -> None:
            done.errback(ConnectingCancelledError(HostnameAddress(self._hostBytes, self._port)))
            for each in running:
                each()

        done: Deferred[Any] = Deferred(cancel)

        def resolved(addresses: list[Any]) -> None:
            endpoints = [self._endpoint_for(address) for address in take_turns(self._allowed(addresses))]
            race = _Race(self._reactor, endpoints, protocolFactory, self._attemptDelay, done.callback)
            running[:] = [race.give_up]
            race.attempt_next()

        def failed(failure: Failure) -> None:
            if not done.called:
                done.errback(failure)

        looking_up.addCallback(resolved).addErrback(failed)
        return done

    def _allowed(self, addresses: list[Any]) -> list[Any]:
        """Return the addresses that may be tried, at least one.

        Raises:
            AddressForbiddenError: none may.
        """
        if self._address_filter is None:
            return addresses
        allowed = [address for address in addresses if self._address_filter(address)]
        if not allowed:
            raise AddressForbiddenError(self._hostStr, tuple(address.host for address in addresses))
        return allowed

    def _endpoint_for(self, address: Any) -> TCP4ClientEndpoint | TCP6ClientEndpoint:
        kind = TCP6ClientEndpoint if isinstance(address, IPv6Address) else TCP4ClientEndpoint
        return kind(self._reactor, address.host, address.port, self._timeout, self._bindAddress)


def _local_address(address: Any) -> Any:
    """Return the local address of a connection in the form that the reactor takes."""
    if address is None or isinstance(address, _Binding):
        return address
    host, port = address if isinstance(address, tuple) else (address, 0)
    return (host.decode("ascii") if isinstance(host, bytes) else host, port)
