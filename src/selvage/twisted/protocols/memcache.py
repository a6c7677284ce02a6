"""`twisted.protocols.memcache`: a client of memcached."""

from selvage.protocols.memcache import (
    DEFAULT_PORT as DEFAULT_PORT,
    ClientError as ClientError,
    Command as Command,
    MemCacheProtocol as MemCacheProtocol,
    NoSuchCommand as NoSuchCommand,
    ServerError as ServerError,
)
