"""What a stream connection can do with TLS: begin it at any time, and tell what was agreed on.  Floor 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zope.interface import alsoProvides

from selvage.errors import PlaintextBeforeTLSError
from selvage.failure import Failure
from selvage.interfaces import INegotiated

from ._states import NEW, OPEN, STARTED
from ._tls_limits import HANDSHAKE_TIMEOUT_S

if TYPE_CHECKING:
    from ._tls_creators import EngineMaker
    from ._tls_engine import TLSFacts
    from ._tls_transport import TLSTransport

__all__ = ["StartTLS"]


class StartTLS:
    """The part of a connection that is about TLS; see `_tls_transport.py` for how it works."""

    __slots__ = ()

    if TYPE_CHECKING:
        # All of these belong to the connection.
        _flags: int
        _state: int
        _flow: Any
        _transport: Any
        protocol: Any
        TLS: bool

        def _flush(self) -> None: ...
        def _abort(self, reason: Failure) -> None: ...

    #: Whether it is the client's side of a handshake, unless told otherwise.
    _tlsClientDefault = False

    @property
    def _tls_name(self) -> str | None:
        """For a client, the name that its server should have in its certificate."""
        return None

    def startTLS(
        self,
        contextFactory: Any,
        normal: bool = True,
        *,
        handshake_timeout: float | None = HANDSHAKE_TIMEOUT_S,
        server_hostname: str | None = None,
    ) -> None:
        """Go on with TLS; what was written before leaves in the clear first, what is written from now on is encrypted.

        What the peer sent in the clear and nobody has read yet must not pass for encrypted (it would be a stranger's to
        choose).  If the protocol holds any, TLS is not started: the connection ends with `PlaintextBeforeTLSError`.

        Args:
            contextFactory: an `ssl.SSLContext`, or whatever else `engine_maker` takes.
            normal: False to take the other side of the handshake than who connected has by custom.
            handshake_timeout: seconds for the peer to finish it; None for no end.
            server_hostname: for a client with an `ssl.SSLContext`, the name that the server has to have; by default the host
                that was connected to.

        Raises:
            RuntimeError: it is not connected yet.
            TypeError: `contextFactory` is nothing of the kind.  Whatever it raises itself is raised as well; then
                the connection is as before.
        """
        from ._tls_creators import engine_maker
        from ._tls_errors import peer_text

        if self._state == NEW:
            raise RuntimeError(
                f"{self!r} cannot start TLS: it is not connected yet; call startTLS() in connectionMade"
            )
        if self._state != OPEN:
            return  # closing: like what is written now, it comes too late
        make = engine_maker(contextFactory, self._tlsClientDefault == bool(normal), 2)
        layer = self._tls_layer(self._transport, handshake_timeout, server_hostname)
        layer.use(make(layer))
        if self._unread_plaintext():
            self._abort(
                Failure(
                    PlaintextBeforeTLSError(
                        "the peer sent more in the clear after the request", peer_text(self)
                    )
                )
            )
            return
        self._flush()
        below = self._transport
        held = None if self._flow is None else self._flow.take_held()
        reading = (
            not self._flags & STARTED or below.is_reading()
        )  # before it started, loops say this and that
        paused = not reading if held is None else not held.releasing
        self._transport = layer
        self.__dict__["TLS"] = True
        if not INegotiated.providedBy(self):
            alsoProvides(self, INegotiated)
        if paused:
            layer.pause_reading()
            if not reading:
                below.resume_reading()  # for the handshake
        layer.begin()
        if held is not None:
            # The peer may have begun the handshake already; if it went on in the clear instead, that fails as garbage does.
            layer.data_received(bytes(held.data))
            if held.eof and not layer.eof_received():
                layer.abort()

    def _tls_layer(
        self, below: Any, handshake_timeout: float | None, server_hostname: str | None
    ) -> TLSTransport:
        from ._tls_transport import TLSTransport

        connection: Any = self
        return TLSTransport(connection, below, handshake_timeout, server_hostname or self._tls_name)

    def _unread_plaintext(self) -> bytes:
        """Return what the protocol has received and not looked at, if it can tell."""
        take = getattr(self.protocol, "take_unread", None)
        unread: bytes = b"" if take is None else take()
        return unread

    def _secure(self, below: Any, make: EngineMaker, handshake_timeout: float | None) -> TLSTransport:
        """Return what stands between this connection, which has TLS from the start, and the loop's transport."""
        layer = self._tls_layer(below, handshake_timeout, None)
        layer.use(make(layer))
        self.__dict__["TLS"] = True
        return layer

    def _the_layer(self, asked: str) -> TLSTransport:
        if not self.TLS:
            raise AttributeError(f"{type(self).__name__} has no {asked} before TLS is started (startTLS)")
        layer: TLSTransport = self._transport
        return layer

    # --- What was agreed on; without TLS none of these names exists, as programs ask for them with hasattr -------------

    @property
    def getPeerCertificate(self) -> Callable[[], Any]:
        """Call it for the peer's certificate, None when it has shown none (yet).

        That is an `OpenSSL.crypto.X509`, as Twisted's programs know it; where pyOpenSSL is not installed, its DER.
        """
        from ._tls_transport import peer_certificate

        layer = self._the_layer("getPeerCertificate")
        return lambda: peer_certificate(layer.engine)

    @property
    def negotiatedProtocol(self) -> bytes | None:
        """The name of the protocol that ALPN chose; None when it chose none, or not yet."""
        return self._the_layer("negotiatedProtocol").engine.negotiated_protocol()

    @property
    def tls_facts(self) -> TLSFacts | None:
        """Version, cipher, protocol and certificate that were agreed on; None without TLS, or before the handshake is done."""
        return self._transport.facts() if self.TLS else None
