"""Names that are looked for when somebody asks: they belong to packages of the extra `tls`, or should not be used.  Floor 2."""

from __future__ import annotations

import warnings
from typing import Any

from selvage.errors import PeerCertificateError
from selvage.tls._extra import openssl, service_identity
from selvage.tls._negotiation import ProtocolNegotiationSupport

__all__ = ["__getattr__"]


def _library() -> Any:
    """Return the module `OpenSSL.SSL`, which programs reach through `twisted.internet.ssl`."""
    return openssl("SSL", "OpenSSL.SSL")


def _verification_error() -> Any:
    """Return what programs of Twisted catch when a certificate is another host's."""
    try:
        return service_identity("exceptions", "VerificationError").VerificationError
    except ImportError:
        # Without that package no error can be one of its errors, and this one is what a wrong host fails with.
        return PeerCertificateError


def _negotiation() -> Any:
    warnings.warn(
        "twisted.internet.ssl.ProtocolNegotiationSupport was deprecated in Twisted 26.10.0: All supported TLS backends "
        "provide ALPN. There is no need to check for support.",
        DeprecationWarning,
        stacklevel=3,
    )
    return ProtocolNegotiationSupport


_LATE = {
    "SSL": _library,
    "VerificationError": _verification_error,
    "ProtocolNegotiationSupport": _negotiation,
}


def __getattr__(name: str) -> Any:
    find = _LATE.get(name)
    if find is None:
        raise AttributeError(f"there is no {name!r} in the module for TLS")
    try:
        return find()
    except ImportError as error:
        raise AttributeError(f"there is no {name!r} here: {error}") from error
