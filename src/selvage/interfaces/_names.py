"""Looking up host names and DNS records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ._base import Interface, Protocol

if TYPE_CHECKING:
    from selvage.defer import Deferred

    from ._address import IAddress

__all__ = ["IHostResolution", "IHostnameResolver", "IResolutionReceiver", "IResolver", "IResolverSimple"]


class IResolverSimple(Interface, Protocol):
    """A resolver that knows one question: which address has this host?"""

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:
        """Look up one address of a host.

        Args:
            timeout: seconds to wait for each attempt, one number an attempt; empty leaves it to the resolver.

        Fires with an IP literal.
        Fails with DNSLookupError or TimeoutError.
        """


class IHostResolution(Interface, Protocol):
    """A look-up under way."""

    @property
    def name(self) -> str:
        """The host name that is looked up."""

    def cancel(self) -> None:
        """Stop; a resolver may find that it cannot."""


class IResolutionReceiver(Interface, Protocol):
    """What takes the answers of an `IHostnameResolver`, which calls every method."""

    def resolutionBegan(self, resolutionInProgress: IHostResolution, /) -> object:
        """Take the handle of the look-up. Called once, first."""

    def addressResolved(self, address: Any, /) -> object:
        """Take one address, an `IAddress`: `IPv4Address` or `IPv6Address` from our resolver."""

    def resolutionComplete(self) -> object:
        """Take notice that no more addresses come; when none came, the name was not found. Called once, last."""


class IHostnameResolver(Interface, Protocol):
    """A resolver that finds all addresses of a host, of both families."""

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Start a look-up.

        Args:
            resolutionReceiver: takes the addresses as they are found.
            hostName: a name (IDNA-encoded when it is not ASCII) or an IP literal.
            portNumber: the port that the addresses shall carry.
            addressTypes: classes of addresses to deliver; None for all.
            transportSemantics: "TCP" or "UDP", the type that the addresses shall carry.

        Returns: the handle that the receiver also gets.
        """


class IResolver(IResolverSimple, Protocol):
    """A DNS resolver.

    Each look-up takes a domain name and the seconds to wait for each attempt (None leaves it to the resolver).
    It fires with (answers, authorities, additional): three lists of resource records. It fails with an error of
    `twisted.names.error`, or NotImplementedError where the resolver cannot ask that question.
    """

    def query(self, query: Any, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Ask any question, given as a DNS query, as the method for its type would."""

    def lookupAddress(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up A records: IPv4 addresses."""

    def lookupAddress6(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up A6 records: IPv6 addresses in the form that AAAA has replaced."""

    def lookupIPV6Address(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up AAAA records: IPv6 addresses."""

    def lookupMailExchange(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up MX records: the mail servers of a domain."""

    def lookupNameservers(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up NS records: the name servers of a domain."""

    def lookupCanonicalName(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up CNAME records: the name that this one is an alias of."""

    def lookupMailBox(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up MB records: the host of a mailbox."""

    def lookupMailGroup(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up MG records: the members of a mail group."""

    def lookupMailRename(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up MR records: the new name of a mailbox."""

    def lookupPointer(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up PTR records: the name of an address."""

    def lookupAuthority(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up the SOA record: who keeps a zone, and its serial number."""

    def lookupNull(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up NULL records: free data."""

    def lookupWellKnownServices(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up WKS records: the services of a host."""

    def lookupHostInfo(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up HINFO records: a host's machine and system."""

    def lookupMailboxInfo(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up MINFO records: who is responsible for a mailbox or list."""

    def lookupText(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up TXT records: free text."""

    def lookupResponsibility(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up RP records: the person responsible."""

    def lookupAFSDatabase(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up AFSDB records: the AFS servers of a cell."""

    def lookupService(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up SRV records: hosts and ports of a service."""

    def lookupAllRecords(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up records of every type."""

    def lookupSenderPolicy(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up SPF records: who may send mail for a domain."""

    def lookupNamingAuthorityPointer(self, name: str, timeout: Sequence[int] | None) -> Deferred[Any]:
        """Look up NAPTR records: rules that rewrite a name into a service's address."""

    def lookupZone(self, name: str, timeout: int) -> Deferred[Any]:
        """Transfer a whole zone (AXFR); `timeout` is one number of seconds, and only answers come."""
