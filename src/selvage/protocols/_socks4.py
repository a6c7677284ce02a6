"""A SOCKS request, version 4 or 4A, as bytes.  Floor 3; knows no transport, no clock, no name's address.

    request  = %x04 command port address user NUL [ name NUL ]
    command  = %x01 ; connect
             / %x02 ; bind: wait for a connection
    port     = 2 bytes, big-endian
    address  = 4 bytes; 0.0.0.x with x not 0 says that a name follows (4A)

Source: Y. Lee, "SOCKS: A protocol for TCP proxy across firewalls", and "SOCKS 4A: A simple extension".
"""

from __future__ import annotations

import struct
from typing import NamedTuple

__all__ = ["BIND", "CONNECT", "MAX_REQUEST", "Request", "SOCKSRequestError", "read_request"]

CONNECT, BIND = 1, 2

#: Most bytes of the user's name, and of the host's, which DNS limits to 253; the protocol itself names no limit.
MAX_NAME = 255

_FIXED = struct.Struct("!BBH4s")

#: Most bytes of a request.
MAX_REQUEST = _FIXED.size + 2 * (MAX_NAME + 1)


class SOCKSRequestError(Exception):
    """What a client sent is no SOCKS request of version 4."""


class Request(NamedTuple):
    """What a client asks for."""

    #: `CONNECT` or `BIND`.
    command: int
    port: int
    #: Dotted quad; means nothing when there is a `name`.
    address: str
    user: bytes
    #: The host by name (4A), or None.
    name: bytes | None
    #: What came after the request.
    rest: bytes


def read_request(data: bytes) -> Request | None:
    """Read the request that `data` begins with.

    Returns: None until it is complete.

    Raises:
        SOCKSRequestError: it is none, or becomes none.
    """
    if data[:1] not in (b"", b"\x04"):
        raise SOCKSRequestError(f"version {data[0]} is not 4")
    if data[1:2] not in (b"", b"\x01", b"\x02"):
        raise SOCKSRequestError(f"command {data[1]} is neither 1 (connect) nor 2 (bind)")
    if len(data) < _FIXED.size:
        return None
    _, command, port, address = _FIXED.unpack_from(data)
    user, end = _name(data, _FIXED.size, "the user's name")
    if user is None:
        return None
    name = None
    if address[:3] == b"\0\0\0" and address != b"\0\0\0\0":
        name, end = _name(data, end, "the host's name")
        if name is None:
            return None
        if not name:
            raise SOCKSRequestError("the host's name is empty")
    return Request(command, port, ".".join(map(str, address)), user, name, data[end:])


def _name(data: bytes, begin: int, what: str) -> tuple[bytes | None, int]:
    """Return the name at `begin` and where it ends; None for the name while its end is not there."""
    end = data.find(b"\0", begin, begin + MAX_NAME + 1)
    if end >= 0:
        return data[begin:end], end + 1
    if len(data) > begin + MAX_NAME:
        raise SOCKSRequestError(f"{what} is longer than {MAX_NAME} bytes")
    return None, begin
