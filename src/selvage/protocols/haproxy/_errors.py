"""What can be wrong with a PROXY header.  Floor 3; imports nothing of ours."""

from __future__ import annotations

__all__ = [
    "InvalidNetworkProtocol",
    "InvalidProxyHeader",
    "InvalidTLV",
    "MissingAddressData",
    "ProxyHeaderTimeout",
    "ProxyHeaderTooLong",
    "UntrustedProxy",
]


class InvalidProxyHeader(Exception):
    """The connection does not begin with a header of the PROXY protocol, or with a broken one.

    Twisted: `twisted.protocols.haproxy._exceptions.InvalidProxyHeader`.
    """


class InvalidNetworkProtocol(InvalidProxyHeader):
    """A header of version 1 names a protocol that is not TCP4, TCP6 or UNKNOWN."""


class MissingAddressData(InvalidProxyHeader):
    """A header ends before its addresses do."""


class InvalidTLV(InvalidProxyHeader):
    """What follows the addresses of a header of version 2 is broken: a value reaches beyond its end, or is no such value."""


class ProxyHeaderTooLong(InvalidProxyHeader):
    """A header is longer than any that a proxy has reason to send.

    Args:
        limit: most bytes that are taken.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"the header is longer than {self.limit} bytes"


class ProxyHeaderTimeout(InvalidProxyHeader):
    """The header was not complete in time.

    Args:
        seconds: how long it was waited for.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds

    def __str__(self) -> str:
        return f"no complete header within {self.seconds:g} seconds"


class UntrustedProxy(Exception):
    """Somebody connected who may not say on whose behalf.

    Args:
        trusted: the networks whose word counts.
    """

    def __init__(self, trusted: object) -> None:
        super().__init__(trusted)
        self.trusted = trusted

    def __str__(self) -> str:
        return f"the peer is not in {self.trusted!r}; if it is your proxy, name it in `trusted`"
