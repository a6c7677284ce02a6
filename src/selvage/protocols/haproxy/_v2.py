"""The PROXY protocol, version 2: a binary header.  Floor 3; bytes in, a record out, nothing else known.

    header     = signature version-command family-transport length block
    signature  = %x0D.0A.0D.0A.00.0D.0A.51.55.49.54.0A
    version-command   = 4 bits, 2; 4 bits, 0 LOCAL or 1 PROXY
    family-transport  = 4 bits, 0 UNSPEC, 1 INET, 2 INET6 or 3 UNIX; 4 bits, 0 UNSPEC, 1 STREAM or 2 DGRAM
    length     = 16 bits, big-endian: how many bytes the block has
    block      = addresses *TLV

Source: the HAProxy project, "The PROXY protocol, versions 1 & 2", section 2.2.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from selvage.addresses import IPv4Address, IPv6Address, UNIXAddress
from selvage.interfaces import implementer
from selvage.protocols.haproxy._errors import InvalidProxyHeader, MissingAddressData, ProxyHeaderTooLong
from selvage.protocols.haproxy._info import IProxyParser, ProxyInfo
from selvage.protocols.haproxy._tlvs import read_tlvs

__all__ = ["MAX_HEADER", "SIGNATURE", "V2Parser"]

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
#: Most bytes of a header.  Two UNIX paths take 232; a client's certificate among the TLVs is the longest thing that is
#: really sent.  The format would allow 65551; nginx takes 4096 too.
MAX_HEADER = 4096

_FIXED = struct.Struct("!12sBBH")
_LOCAL, _PROXY = range(2)
_UNSPEC, _INET, _INET6, _UNIX = range(4)
#: How the address record calls a transport; None where there is no address to tell.
_TRANSPORTS: dict[int, Any] = {0: None, 1: "TCP", 2: "UDP"}


def _ipv4(kind: Any, raw: bytes, port: int) -> IPv4Address:
    return IPv4Address(kind, ".".join(map(str, raw)), port)


def _ipv6(kind: Any, raw: bytes, port: int) -> IPv6Address:
    # Eight groups, none left out: the spelling that programs know from Twisted.
    return IPv6Address(kind, ":".join([f"{group:x}" for group in struct.unpack("!8H", raw)]), port)


def _unix(kind: Any, raw: bytes, port: int = 0) -> UNIXAddress:
    # A name in Linux's abstract namespace begins with NUL and ends before the padding; a path ends at its first NUL.
    name = raw.rstrip(b"\0") if raw.startswith(b"\0") else raw.partition(b"\0")[0]
    return UNIXAddress(name or None)


#: Of each family: how the two addresses, and the two ports if any, are laid out, and what makes a record of one.
_FAMILIES: dict[int, tuple[struct.Struct, Callable[..., Any]]] = {
    _INET: (struct.Struct("!4s4sHH"), _ipv4),
    _INET6: (struct.Struct("!16s16sHH"), _ipv6),
    _UNIX: (struct.Struct("!108s108s"), _unix),
}


@implementer(IProxyParser)
class V2Parser:
    """Reads one header of version 2.

    Twisted: `twisted.protocols.haproxy._v2parser.V2Parser`, which waits for headers of any length and skips TLVs.
    """

    PREFIX = SIGNATURE

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
        if not SIGNATURE.startswith(buffer[: len(SIGNATURE)]):
            raise InvalidProxyHeader(f"a header begins with {SIGNATURE!r}, not {buffer[: len(SIGNATURE)]!r}")
        if len(buffer) < _FIXED.size:
            return None, None
        end = _FIXED.size + _FIXED.unpack_from(buffer)[3]
        if end > MAX_HEADER:
            raise ProxyHeaderTooLong(MAX_HEADER)
        if len(buffer) < end:
            return None, None
        self.buffer = b""
        return self.parse(buffer[:end]), buffer[end:]

    @classmethod
    def parse(cls, line: bytes) -> ProxyInfo:
        """Read a complete header.

        Raises:
            InvalidProxyHeader: it is none.
        """
        if len(line) < _FIXED.size:
            raise InvalidProxyHeader(f"a header has at least {_FIXED.size} bytes, not {len(line)}")
        signature, version_command, family_transport, length = _FIXED.unpack_from(line)
        if signature != SIGNATURE:
            raise InvalidProxyHeader(f"a header begins with {SIGNATURE!r}, not {signature!r}")
        if version_command >> 4 != 2:
            raise InvalidProxyHeader(f"version {version_command >> 4} is not 2")
        if length != len(line) - _FIXED.size:
            raise InvalidProxyHeader(f"{length} bytes are announced, {len(line) - _FIXED.size} follow")
        command = version_command & 15
        if command == _LOCAL:
            return ProxyInfo(line, None, None)  # the rest of the header counts for nothing
        if command != _PROXY:
            raise InvalidProxyHeader(f"command {command} is neither LOCAL nor PROXY")
        return cls._on_behalf(line, family_transport >> 4, family_transport & 15)

    @staticmethod
    def _on_behalf(header: bytes, family: int, transport: int) -> ProxyInfo:
        """Read the addresses of the command PROXY, and what follows them."""
        if family > _UNIX:
            raise InvalidProxyHeader(f"there is no address family {family}")
        if transport not in _TRANSPORTS:
            raise InvalidProxyHeader(f"there is no transport protocol {transport}")
        if family == _UNSPEC or not transport:
            return ProxyInfo(header, None, None)
        layout, make = _FAMILIES[family]
        begin = _FIXED.size
        if len(header) < begin + layout.size:
            raise MissingAddressData(
                f"addresses of {layout.size} bytes are needed, not {len(header) - begin}"
            )
        source, destination, *ports = layout.unpack_from(header, begin)
        kind = _TRANSPORTS[transport]
        return ProxyInfo(
            header,
            make(kind, source, *ports[:1]),
            make(kind, destination, *ports[1:]),
            read_tlvs(header, begin + layout.size),
        )
