"""What a PROXY header says: the record, and the interfaces of record and parsers.  Floor 3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selvage.interfaces._base import Interface, Protocol, implementer

if TYPE_CHECKING:
    from selvage.interfaces import IAddress

__all__ = ["NO_TLVS", "IProxyInfo", "IProxyParser", "ProxyInfo", "ProxyTLS", "ProxyTLVs"]


class IProxyInfo(Interface, Protocol):
    """What a PROXY header says.

    Twisted: `twisted.protocols.haproxy._interfaces.IProxyInfo`.
    """

    @property
    def header(self) -> bytes:
        """The header as received."""

    @property
    def source(self) -> IAddress | None:
        """The client, or None when the proxy speaks for itself or does not know."""

    @property
    def destination(self) -> IAddress | None:
        """What the client connected to, or None."""


class IProxyParser(Interface, Protocol):
    """Makes an `IProxyInfo` of bytes.

    Twisted: `twisted.protocols.haproxy._interfaces.IProxyParser`.
    """

    def feed(self, data: bytes) -> tuple[IProxyInfo, bytes] | tuple[None, None]:
        """Take what arrived: returns (info, the bytes after the header), or (None, None) until it is complete."""

    def parse(self, line: bytes) -> IProxyInfo:
        """Return what a complete header says."""


@dataclass(frozen=True, slots=True)
class ProxyTLS:
    """What the proxy says about the client's TLS (PP2_TYPE_SSL)."""

    #: The client came over TLS.
    in_use: bool
    #: The client showed a certificate, on this connection or earlier in its session.
    has_certificate: bool
    #: ... and the proxy found it to be good.
    is_verified: bool
    version: str | None = None
    common_name: str | None = None
    cipher: str | None = None
    signature_algorithm: str | None = None
    key_algorithm: str | None = None
    #: (type, value) of what has no name here, in order.
    others: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class ProxyTLVs:
    """What a header of version 2 says beyond addresses.  All of it is the proxy's word, and partly the client's."""

    #: The application protocol that client and proxy agreed on, such as b"h2".
    alpn: bytes | None = None
    #: The host name that the client asked for.
    authority: str | None = None
    #: The proxy's name for this connection; at most 128 bytes.
    unique_id: bytes | None = None
    tls: ProxyTLS | None = None
    network_namespace: str | None = None
    #: (type, value) of what has no name here, in order: types from 0xE0 to 0xEF are the vendors' own.
    others: tuple[tuple[int, bytes], ...] = ()


NO_TLVS = ProxyTLVs()


@implementer(IProxyInfo)
@dataclass(frozen=True, slots=True)
class ProxyInfo:
    """What one PROXY header says.

    Twisted: `twisted.protocols.haproxy._info.ProxyInfo`; `tlvs` is new.
    """

    #: As received; version 1 without its end of line.
    header: bytes
    #: The client; None when the proxy speaks for itself (a health check) or does not know.
    source: IAddress | None
    #: What the client connected to, or None.
    destination: IAddress | None
    tlvs: ProxyTLVs = NO_TLVS
