"""What can go wrong on the way to a host: an address that is not allowed, a proxy that does not help.  Floor 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage.errors import ConnectError

__all__ = [
    "AddressForbiddenError",
    "ProxyAuthenticationError",
    "ProxyConnectionError",
    "ProxyError",
    "ProxyProtocolError",
    "ProxyRefusedError",
    "ProxyTimeoutError",
]

# What pickling wants to know.
_Reduced = tuple[Callable[..., object], tuple[object, ...], dict[str, Any]]


class AddressForbiddenError(ConnectError):
    """A name has addresses, and the caller's `address_filter` allows none of them.

    Args:
        host: the name.
        addresses: what it stands for, as text.
    """

    def __init__(self, host: str, addresses: tuple[str, ...]) -> None:
        super().__init__()
        self.host = host
        self.addresses = addresses

    def __str__(self) -> str:
        return f"{self.host!r} stands for {', '.join(self.addresses)}, which address_filter does not allow"

    def __reduce__(self) -> _Reduced:
        return type(self), (self.host, self.addresses), self.__dict__


class ProxyError(ConnectError):
    """No way through a proxy; the base of every reason for that.

    Args:
        stage: how far it came: "connect" (to the proxy), "resolve" (the target's name), "greeting", "authentication"
            or "request".
        proxy: how the proxy is reached, for people.
        target: host and port beyond it.
        reason: what happened.
    """

    def __init__(self, stage: str, proxy: str, target: str, reason: str) -> None:
        super().__init__()
        self.stage = stage
        self.proxy = proxy
        self.target = target
        self.reason = reason

    def __str__(self) -> str:
        return f"No connection to {self.target} through the proxy {self.proxy} ({self.stage}): {self.reason}"

    def __reduce__(self) -> _Reduced:
        return type(self), (self.stage, self.proxy, self.target, self.reason), self.__dict__


class ProxyConnectionError(ProxyError):
    """The proxy could not be reached, or closed the connection before it had answered."""


class ProxyTimeoutError(ProxyError):
    """The deadline passed before the proxy was reached and had answered."""


class ProxyAuthenticationError(ProxyError):
    """The proxy wants a name and a password, or others than were given."""


class ProxyProtocolError(ProxyError):
    """What the proxy sent is no answer."""


class ProxyRefusedError(ProxyError):
    """The proxy answered no: it may not, or cannot, connect to the target.

    Args:
        code: SOCKS5's reply code, or HTTP's status code.
    """

    def __init__(self, stage: str, proxy: str, target: str, reason: str, code: int) -> None:
        super().__init__(stage, proxy, target, reason)
        self.code = code

    def __reduce__(self) -> _Reduced:
        return type(self), (self.stage, self.proxy, self.target, self.reason, self.code), self.__dict__
