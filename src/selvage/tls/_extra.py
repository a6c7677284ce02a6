"""The two packages of the extra `tls`, imported where they are used and not before.  Floor 2.

Without them the standard `ssl` module does all the work there is for it: contexts, handshakes, verification.  What it
cannot do (make keys, sign requests, hand out pyOpenSSL objects) asks here, and says what to install.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["cryptography", "openssl", "service_identity"]


def _imported(module: str, package: str, what: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{what} needs {package}, which is not installed; it comes with: pip install 'selvage[tls]'",
            name=error.name,
        ) from error


def openssl(module: str, what: str) -> Any:
    """Return `OpenSSL.SSL` or `OpenSSL.crypto`.

    Args:
        module: "SSL" or "crypto".
        what: what it is for, as the message says it.

    Raises:
        ImportError: pyOpenSSL is not installed.
    """
    return _imported(f"OpenSSL.{module}", "pyOpenSSL", what)


def cryptography(module: str, what: str) -> Any:
    """Return a module of the package `cryptography`, such as "x509"; as `openssl`."""
    return _imported(f"cryptography.{module}", "cryptography", what)


def service_identity(module: str, what: str) -> Any:
    """Return a module of the package `service_identity`, such as "hazmat"; as `openssl`."""
    return _imported(f"service_identity.{module}", "service-identity", what)
