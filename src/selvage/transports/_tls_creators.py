"""From what a program gives as its TLS configuration to what makes the engine of each connection.  Floor 2."""

from __future__ import annotations

import ssl
import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

from selvage._hostnames import ascii_name
from selvage.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLContextFactory,
    IOpenSSLServerConnectionCreator,
)

from ._tls_engine import OpenSSLEngine, StandardEngine, TLSEngine

__all__ = ["EngineMaker", "LegacyContextFactoryWarning", "SomeConnectionCreator", "engine_maker"]

#: What may be given to configure TLS, besides objects that only have a `getContext` or a `make_tls_engine`.
SomeConnectionCreator: TypeAlias = (
    IOpenSSLClientConnectionCreator
    | IOpenSSLServerConnectionCreator
    | IOpenSSLContextFactory
    | ssl.SSLContext
)

#: Told the TLS protocol that will drive it, makes the engine of one connection.
EngineMaker = Callable[[Any], TLSEngine]

_ACCEPTED = (
    "TLS is configured by an ssl.SSLContext, by the options of selvage.tls (twisted.internet.ssl), by what provides "
    "IOpenSSLClientConnectionCreator or IOpenSSLServerConnectionCreator, or by an object whose getContext() returns a context"
)


class LegacyContextFactoryWarning(Warning):
    """What was given to configure TLS does not say by an interface that it can."""


def engine_maker(contextFactory: Any, isClient: bool, stacklevel: int = 1) -> EngineMaker:
    """Return what makes the TLS engine of each connection.

    Args:
        contextFactory: an object with `make_tls_engine(tlsProtocol, isClient)`; or an `ssl.SSLContext`; or a provider of
            `IOpenSSLClientConnectionCreator` or `IOpenSSLServerConnectionCreator`, whichever side this is; or an object whose
            `getContext()` returns an `OpenSSL.SSL.Context` or an `ssl.SSLContext`, which is asked once, now.
        isClient: which side of the handshake.
        stacklevel: as for `warnings.warn`: whose line a warning names; 1 is that of `engine_maker`'s caller.

    Returns: a function that takes the TLS protocol.  One made for an `ssl.SSLContext` asks it for `server_hostname`.

    Raises:
        TypeError: it is none of these.  Whatever `getContext()` raises is raised as well.
    """
    if hasattr(contextFactory, "make_tls_engine"):
        return lambda tls_protocol: contextFactory.make_tls_engine(tls_protocol, isClient)
    if isinstance(contextFactory, ssl.SSLContext):
        return _from_standard(contextFactory, isClient)
    if isClient and IOpenSSLClientConnectionCreator.providedBy(contextFactory):
        return lambda tls_protocol: OpenSSLEngine(contextFactory.clientConnectionForTLS(tls_protocol), True)
    if not isClient and IOpenSSLServerConnectionCreator.providedBy(contextFactory):
        return lambda tls_protocol: OpenSSLEngine(contextFactory.serverConnectionForTLS(tls_protocol), False)
    if not IOpenSSLContextFactory.providedBy(contextFactory):
        _warn_of_no_interface(contextFactory, isClient, stacklevel + 2)
    return _from_get_context(contextFactory, isClient)


def _warn_of_no_interface(given: Any, is_client: bool, stacklevel: int) -> None:
    side = "Client" if is_client else "Server"
    warnings.warn(
        f"{given!r} does not explicitly provide any OpenSSL connection-creator {side} interface; "
        f"neither IOpenSSL{side}ConnectionCreator, nor IOpenSSLContextFactory.",
        category=LegacyContextFactoryWarning,
        stacklevel=stacklevel,
    )


def _from_get_context(factory: Any, is_client: bool) -> EngineMaker:
    if not hasattr(factory, "getContext"):
        error = TypeError(f"{factory!r} does not even have a `getContext` method")
        error.add_note(_ACCEPTED)
        raise error
    context = factory.getContext()
    if isinstance(context, ssl.SSLContext):
        return _from_standard(context, is_client)
    # Who returns a context of pyOpenSSL has imported it.
    library = sys.modules.get("OpenSSL.SSL")
    if library is None or not isinstance(context, library.Context):
        error = TypeError(f"{factory!r}'s `getContext` method doesn't return a `Context`")
        error.add_note(f"it returned {context!r}; {_ACCEPTED}")
        raise error
    return lambda tls_protocol: OpenSSLEngine(_connection(library, context, tls_protocol), is_client)


def _connection(library: Any, context: Any, tls_protocol: Any) -> Any:
    connection = library.Connection(context, None)
    # Callbacks of the context are handed the connection, and find what drives it here.
    connection.set_app_data(tls_protocol)
    return connection


def _from_standard(context: ssl.SSLContext, is_client: bool) -> EngineMaker:
    if context.protocol == (ssl.PROTOCOL_TLS_SERVER if is_client else ssl.PROTOCOL_TLS_CLIENT):
        needed = "ssl.PROTOCOL_TLS_CLIENT" if is_client else "ssl.PROTOCOL_TLS_SERVER"
        raise ValueError(
            f"{context!r} is for the other side of TLS: this side is the {'client' if is_client else 'server'}, "
            f"whose context is made with {needed}"
        )

    def make(tls_protocol: Any) -> TLSEngine:
        name = getattr(tls_protocol, "server_hostname", None) if is_client else None
        if context.check_hostname and not name and is_client:
            raise ValueError(
                f"{context!r} checks the server's name, and nobody said what it is: pass server_hostname=..., or set "
                "check_hostname to False in the context to do without"
            )
        return StandardEngine(context, is_client, ascii_name(name).removesuffix(".") if name else None)

    return make
