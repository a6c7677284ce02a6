"""TCP transports."""

from errno import (
    EAGAIN as EAGAIN,
    EALREADY as EALREADY,
    ECONNABORTED as ECONNABORTED,
    EINPROGRESS as EINPROGRESS,
    EINVAL as EINVAL,
    EISCONN as EISCONN,
    EMFILE as EMFILE,
    ENFILE as ENFILE,
    ENOBUFS as ENOBUFS,
    ENOMEM as ENOMEM,
    EPERM as EPERM,
    EWOULDBLOCK as EWOULDBLOCK,
)

from selvage.transports._ip import _NUMERIC_ONLY as _NUMERIC_ONLY, _resolveIPv6 as _resolveIPv6
from selvage.transports._listening import ACCEPT_ERRORS as _ACCEPT_ERRORS  # noqa: F401
from selvage.transports._reservation import (
    _BuffersLogs as _BuffersLogs,
    _FileDescriptorReservation as _FileDescriptorReservation,
    _IFileDescriptorReservation as _IFileDescriptorReservation,
    _NullFileDescriptorReservation as _NullFileDescriptorReservation,
)
from selvage.transports.tcp import (
    BaseClient as BaseClient,
    Client as Client,
    Connection as Connection,
    Connector as Connector,
    Port as Port,
    Server as Server,
    makeBinding as makeBinding,
)

__all__ = ["BaseClient", "Client", "Connection", "Connector", "Port", "Server", "makeBinding"]
