"""What a request says of its client, of the host that was asked for, and of who asks.  Floor 4."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, AnyStr

from selvage.addresses import IPv4Address, IPv6Address
from selvage.failure import Failure
from selvage.logger import Logger
from selvage.web._basic_credentials import basic_credentials

if TYPE_CHECKING:
    from selvage.interfaces import IAddress
    from selvage.web._headers import Headers

__all__ = ["RequestFacts"]


class RequestFacts:
    """The part of `Request` that looks at headers, cookies, addresses and credentials; it sends nothing."""

    _forceSSL: object = 0

    # What `Request` fills in.
    _log: Logger
    channel: Any
    client: IAddress
    host: IAddress
    requestHeaders: Headers
    received_cookies: dict[bytes, bytes]

    def getHeader(self, key: AnyStr) -> AnyStr | None:
        """Return the last value of a header, None when there is none."""
        values = self.requestHeaders.getRawHeaders(key)
        return values[-1] if values else None

    def getAllHeaders(self) -> dict[bytes, bytes]:
        """Return the last value of each header, by name in lower case."""
        return {name.lower(): values[-1] for name, values in self.requestHeaders.getAllRawHeaders()}

    def getCookie(self, key: bytes) -> bytes | None:
        """Return a cookie that the client sent, None when it did not."""
        return self.received_cookies.get(key)

    def getRequestHostname(self) -> bytes:
        """Return the host that the client asked for, without its port; empty when it does not say."""
        host = self.getHeader(b"host")
        if host:
            if host.startswith(b"["):
                return host[1:].partition(b"]")[0]
            return host.partition(b":")[0]
        return getattr(self.getHost(), "host", "").encode("ascii")

    def getHost(self) -> IAddress:
        """Return the address of this side of the connection, or what `setHost` said."""
        return self.host

    def setHost(self, host: bytes, port: int, ssl: object = 0) -> None:
        """Pretend that the request came to that host and port: for who stands behind a proxy.

        Args:
            ssl: whether it came over TLS.
        """
        self._forceSSL = ssl  # first, for isSecure
        default = 443 if self.isSecure() else 80
        self.requestHeaders.setRawHeaders(b"host", [host if port == default else b"%b:%d" % (host, port)])
        self.host = IPv4Address("TCP", host.decode("ascii"), port)

    def isSecure(self) -> bool:
        """Tell whether the request came over TLS; False once it is finished, unless `setHost` said so."""
        if self._forceSSL:
            return True
        return self.channel is not None and bool(self.channel.isSecure())

    def getClientAddress(self) -> IAddress:
        """Return the address of the other side; behind a proxy that is the proxy's."""
        return self.client

    def getClientIP(self) -> str | None:
        """Return the other side's IP address as text, None when it has none.  Deprecated: use `getClientAddress`."""
        warnings.warn(
            "twisted.web.http.Request.getClientIP was deprecated in Twisted 18.4.0; "
            "please use getClientAddress instead",
            DeprecationWarning,
            stacklevel=2,
        )
        if isinstance(self.client, (IPv4Address, IPv6Address)):
            return self.client.host
        return None

    def noLongerQueued(self) -> None:
        """Do nothing.  Deprecated: requests are answered one after the other."""
        warnings.warn(
            "twisted.web.http.Request.noLongerQueued was deprecated in Twisted 16.3.0",
            DeprecationWarning,
            stacklevel=2,
        )

    def getUser(self) -> bytes:
        """Return the name of basic authentication, empty when there is none."""
        return self._credentials()[0]

    def getPassword(self) -> bytes:
        """Return the password of basic authentication, empty when there is none."""
        return self._credentials()[1]

    def _credentials(self) -> tuple[bytes, bytes]:
        own = self.__dict__
        found: tuple[bytes, bytes] | None = own.get("_basic")
        if found is None:
            try:
                found = basic_credentials(self.getHeader(b"Authorization") or b"")
            except Exception:
                self._log.failure("Failed to parse basic authentication", Failure())
                found = b"", b""
            own["_basic"] = found
        return found
