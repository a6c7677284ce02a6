"""The same lines over TLS, by each of the engines."""

from __future__ import annotations

import os
from typing import Any

from selvage.protocols import Factory
from selvage.tls import DefaultOpenSSLContextFactory, KeyPair, PrivateCertificate
from tests.soak.hurry import PATIENCE_S
from tests.soak.served.lines import Conversation

__all__ = ["listen", "make_certificate"]


def make_certificate(folder: str) -> PrivateCertificate:
    """Make the service's certificate, and leave it and its key as `server.pem`."""
    certificate = KeyPair.generate().selfSignedCert(1, CN="localhost")
    with open(os.path.join(folder, "server.pem"), "wb") as file:
        file.write(certificate.dumpPEM())
    return certificate


def listen(reactor: Any, folder: str, certificate: PrivateCertificate) -> dict[str, Any]:
    """Listen; return where."""
    factory = Factory.forProtocol(Conversation)
    factory.noisy = False
    path = os.path.join(folder, "server.pem")
    contexts = {"tls": certificate.options(), "pyopenssl": DefaultOpenSSLContextFactory(path, path)}
    return {
        name: reactor.listenSSL(
            0, factory, context, backlog=200, interface="127.0.0.1", handshake_timeout=PATIENCE_S
        )
        .getHost()
        .port
        for name, context in contexts.items()
    }
