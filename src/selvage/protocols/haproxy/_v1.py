"""The PROXY protocol, version 1: one line of text.  Floor 3; bytes in, a record out, nothing else known.

    header   = "PROXY" SP ( unknown / "TCP4" ends / "TCP6" ends ) CRLF        ; at most 107 bytes in all
    unknown  = "UNKNOWN" *any                                                ; the rest means nothing
    ends     = SP source SP destination SP source-port SP destination-port
    port     = "0" / ( %x31-39 *4DIGIT )                                     ; at most 65535

Source: the HAProxy project, "The PROXY protocol, versions 1 & 2", section 2.1.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from selvage.addresses import IPv4Address, IPv6Address
from selvage.interfaces import implementer
from selvage.protocols.haproxy._errors import (
    InvalidNetworkProtocol,
    InvalidProxyHeader,
    MissingAddressData,
    ProxyHeaderTooLong,
)
from selvage.protocols.haproxy._info import IProxyParser, ProxyInfo

__all__ = ["MAX_HEADER", "PREFIX", "V1Parser"]

#: What a header begins with.
PREFIX = b"PROXY "
#: Most bytes of a header with its end of line: what the longest IPv6 addresses need (section 2.1).
MAX_HEADER = 107

_PORT = re.compile(rb"0|[1-9][0-9]{0,4}", re.ASCII)


@implementer(IProxyParser)
class V1Parser:
    """Reads one header of version 1.

    Twisted: `twisted.protocols.haproxy._v1parser.V1Parser`, which takes any text for an address and any number for a port.
    """

    PROXYSTR = b"PROXY"
    UNKNOWN_PROTO = b"UNKNOWN"
    TCP4_PROTO = b"TCP4"
    TCP6_PROTO = b"TCP6"
    ALLOWED_NET_PROTOS = (TCP4_PROTO, TCP6_PROTO, UNKNOWN_PROTO)
    NEWLINE = b"\r\n"

    def __init__(self) -> None:
        #: The beginning of a header; never longer than one, once `feed` has returned.
        self.buffer = b""

    def feed(self, data: bytes) -> tuple[ProxyInfo, bytes] | tuple[None, None]:
        """Take what arrived.

        Returns: what the header says and the bytes after it; None and None until it is complete.

        Raises:
            InvalidProxyHeader: this is no header, or becomes none.
        """
        buffer = self.buffer = self.buffer + data
        if not PREFIX.startswith(buffer[: len(PREFIX)]):
            raise InvalidProxyHeader(f"a header begins with {PREFIX!r}, not {buffer[: len(PREFIX)]!r}")
        end = buffer.find(self.NEWLINE, 0, MAX_HEADER)
        if end < 0:
            if len(buffer) >= MAX_HEADER:
                raise ProxyHeaderTooLong(MAX_HEADER)
            return None, None
        self.buffer = b""
        return self.parse(buffer[:end]), buffer[end + len(self.NEWLINE) :]

    @classmethod
    def parse(cls, line: bytes) -> ProxyInfo:
        """Read a complete header.

        Args:
            line: without its end of line.

        Raises:
            InvalidProxyHeader: it is none.
        """
        word, _, rest = line.partition(b" ")
        if word != cls.PROXYSTR:
            raise InvalidProxyHeader(f"a header begins with {PREFIX!r}, not {line[: len(PREFIX)]!r}")
        protocol, _, ends = rest.partition(b" ")
        if protocol == cls.UNKNOWN_PROTO:
            return ProxyInfo(line, None, None)
        if protocol not in cls.ALLOWED_NET_PROTOS:
            raise InvalidNetworkProtocol(
                f"{protocol!r} is none of {', '.join(map(repr, cls.ALLOWED_NET_PROTOS))}"
            )
        fields = ends.split(b" ")
        if len(fields) < 4:
            raise MissingAddressData(f"two addresses and two ports are needed, not {ends!r}")
        if len(fields) > 4:
            raise InvalidProxyHeader(f"{fields[4]!r} follows the ports")
        make = _ipv4 if protocol == cls.TCP4_PROTO else _ipv6
        source, destination, source_port, destination_port = fields
        return ProxyInfo(line, make(source, _port(source_port)), make(destination, _port(destination_port)))


def _port(digits: bytes) -> int:
    if _PORT.fullmatch(digits) is None or int(digits) > 0xFFFF:
        raise InvalidProxyHeader(f"{digits!r} is no port")
    return int(digits)


def _ipv4(text: bytes, port: int) -> IPv4Address:
    return IPv4Address("TCP", str(_numeric(ipaddress.IPv4Address, text)), port)


def _ipv6(text: bytes, port: int) -> IPv6Address:
    # A scope ("fe80::1%eth0") would mean an interface of the proxy, not of ours.
    if b"%" in text:
        raise InvalidProxyHeader(f"{text!r} has a scope")
    return IPv6Address("TCP", str(_numeric(ipaddress.IPv6Address, text)), port)


def _numeric(kind: Any, text: bytes) -> Any:
    try:
        return kind(text.decode("ascii"))
    except ValueError:
        raise InvalidProxyHeader(f"{text!r} is no address of this family") from None
