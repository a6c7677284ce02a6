"""The client's side of a SOCKS5 handshake: bytes in, bytes out.  Floor 3.

The conversation is a generator that says how many bytes it needs next; so where the peer's bytes are cut makes no
difference.  It knows no socket and no clock.

Source: RFC 1928 sections 3 to 6, RFC 1929.  Why no library: `socksio`, the one made this way, takes whole messages only
(cutting them out of the stream is most of the work), drops the reply codes it does not know, and had its last release
in 2020.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator

from selvage.endpoints._errors import (
    ProxyAuthenticationError,
    ProxyError,
    ProxyProtocolError,
    ProxyRefusedError,
)

__all__ = ["SOCKS5Handshake"]

_VERSION = 5
_AUTHENTICATION_VERSION = 1
_CONNECT = 1
_NO_AUTHENTICATION, _PASSWORD, _NO_ACCEPTABLE_METHOD = 0, 2, 255
_IPV4, _NAME, _IPV6 = 1, 3, 4
_ADDRESS_SIZES = {_IPV4: 4, _IPV6: 16}
#: Octets of a name, user or password: their length is one octet.
LIMIT_OCTETS = 255

_REPLIES = {
    1: "general failure of the proxy",
    2: "the proxy's rules do not allow the connection",
    3: "the network is unreachable",
    4: "the host is unreachable, or its name has no address",
    5: "the host refused the connection",
    6: "the time to live expired on the way",
    7: "the proxy does not support connecting",
    8: "the proxy does not support this type of address",
}


class SOCKS5Handshake:
    """Ask a proxy for a connection.

    Args:
        proxy: how it is reached, for messages.
        host: an address, or a name of ASCII characters that the proxy is to look up.
        port: 1 to 65535.
        username: at most 255 octets in UTF-8, or None.
        password: the same.

    Attributes:
        stage: how far it is.
        finished: whether the connection stands.
        rest: what came after the proxy's answer; it belongs to the target's protocol.

    Raises:
        ValueError: something is longer than SOCKS5 can say.
    """

    def __init__(
        self, proxy: str, host: str, port: int, username: str | None = None, password: str | None = None
    ) -> None:
        self.stage = "greeting"
        self.finished = False
        self.rest = b""
        self._proxy = proxy
        self._target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._destination = _encoded_host(host) + port.to_bytes(2, "big")
        self._credentials: bytes | None = None
        if username is not None:
            self._credentials = _counted("username", username) + _counted("password", password or "")
        self._received = bytearray()
        self._sending = b""
        self._conversation = self._converse()
        self._needed = next(self._conversation)

    def start(self) -> bytes:
        """Return what to send first."""
        sending, self._sending = self._sending, b""
        return sending

    def receive_data(self, data: bytes) -> bytes:
        """Take what the proxy sent.

        Returns: what to send now; often nothing.

        Raises:
            ProxyError: the proxy refuses, or talks nonsense.
        """
        self._received += data
        while not self.finished and len(self._received) >= self._needed:
            message = bytes(self._received[: self._needed])
            del self._received[: self._needed]
            try:
                self._needed = self._conversation.send(message)
            except StopIteration:
                self.finished = True
        if self.finished:
            self.rest += bytes(self._received)
            self._received.clear()
        return self.start()

    def _converse(self) -> Generator[int, bytes, None]:
        """The whole conversation: yields how many octets it needs, is sent them."""
        methods = [_NO_AUTHENTICATION] if self._credentials is None else [_NO_AUTHENTICATION, _PASSWORD]
        self._sending = bytes([_VERSION, len(methods), *methods])
        version, method = yield 2
        self._expect(
            version == _VERSION, f"its answer begins with {bytes([version, method])!r}, which is no SOCKS5"
        )
        if method == _NO_ACCEPTABLE_METHOD:
            wants = (
                "a username and password" if self._credentials is None else "another kind of authentication"
            )
            raise self._error(ProxyAuthenticationError, f"the proxy wants {wants}")
        self._expect(method in methods, f"it chose the method {method}, which was not offered")
        if method == _PASSWORD:
            assert self._credentials is not None
            self.stage = "authentication"
            self._sending += bytes([_AUTHENTICATION_VERSION]) + self._credentials
            version, status = yield 2
            self._expect(
                version == _AUTHENTICATION_VERSION, f"version {version} of authentication is not known"
            )
            if status:
                raise self._error(
                    ProxyAuthenticationError, "the proxy does not accept the username and password"
                )
        self.stage = "request"
        # Behind what waits to be sent: a proxy may answer before it was asked.
        self._sending += bytes([_VERSION, _CONNECT, 0]) + self._destination
        version, code, reserved, kind = yield 4
        self._expect(version == _VERSION and reserved == 0, "its reply is malformed")
        if code:
            reason = _REPLIES.get(code, "the proxy gives a reason that SOCKS5 does not know")
            raise ProxyRefusedError(self.stage, self._proxy, self._target, f"{reason} (code {code})", code)
        if kind == _NAME:
            (size,) = yield 1
        else:
            self._expect(kind in _ADDRESS_SIZES, f"its reply has an address of the unknown type {kind}")
            size = _ADDRESS_SIZES[kind]
        yield size + 2  # the proxy's own address and port: nothing that a client needs

    def _error(self, kind: type[ProxyError], reason: str) -> ProxyError:
        return kind(self.stage, self._proxy, self._target, reason)

    def _expect(self, condition: bool, otherwise: str) -> None:
        if not condition:
            raise self._error(ProxyProtocolError, f"the proxy broke the protocol: {otherwise}")


def _encoded_host(host: str) -> bytes:
    """Return type and octets of a host, as they stand in a request."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bytes([_NAME]) + _counted("host", host)
    if getattr(address, "scope_id", None):
        raise ValueError(f"SOCKS5 cannot say the zone of {host!r}, and a zone means nothing to the proxy")
    return bytes([_IPV4 if address.version == 4 else _IPV6]) + address.packed


def _counted(what: str, text: str) -> bytes:
    octets = text.encode("utf-8")
    if not 0 < len(octets) <= LIMIT_OCTETS:
        raise ValueError(f"the {what} for SOCKS5 has to have 1 to {LIMIT_OCTETS} octets, not {len(octets)}")
    return bytes([len(octets)]) + octets
