"""The client's side of an HTTP CONNECT request: bytes in, bytes out.  Floor 3.

HTTP's grammar is h11's; here is what a tunnel adds to it.  It knows no socket and no clock.

Source: RFC 9110 sections 9.3.6 (CONNECT), 11.7 (Proxy-Authorization); RFC 7617 (Basic).  A 2xx answer has no body,
whatever its header says (RFC 9110 section 8.6, RFC 9112 section 6.1).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

import h11

from selvage.endpoints._errors import (
    ProxyAuthenticationError,
    ProxyError,
    ProxyProtocolError,
    ProxyRefusedError,
)

__all__ = ["HTTPConnectHandshake"]

#: Octets of the answer's header, answers before the final one included.  What proxies send has some hundred.
HEADER_LIMIT_BYTES = 16 * 1024
#: Octets of a header field or a reason that a message shows.
_SHOWN = 120

_AUTHENTICATION_REQUIRED = 407
_SWITCHING_PROTOCOLS = 101
# What the handshake itself says, and what would give the request a body.
_RESERVED = {b"host", b"content-length", b"transfer-encoding", b"proxy-authorization"}


class HTTPConnectHandshake:
    """Ask a proxy for a tunnel.

    Args:
        proxy: how it is reached, for messages.
        host: an address, or a name of ASCII characters that the proxy is to look up.
        port: 1 to 65535.
        username: for Basic authentication, or None.
        password: the same.
        headers: more header fields for the proxy, as pairs.

    Attributes: as of `SOCKS5Handshake`.

    Raises:
        ValueError: a header field or the username is not one.
    """

    def __init__(
        self,
        proxy: str,
        host: str,
        port: int,
        username: str | None = None,
        password: str | None = None,
        headers: Iterable[tuple[str | bytes, str | bytes]] = (),
    ) -> None:
        self.stage = "request"
        self.finished = False
        self.rest = b""
        self._proxy = proxy
        self._target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        fields = [(b"Host", self._target.encode("ascii"))]
        if username is not None:
            fields.append((b"Proxy-Authorization", _basic(username, password or "")))
        fields += _checked(headers)
        self._received = 0
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_LIMIT_BYTES)
        try:
            request = h11.Request(method=b"CONNECT", target=self._target.encode("ascii"), headers=fields)
        except h11.LocalProtocolError as error:
            raise ValueError(f"a header field for the proxy is malformed: {error}") from error
        self._request = self._connection.send(request) or b""
        self._connection.send(h11.EndOfMessage())

    def start(self) -> bytes:
        """Return what to send first."""
        return self._request

    def receive_data(self, data: bytes) -> bytes:
        """Take what the proxy sent.

        Returns: what to send now, which is nothing.

        Raises:
            ProxyError: the proxy refuses, or talks nonsense.
        """
        if self.finished:
            self.rest += data
            return b""
        self._received += len(data)
        if data:  # h11 takes empty data for the end of the connection
            self._connection.receive_data(data)
        try:
            while not self.finished:
                event = self._connection.next_event()
                if event is h11.NEED_DATA:
                    break
                self._answered(event)
        except h11.RemoteProtocolError as error:
            raise self._error(ProxyProtocolError, f"the proxy broke the protocol: {error}") from error
        if self._received - len(self.rest) > HEADER_LIMIT_BYTES:
            raise self._error(
                ProxyProtocolError, f"the proxy's answer has more than {HEADER_LIMIT_BYTES} octets of header"
            )
        return b""

    def _answered(self, event: object) -> None:
        """Look at one answer; those before the final one say nothing."""
        if isinstance(event, h11.InformationalResponse):
            if event.status_code == _SWITCHING_PROTOCOLS:
                raise self._error(
                    ProxyProtocolError, "the proxy switches to a protocol that nobody asked for"
                )
            return
        assert isinstance(event, h11.Response)
        code = event.status_code
        if 200 <= code < 300:
            self.finished = True
            self.rest = self._connection.trailing_data[0]
            return
        said = f"the proxy answered {code} {event.reason[:_SHOWN].decode('latin-1')}".rstrip()
        if code == _AUTHENTICATION_REQUIRED:
            challenges = b", ".join(value for name, value in event.headers if name == b"proxy-authenticate")
            wants = f"; it wants {challenges[:_SHOWN].decode('latin-1')}" if challenges else ""
            raise self._error(ProxyAuthenticationError, said + wants)
        raise ProxyRefusedError(self.stage, self._proxy, self._target, said, code)

    def _error(self, kind: type[ProxyError], reason: str) -> ProxyError:
        return kind(self.stage, self._proxy, self._target, reason)


def _basic(username: str, password: str) -> bytes:
    if ":" in username:
        raise ValueError("a username for Basic authentication cannot have a colon in it")
    return b"Basic " + b64encode(f"{username}:{password}".encode())


def _checked(headers: Iterable[tuple[str | bytes, str | bytes]]) -> list[tuple[bytes, bytes]]:
    """Return header fields as bytes, unless one of them is the handshake's own."""
    fields = []
    for pair in headers:
        name, value = (text.encode("latin-1") if isinstance(text, str) else text for text in pair)
        if name.lower() in _RESERVED:
            raise ValueError(
                f"the header field {name.decode('latin-1')!r} is the handshake's own; leave it out"
            )
        fields.append((name, value))
    return fields
