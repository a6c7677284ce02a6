"""The reactor's own resolver: the system's `getaddrinfo` in a thread, and no thread where the answer is known.  Floor 2.

Three questions are answered before `resolveHostName` returns: IP literals, in every form that the system takes; names that
this machine knows itself (`_hosts.py`); and what cannot be a name.  Nothing is remembered: who wants that installs a
`CachingResolver`.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from socket import (
    AF_INET,
    AF_INET6,
    AF_UNSPEC,
    AI_NUMERICHOST,
    SOCK_DGRAM,
    SOCK_STREAM,
    gaierror,
    getaddrinfo,
)
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from selvage._hostnames import ascii_name, shortened
from selvage.addresses import IPv4Address, IPv6Address
from selvage.errors import CancelledError
from selvage.failure import Failure, report
from selvage.interfaces import IHostnameResolver, IHostResolution, IResolutionReceiver

from ._hosts import HostsFile
from ._threads import deferToThreadPool

if TYPE_CHECKING:
    from ._threadpool import ThreadPool

__all__ = ["ADDRESS_TYPES", "GAIResolver", "HostResolution", "literal_family"]

#: Address family -> the class of its addresses.
ADDRESS_TYPES: dict[int, Any] = {AF_INET: IPv4Address, AF_INET6: IPv6Address}

_SOCKET_TYPES = {"TCP": SOCK_STREAM, "UDP": SOCK_DGRAM}
_TRANSPORTS: dict[int, str] = {number: name for name, number in _SOCKET_TYPES.items()}

# What getaddrinfo returns: family, socket type, protocol, canonical name, socket address.
_Answer = tuple[int, int, int, str, tuple[Any, ...]]


@implementer(IHostResolution)
class HostResolution:
    """A look-up under way.

    Attributes:
        name: the host.
    """

    def __init__(self, name: str, cancel: Callable[[], object] | None = None) -> None:
        self.name = name
        self._cancel = cancel  # None: it is over

    def cancel(self) -> None:
        """Stop the look-up: its receiver hears no more of it.  Nothing happens when it is over."""
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()


def literal_family(host: Any) -> int | None:
    """Return the address family of an IP literal in its usual form, None for everything else."""
    if not isinstance(host, str):
        return None
    for family in (AF_INET, AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return family
    return None


def _family_for(addressTypes: Sequence[Any] | None) -> int:
    if addressTypes is None:
        return AF_UNSPEC
    families = {family for family, kind in ADDRESS_TYPES.items() if kind in addressTypes}
    return families.pop() if len(families) == 1 else AF_UNSPEC


@implementer(IHostnameResolver)
class GAIResolver:
    """Resolves by `socket.getaddrinfo` in a thread; literals and this machine's own names are answered at once.

    Args:
        reactor: in whose thread the receiver is called.
        getThreadPool: returns the pool to use; the reactor's own by default.
        getaddrinfo: stands in for `socket.getaddrinfo`, and is then asked everything that can be a name.
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
        self._hosts = HostsFile()

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[Any] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Look up all addresses of a host; see `IHostnameResolver`.

        What cannot be a name has no address: no thread is used, nothing reported.
        """
        family = _family_for(addressTypes)
        socket_type = _SOCKET_TYPES[transportSemantics]
        resolution = HostResolution(hostName, _nothing_to_stop)
        deliver = partial(_deliver, resolution, resolutionReceiver, addressTypes)
        try:
            name = ascii_name(hostName.decode("ascii") if isinstance(hostName, bytes) else hostName)
        except UnicodeError:
            known: Iterable[_Answer] | None = ()
        else:
            known = self._answer_at_once(name, portNumber, family, socket_type)
        if known is not None:
            resolutionReceiver.resolutionBegan(resolution)
            deliver(known)
            return resolution

        pool = self._getThreadPool()

        def look_up() -> Any:
            # Cancelled while it waited for a thread, or the pool ends and shall not have to wait for name servers.
            if resolution._cancel is None or pool.joined:
                return ()
            try:
                return self._getaddrinfo(name, portNumber, family, socket_type)
            except (gaierror, UnicodeError):
                return ()

        looked_up = deferToThreadPool(self._reactor, pool, look_up)
        resolution._cancel = looked_up.cancel
        resolutionReceiver.resolutionBegan(resolution)
        looked_up.addCallbacks(deliver, partial(_lost, resolution, resolutionReceiver))
        return resolution

    def _answer_at_once(
        self, name: str, port: int, family: int, socket_type: int
    ) -> Iterable[_Answer] | None:
        """Return what needs no thread, None where a thread has to ask."""
        if self._getaddrinfo is not getaddrinfo:
            return None
        if name[0].isdigit() or ":" in name:
            try:
                return getaddrinfo(name, port, family, socket_type, 0, AI_NUMERICHOST)
            except gaierror as error:
                if ":" in name or error.errno == _WRONG_FAMILY:
                    return ()
        found = self._hosts.find(name, family)
        if found is None:
            return None
        return [(each, socket_type, 0, "", (address, port)) for each, address in found]


# What getaddrinfo says to a literal of the other family; not every system has the code.
_WRONG_FAMILY = getattr(socket, "EAI_ADDRFAMILY", None)


def _nothing_to_stop() -> None:
    """The answer is known, and comes before anybody could do without it."""


def _deliver(
    resolution: HostResolution,
    receiver: IResolutionReceiver,
    kinds: Sequence[Any] | None,
    answers: Iterable[_Answer],
) -> None:
    """Tell a receiver what was found; it may cancel in the middle."""
    try:
        for family, socket_type, _protocol, _canonical, address in answers:
            kind = ADDRESS_TYPES.get(family)
            if resolution._cancel is None:
                return
            if kind is not None and (kinds is None or kind in kinds):
                receiver.addressResolved(kind(_TRANSPORTS.get(socket_type, "TCP"), *address))
        if resolution._cancel is not None:
            resolution._cancel = None
            receiver.resolutionComplete()
    except Exception:
        _report(resolution)


def _lost(resolution: HostResolution, receiver: IResolutionReceiver, failure: Failure) -> None:
    if resolution._cancel is None:
        if not failure.check(CancelledError):
            _report(resolution, failure)
        return
    _report(resolution, failure)
    _deliver(resolution, receiver, None, ())


def _report(resolution: HostResolution, failure: Failure | None = None) -> None:
    name = shortened(resolution.name)
    report(failure or Failure(), f"Unhandled error while looking up {name}", source="thread", host=name)
