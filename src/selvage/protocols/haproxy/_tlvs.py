"""What follows the addresses of a PROXY header of version 2: types, lengths, values.  Floor 3; knows bytes only.

    TLV  = type length value            ; 8 bits, 16 bits big-endian, as many bytes
    tls  = flags verify *TLV            ; the value of type 0x20: 8 bits, 32 bits, and TLVs of its own

A value that reaches beyond the end of what it is in is never cut short: the header is broken, and so is the connection.
The same goes for a type that is there twice, where two readers might take different ones for true.

Source: the HAProxy project, "The PROXY protocol, versions 1 & 2", section 2.2; the checksum: RFC 9260, appendix A.
"""

from __future__ import annotations

import struct
from functools import cache

from selvage.protocols.haproxy._errors import InvalidTLV
from selvage.protocols.haproxy._info import NO_TLVS, ProxyTLS, ProxyTLVs

__all__ = ["crc32c", "read_tlvs"]

_ALPN, _AUTHORITY, _CRC32C, _NOOP, _UNIQUE_ID = range(1, 6)
_TLS, _NETNS = 0x20, 0x30
_TLS_VERSION, _TLS_CN, _TLS_CIPHER, _TLS_SIG_ALG, _TLS_KEY_ALG = range(0x21, 0x26)

#: Bits of the flags of type 0x20.
_CLIENT_TLS, _CLIENT_CERT_CONN, _CLIENT_CERT_SESS = 1, 2, 4

#: Most bytes of a unique id (section 2.2.5).
_MAX_UNIQUE_ID = 128

_HEAD = struct.Struct("!BH")
_TLS_HEAD = struct.Struct("!BI")

_Others = tuple[tuple[int, bytes], ...]


def read_tlvs(header: bytes, begin: int) -> ProxyTLVs:
    """Read the TLVs of a complete header, and compare its checksum if it has one.

    Args:
        header: all of it.
        begin: where the first TLV begins; the last one ends with the header.

    Raises:
        InvalidTLV: one of them is broken.
    """
    if begin == len(header):
        return NO_TLVS
    named, others, places = _split(header, begin, _NAMED)
    if _CRC32C in named:
        _check(header, places[_CRC32C], named[_CRC32C])
    unique_id = named.get(_UNIQUE_ID)
    if unique_id is not None and len(unique_id) > _MAX_UNIQUE_ID:
        raise InvalidTLV(f"a unique id of {len(unique_id)} bytes is longer than {_MAX_UNIQUE_ID}")
    return ProxyTLVs(
        alpn=named.get(_ALPN),
        authority=_text(named, _AUTHORITY, "utf-8"),
        unique_id=unique_id,
        tls=_tls(named[_TLS]) if _TLS in named else None,
        network_namespace=_text(named, _NETNS, "ascii"),
        others=others,
    )


_NAMED = frozenset({_ALPN, _AUTHORITY, _CRC32C, _UNIQUE_ID, _TLS, _NETNS})
_NAMED_OF_TLS = frozenset({_TLS_VERSION, _TLS_CN, _TLS_CIPHER, _TLS_SIG_ALG, _TLS_KEY_ALG})


def _split(data: bytes, at: int, known: frozenset[int]) -> tuple[dict[int, bytes], _Others, dict[int, int]]:
    """Cut TLVs apart.

    Returns: the values of the types in `known`, the other types and values in order, where each known value begins.
    """
    named: dict[int, bytes] = {}
    places: dict[int, int] = {}
    others: list[tuple[int, bytes]] = []
    size = len(data)
    while at < size:
        if at + _HEAD.size > size:
            raise InvalidTLV(f"{size - at} bytes at the end are too few for a type and a length")
        kind, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if at + length > size:
            raise InvalidTLV(f"type 0x{kind:02x} announces {length} bytes, {size - at} are left")
        value = data[at : at + length]
        if kind not in known:
            if kind != _NOOP:
                others.append((kind, value))
        elif kind in named:
            raise InvalidTLV(f"type 0x{kind:02x} is there twice")
        else:
            named[kind] = value
            places[kind] = at
        at += length
    return named, tuple(others), places


def _text(values: dict[int, bytes], kind: int, encoding: str) -> str | None:
    value = values.get(kind)
    try:
        return None if value is None else value.decode(encoding)
    except UnicodeDecodeError:
        raise InvalidTLV(f"the value of type 0x{kind:02x} is no {encoding}: {value!r}") from None


def _tls(value: bytes) -> ProxyTLS:
    """Read the value of type 0x20."""
    if len(value) < _TLS_HEAD.size:
        raise InvalidTLV(f"type 0x{_TLS:02x} has at least {_TLS_HEAD.size} bytes, not {len(value)}")
    flags, verify = _TLS_HEAD.unpack_from(value)
    named, others, _ = _split(value, _TLS_HEAD.size, _NAMED_OF_TLS)
    has_certificate = bool(flags & (_CLIENT_CERT_CONN | _CLIENT_CERT_SESS))
    return ProxyTLS(
        in_use=bool(flags & _CLIENT_TLS),
        has_certificate=has_certificate,
        # Proxies send zero for a client without a certificate too: there was nothing wrong with it.
        is_verified=has_certificate and verify == 0,
        version=_text(named, _TLS_VERSION, "ascii"),
        common_name=_text(named, _TLS_CN, "utf-8"),
        cipher=_text(named, _TLS_CIPHER, "ascii"),
        signature_algorithm=_text(named, _TLS_SIG_ALG, "ascii"),
        key_algorithm=_text(named, _TLS_KEY_ALG, "ascii"),
        others=others,
    )


def _check(header: bytes, at: int, value: bytes) -> None:
    """Compare the checksum at `at` with that of the header."""
    if len(value) != 4:
        raise InvalidTLV(f"a checksum has 4 bytes, not {len(value)}")
    if crc32c(header[:at] + bytes(4) + header[at + 4 :]) != int.from_bytes(value, "big"):
        raise InvalidTLV("the checksum is not that of this header")


def crc32c(data: bytes) -> int:
    """Return the CRC32c of `data`; zlib has another polynomial."""
    table = _crc32c_table()
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


@cache
def _crc32c_table() -> tuple[int, ...]:
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)
