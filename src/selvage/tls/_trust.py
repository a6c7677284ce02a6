"""Whom to trust: the authorities that may have signed the peer's certificate.  Floor 2."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

from selvage.interfaces import implementer
from selvage.interfaces._base import Interface, Protocol
from selvage.tls._certificates import CertBase, Certificate, certificate_der

__all__ = [
    "IOpenSSLTrustRoot",
    "OpenSSLCertificateAuthorities",
    "OpenSSLDefaultPaths",
    "platformTrust",
    "trustRootFromCertificates",
    "trust_root",
]


class IOpenSSLTrustRoot(Interface, Protocol):
    """Authorities, put into contexts.

    A class of your own is asked with contexts of pyOpenSSL, so it needs the extra `tls`.
    """

    def _addCACertsToContext(self, context: Any) -> object:
        """Let an `OpenSSL.SSL.Context` trust them."""


@implementer(IOpenSSLTrustRoot)
class OpenSSLCertificateAuthorities:
    """These authorities, and no others.

    Args:
        caCerts: certificates of any kind that `Certificate` takes.

    Twisted: `twisted.internet._sslverify.OpenSSLCertificateAuthorities`.
    """

    def __init__(self, caCerts: Iterable[Any]) -> None:
        self._certificates = [
            each if isinstance(each, Certificate) else Certificate(each) for each in caCerts
        ]

    def __len__(self) -> int:
        return len(self._certificates)

    @property
    def _caCerts(self) -> list[Any]:
        """The certificates as objects of pyOpenSSL."""
        return [certificate.original for certificate in self._certificates]

    def _addCACertsToContext(self, context: Any) -> None:
        store = context.get_cert_store()
        for certificate in self._caCerts:
            store.add_cert(certificate)

    def add_to(self, context: ssl.SSLContext) -> None:
        """Let a context of the standard library trust them."""
        if self._certificates:
            context.load_verify_locations(
                cadata=b"".join([certificate_der(certificate) for certificate in self._certificates])
            )


@implementer(IOpenSSLTrustRoot)
class OpenSSLDefaultPaths:
    """The authorities that this machine trusts, as OpenSSL finds them.

    The environment variables SSL_CERT_FILE and SSL_CERT_DIR move them, as everywhere with OpenSSL.

    Twisted: `twisted.internet.ssl.OpenSSLDefaultPaths`.
    """

    def _addCACertsToContext(self, context: Any) -> None:
        context.set_default_verify_paths()

    def add_to(self, context: ssl.SSLContext) -> None:
        """Let a context of the standard library trust them."""
        context.load_default_certs(
            ssl.Purpose.CLIENT_AUTH
            if context.protocol == ssl.PROTOCOL_TLS_SERVER
            else ssl.Purpose.SERVER_AUTH
        )


def platformTrust() -> OpenSSLDefaultPaths:
    """Return the authorities that this machine trusts.

    Twisted: `twisted.internet.ssl.platformTrust`.
    """
    return OpenSSLDefaultPaths()


def trustRootFromCertificates(certificates: Iterable[CertBase]) -> OpenSSLCertificateAuthorities:
    """Return a trust root of these certificates, and no others.

    Args:
        certificates: `Certificate`s, with their keys or without.

    Twisted: `twisted.internet.ssl.trustRootFromCertificates`.
    """
    given = list(certificates)
    for certificate in given:
        if not isinstance(certificate, CertBase):
            raise TypeError("certificates items must be twisted.internet.ssl.CertBase instances")
    return OpenSSLCertificateAuthorities(given)


def trust_root(given: Any) -> Any:
    """Return what was given as a trust root; a `Certificate` is the only authority then.

    Raises:
        TypeError: it is none.
    """
    if isinstance(given, Certificate):
        return OpenSSLCertificateAuthorities([given])
    adapt: Any = IOpenSSLTrustRoot
    return adapt(given)
