"""The one gate where the system's errors become Selvage's.  Floor 2.

`OSError` is translated here and nowhere else, by table.  Callers raise what they get with ``from`` the original, or
hand it on inside a Failure whose exception has the original as its cause.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from selvage.errors import (
    ConnectError,
    ConnectionClosed,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    NoRouteError,
    TCPTimedOutError,
    UnknownHostError,
)
from selvage.failure import Failure

__all__ = ["connect_error", "errnoMapping", "getConnectError", "lost_failure", "os_connect_error"]

#: From error number to the exception that says it in words; what is not listed becomes a plain `ConnectError`.
errnoMapping: dict[int, type[ConnectError]] = {
    errno.ENETUNREACH: NoRouteError,
    errno.EHOSTUNREACH: NoRouteError,
    errno.ECONNREFUSED: ConnectionRefusedError,
    errno.ETIMEDOUT: TCPTimedOutError,
}
# Windows has numbers of its own for two of them.
for _name, _class in (("WSAECONNREFUSED", ConnectionRefusedError), ("WSAENETUNREACH", NoRouteError)):
    if hasattr(errno, _name):
        errnoMapping[getattr(errno, _name)] = _class


def getConnectError(e: Any) -> ConnectError:
    """Turn what a failed connect gave into the matching `ConnectError`.

    Args:
        e: an `OSError`, or a pair of number and text as sockets once raised.  Anything else becomes a `ConnectError`
            with `e` itself as its text.
    """
    try:
        number, text = e.args if isinstance(e, BaseException) else e
    except (TypeError, ValueError):
        return ConnectError(string=e)
    if isinstance(e, socket.gaierror):
        return UnknownHostError(number, text)
    return errnoMapping.get(number, ConnectError)(number, text)


def os_connect_error(number: int) -> ConnectError:
    """Return the `ConnectError` for an error number, as `connect_ex` and SO_ERROR give it."""
    return getConnectError((number, os.strerror(number)))


def connect_error(exc: BaseException) -> ConnectError:
    """Return the `ConnectError` for an exception met while connecting, with that as its cause."""
    if isinstance(exc, ConnectError):
        return exc
    error = getConnectError(exc)
    error.__cause__ = exc
    return error


def lost_failure(exc: BaseException | None) -> Failure:
    """Return the reason for `connectionLost`, from what the engine says of the end.

    None is a clean end; an error of the system means that the world broke the connection.
    """
    if exc is None:
        return Failure(ConnectionDone())
    if isinstance(exc, ConnectionClosed):
        return Failure(exc)
    lost = ConnectionLost(exc.strerror) if isinstance(exc, OSError) and exc.strerror else ConnectionLost()
    lost.__cause__ = exc
    return Failure(lost)
