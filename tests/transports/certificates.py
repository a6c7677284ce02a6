"""An authority, certificates and contexts for tests of TLS; made once, as keys take a moment."""

from __future__ import annotations

import functools
import ssl
from typing import Any

import trustme
from zope.interface import implementer

from selvage.interfaces import IOpenSSLContextFactory

HOST = "localhost"


@functools.cache
def authority() -> trustme.CA:
    return trustme.CA()


@functools.cache
def certificate(*names: str, **options: Any) -> trustme.LeafCert:
    """A certificate for these names, `HOST` and 127.0.0.1 by default."""
    return authority().issue_cert(*(names or (HOST, "127.0.0.1")), **options)


def server_context(*names: str, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate(*names).configure_cert(made)
    # A peer that closes with tickets unread resets the connection, and what it sent last may be lost.
    made.num_tickets = 0
    if protocols:
        made.set_alpn_protocols(list(protocols))
    return made


def client_context(trusted: bool = True, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if trusted:
        authority().configure_trust(made)
    if protocols:
        made.set_alpn_protocols(list(protocols))
    return made


def trusting_nobody() -> ssl.SSLContext:
    """A client's context that takes every certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def openssl_server_context() -> Any:
    """The server's context, of pyOpenSSL."""
    from OpenSSL import SSL

    made = SSL.Context(SSL.TLS_METHOD)
    certificate().configure_cert(made)
    return made


def openssl_client_context() -> Any:
    """The client's context, of pyOpenSSL."""
    from OpenSSL import SSL

    made = SSL.Context(SSL.TLS_METHOD)
    authority().configure_trust(made)
    made.set_verify(SSL.VERIFY_PEER)
    return made


@implementer(IOpenSSLContextFactory)
class OpenSSLContext:
    """A context factory of the old kind, as programs for Twisted bring them."""

    def __init__(self, context: Any) -> None:
        self.context = context

    def getContext(self) -> Any:
        return self.context
