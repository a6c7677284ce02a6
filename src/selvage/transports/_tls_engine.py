"""One side of one TLS connection as bytes in and bytes out, by one of two libraries.  Floor 2.

`StandardEngine` is the standard `ssl` module and needs nothing installed.  `OpenSSLEngine` is for programs that bring
connections of pyOpenSSL; its calls go through cffi, which costs more.  Neither knows sockets, clocks or protocols.

An engine raises what its library raises (`errors` names the classes); `_tls_errors.py` turns that into errors of ours.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["RECORD_SIZE", "OpenSSLEngine", "StandardEngine", "TLSEngine", "TLSFacts"]

#: The most plaintext that one record holds, in bytes (RFC 8446 section 5.1), so that one read takes a record whole.
RECORD_SIZE = 16384

#: Ciphertext taken from pyOpenSSL at once, in bytes; what waits is taken in several pieces.
_BIO_READ_SIZE = 65536


@dataclass(frozen=True, slots=True)
class TLSFacts:
    """What two sides agreed on.

    Attributes:
        version: as "TLSv1.3".
        cipher: the suite's name as OpenSSL spells it.
        negotiated_protocol: the name that ALPN chose, None when it chose none.
        peer_certificate: the peer's certificate as DER, None when it showed none.
        server_name: the name that the client asked for, None when it named none or it is not known.
    """

    version: str | None
    cipher: str | None
    negotiated_protocol: bytes | None
    peer_certificate: bytes | None
    server_name: str | None


class TLSEngine(Protocol):
    """What a session needs of a TLS library."""

    #: The library's own object: an `ssl.SSLObject` or an `OpenSSL.SSL.Connection`.
    handle: Any
    #: The classes of what the library raises when TLS fails.
    errors: tuple[type[Exception], ...]
    #: Whether this is the client's side.
    is_client: bool
    #: Whether the peer has said goodbye (close_notify): nothing more can be read.
    ended: bool

    def handshake(self) -> bool:
        """Go on with the handshake as far as what was fed allows; True when it is done."""

    def feed(self, data: bytes, /) -> object:
        """Take ciphertext from the peer."""

    def read(self) -> bytes:
        """Return the plaintext of the next record; empty when a whole one has not come yet, or the peer has `ended`."""

    def fed(self) -> int:
        """Return how much ciphertext was fed and not looked at; above 0, another `read` may have a result."""

    def write(self, data: bytes | memoryview) -> int:
        """Encrypt; returns how many bytes were taken, 0 while something from the peer has to come first."""

    def take(self) -> bytes:
        """Return ciphertext for the peer, empty when there is none."""

    def goodbye(self) -> None:
        """Tell the peer that nothing more will be written; it may still send."""

    def facts(self) -> TLSFacts:
        """Return what was agreed on; not sensible before the handshake is done."""

    def negotiated_protocol(self) -> bytes | None:
        """Return the name that ALPN chose."""

    def peer_certificate(self) -> bytes | None:
        """Return the peer's certificate as DER, None when it showed none (yet)."""


class StandardEngine:
    """TLS by the standard `ssl` module.

    Args:
        context: how to; it is only read.
        server_hostname: for a client, the name to ask for and to check; None for neither.
    """

    errors: tuple[type[Exception], ...] = (ssl.SSLError, ssl.CertificateError)

    __slots__ = ("_incoming", "ended", "feed", "handle", "is_client", "take")

    def __init__(self, context: ssl.SSLContext, is_client: bool, server_hostname: str | None = None) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.handle: Any = context.wrap_bio(
            incoming,
            outgoing,
            server_side=not is_client,
            server_hostname=server_hostname if is_client else None,
        )
        self.is_client = is_client
        self.ended = False
        self._incoming = incoming
        # Bound once: no frame of ours for what is one call of the library's.
        self.feed = incoming.write
        self.take = outgoing.read

    def handshake(self) -> bool:
        """As `TLSEngine.handshake`."""
        try:
            self.handle.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def read(self) -> bytes:
        """As `TLSEngine.read`."""
        try:
            data: bytes = self.handle.read(RECORD_SIZE)
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLZeroReturnError:
            data = b""
        if not data:
            self.ended = True
        return data

    def fed(self) -> int:
        """As `TLSEngine.fed`."""
        return self._incoming.pending

    def write(self, data: bytes | memoryview) -> int:
        """As `TLSEngine.write`."""
        try:
            taken: int = self.handle.write(data)
        except ssl.SSLWantReadError:
            return 0
        return taken

    def goodbye(self) -> None:
        """As `TLSEngine.goodbye`."""
        try:
            self.handle.unwrap()
        except ssl.SSLWantReadError:
            pass  # ours is in the output, the peer's has not come
        except ssl.SSLError as exc:
            # With input that nobody read, OpenSSL says so instead of waiting; ours is in the output all the same.
            if exc.reason not in ("APPLICATION_DATA_AFTER_CLOSE_NOTIFY", "SHUTDOWN_WHILE_IN_INIT"):
                raise

    def facts(self) -> TLSFacts:
        """As `TLSEngine.facts`."""
        cipher = self.handle.cipher()
        return TLSFacts(
            self.handle.version(),
            None if cipher is None else cipher[0],
            self.negotiated_protocol(),
            self.peer_certificate(),
            self.handle.server_hostname,
        )

    def negotiated_protocol(self) -> bytes | None:
        """As `TLSEngine.negotiated_protocol`."""
        chosen: str | None = self.handle.selected_alpn_protocol()
        return None if chosen is None else chosen.encode("latin-1")

    def peer_certificate(self) -> bytes | None:
        """As `TLSEngine.peer_certificate`."""
        try:
            shown: bytes | None = self.handle.getpeercert(binary_form=True)
        except ValueError:  # the handshake is not done
            return None
        return shown


class OpenSSLEngine:
    """TLS by a connection of pyOpenSSL, which was made without a socket.

    Args:
        connection: an `OpenSSL.SSL.Connection`, or what behaves like one.
    """

    __slots__ = ("_again", "_zero", "ended", "errors", "handle", "is_client")

    def __init__(self, connection: Any, is_client: bool) -> None:
        from OpenSSL import SSL

        self.handle: Any = connection
        self.is_client = is_client
        self.ended = False
        self.errors: tuple[type[Exception], ...] = (SSL.Error,)
        self._again: Any = (SSL.WantReadError, SSL.WantWriteError)
        self._zero: Any = SSL.ZeroReturnError
        if is_client:
            connection.set_connect_state()
        else:
            connection.set_accept_state()

    def handshake(self) -> bool:
        """As `TLSEngine.handshake`."""
        try:
            self.handle.do_handshake()
        except self._again:
            return False
        return True

    def feed(self, data: bytes, /) -> None:
        """As `TLSEngine.feed`."""
        self.handle.bio_write(data)

    def read(self) -> bytes:
        """As `TLSEngine.read`."""
        try:
            data: bytes = self.handle.recv(RECORD_SIZE)
        except self._again:
            return b""
        except self._zero:
            self.ended = True
            return b""
        return data

    def fed(self) -> int:
        """As `TLSEngine.fed`; pyOpenSSL does not tell, so it has to be tried."""
        return 1

    def write(self, data: bytes | memoryview) -> int:
        """As `TLSEngine.write`."""
        try:
            # It takes one record, however much it is given; what it is given is copied each time.
            taken: int = self.handle.send(bytes(data[:RECORD_SIZE]))
        except self._again:
            return 0
        return taken

    def take(self) -> bytes:
        """As `TLSEngine.take`."""
        pieces: list[bytes] = []
        while not pieces or len(pieces[-1]) == _BIO_READ_SIZE:
            try:
                pieces.append(self.handle.bio_read(_BIO_READ_SIZE))
            except self._again:
                break
        return b"".join(pieces)

    def goodbye(self) -> None:
        """As `TLSEngine.goodbye`."""
        try:
            self.handle.shutdown()
        except self._again:
            pass

    def facts(self) -> TLSFacts:
        """As `TLSEngine.facts`."""
        name = self.handle.get_servername()
        return TLSFacts(
            self.handle.get_protocol_version_name(),
            self.handle.get_cipher_name(),
            self.negotiated_protocol(),
            self.peer_certificate(),
            None if name is None else name.decode("latin-1"),
        )

    def negotiated_protocol(self) -> bytes | None:
        """As `TLSEngine.negotiated_protocol`."""
        return self.handle.get_alpn_proto_negotiated() or None

    def peer_certificate(self) -> bytes | None:
        """As `TLSEngine.peer_certificate`."""
        shown = self.handle.get_peer_certificate()
        if shown is None:
            return None
        from OpenSSL.crypto import FILETYPE_ASN1, dump_certificate

        der: bytes = dump_certificate(FILETYPE_ASN1, shown)
        return der
