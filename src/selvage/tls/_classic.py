"""Context factories of the old kind, which hand out contexts of pyOpenSSL.  Floor 2."""

from __future__ import annotations

import ssl
from typing import Any

from selvage.interfaces import IOpenSSLContextFactory, implementer
from selvage.tls._extra import openssl
from selvage.tls._versions import DEFAULT_MINIMUM, TLS_METHOD, version_flags

__all__ = ["ClientContextFactory", "ContextFactory", "DefaultOpenSSLContextFactory"]

_WHAT = "a context of pyOpenSSL"


@implementer(IOpenSSLContextFactory)
class ContextFactory:
    """The base of what makes TLS contexts; one of your own derives from it, or implements `IOpenSSLContextFactory`.

    Twisted: `twisted.internet.ssl.ContextFactory`.
    """

    isClient = 0

    def getContext(self) -> Any:
        """Return an `OpenSSL.SSL.Context` or an `ssl.SSLContext`."""
        raise NotImplementedError


class DefaultOpenSSLContextFactory(ContextFactory):
    """A server's context from two files.  Rather use `PrivateCertificate.loadPEM(...).options()`.

    Args:
        privateKeyFileName: the private key, in PEM.
        certificateFileName: the certificate, in PEM.
        sslmethod: a method of pyOpenSSL.

    Raises:
        OpenSSL.SSL.Error: a file cannot be read.

    Twisted: `twisted.internet.ssl.DefaultOpenSSLContextFactory`.
    """

    _context: Any = None

    def __init__(
        self,
        privateKeyFileName: str,
        certificateFileName: str,
        sslmethod: int = TLS_METHOD,
        _contextFactory: Any = None,
    ) -> None:
        self.privateKeyFileName = privateKeyFileName
        self.certificateFileName = certificateFileName
        self.sslmethod = sslmethod
        self._contextFactory = _contextFactory
        # So that a mistake is found now and not with the first connection.
        self.cacheContext()

    def cacheContext(self) -> None:
        """Make the context, if there is none yet."""
        if self._context is None:
            context = (self._contextFactory or openssl("SSL", _WHAT).Context)(self.sslmethod)
            # Versions below 1.2 go, and a second handshake within a connection.
            context.set_options(version_flags(DEFAULT_MINIMUM, None) | int(ssl.OP_NO_RENEGOTIATION))
            context.use_certificate_file(self.certificateFileName)
            context.use_privatekey_file(self.privateKeyFileName)
            self._context = context

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_context", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state

    def getContext(self) -> Any:
        """Return the context; always the same."""
        self.cacheContext()
        return self._context


@implementer(IOpenSSLContextFactory)
class ClientContextFactory:
    """A client's context that verifies nothing.  Rather use `optionsForClientTLS`.

    Twisted: `twisted.internet.ssl.ClientContextFactory`.
    """

    isClient = 1

    #: TLS 1.2 or higher.
    method = TLS_METHOD

    _contextFactory: Any = None

    def getContext(self) -> Any:
        """Return a new context."""
        context = (self._contextFactory or openssl("SSL", _WHAT).Context)(self.method)
        context.set_options(version_flags(DEFAULT_MINIMUM, None))
        return context
