"""Servers with many names: each client gets the certificate of the name that it asks for (SNI).  Floor 2."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from selvage import _events
from selvage.failure import Failure, report
from selvage.interfaces import IOpenSSLServerConnectionCreator, implementer
from selvage.tls import _openssl
from selvage.tls._directory import with_wildcard
from selvage.tls._extra import openssl
from selvage.tls._options import CertificateOptions
from selvage.transports._tls_engine import OpenSSLEngine, StandardEngine

if TYPE_CHECKING:
    from selvage.transports._tls_engine import TLSEngine

__all__ = ["SNIConnectionCreator"]


@implementer(IOpenSSLServerConnectionCreator)
class SNIConnectionCreator:
    """A server whose certificate depends on the name that the client asks for.

    Args:
        _contextLookup: called with the name in ASCII, or None when the client names none; returns an `OpenSSL.SSL.Context`,
            or None for a name that is not served.  If it has a method `options_for(name)` that returns
            `CertificateOptions`, as `autoReloadingDirectoryOfPEMs(path)` has, that one is called instead.

    A name that is not served gets the alert "unrecognized name", never another host's certificate.

    Twisted: `twisted.protocols._sni.SNIConnectionCreator`.
    """

    def __init__(self, _contextLookup: Callable[[bytes | None], Any]) -> None:
        self._contextLookup = _contextLookup
        self._standard: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._contextLookup!r})"

    def make_tls_engine(self, tls_protocol: Any, is_client: bool) -> TLSEngine:
        """Make the engine of one connection; as `CertificateOptions.make_tls_engine`.

        Raises:
            TypeError: this is the client's side.
        """
        if is_client:
            raise TypeError(f"{self!r} is for servers; a client takes optionsForClientTLS(...)")
        overridden = type(self).serverConnectionForTLS is not SNIConnectionCreator.serverConnectionForTLS
        if overridden or not hasattr(self._contextLookup, "options_for"):
            return OpenSSLEngine(self.serverConnectionForTLS(tls_protocol), False)
        if self._standard is None:
            self._standard = CertificateOptions().standard_context(False)
            self._standard.sni_callback = self._named
        engine = StandardEngine(self._standard, False)
        # For the callback, which is told no more than the handle.
        engine.handle.tls_protocol = tls_protocol
        return engine

    def _named(self, handle: Any, name: str | None, context: ssl.SSLContext) -> int | None:
        """Go on with the certificate for the name that the client has asked for."""
        tls_protocol = handle.__dict__.pop("tls_protocol", None)
        asked = None if name is None else name.encode("ascii")
        try:
            options = self._contextLookup.options_for(asked)  # type: ignore[attr-defined]
            if options is None:
                return _not_served(asked, self)
            handle.context = options.standard_context(False, tls_protocol)
        except Exception:
            report(Failure(), "Unhandled error while choosing a certificate by name", source="context")
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        return None

    def serverConnectionForTLS(self, protocol: Any) -> Any:
        """Make the `OpenSSL.SSL.Connection` of a server.  Needs the extra `tls`.

        Args:
            protocol: the TLS protocol that will drive it.
        """
        library = openssl("SSL", "a connection of pyOpenSSL")

        def chosen(name: bytes | None) -> Any:
            context = with_wildcard(self._contextLookup, name)
            if context is None:
                _not_served(name, self)
            return library.Context(library.TLS_METHOD) if context is None else context

        options = CertificateOptions(contextForServerName=chosen)
        return _openssl.make_connection(options.getContext(), protocol, None)


def _not_served(name: bytes | None, creator: SNIConnectionCreator) -> int:
    _events.emit(
        "selvage.tls", "warn", "no server certificate for name {name!r}", name=name, log_source=creator
    )
    return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
