"""Certificates and keys as bytes: PEM taken apart and put together, and what the standard library says of them.  Floor 2.

Source: RFC 7468 for PEM.  As OpenSSL does, what stands between the blocks is skipped, and lines may be indented.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = [
    "MAX_PEM_BYTES",
    "certificate_facts",
    "certificate_pem",
    "certificates_in",
    "file_of",
    "key_in",
    "mismatch",
]

#: Bytes of one PEM file.  The platform's bundle of all authorities has 220 KiB; ten times that is no certificate.
MAX_PEM_BYTES = 4 * 1024 * 1024

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_CERTIFICATE_LABELS = {b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE"}


def _blocks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield label and whole text of each block."""
    if len(data) > MAX_PEM_BYTES:
        raise ValueError(f"{len(data)} bytes of PEM are too many: {MAX_PEM_BYTES} is the most")
    for found in _BLOCK.finditer(data):
        yield found[1], found[0]


def certificates_in(data: bytes) -> list[bytes]:
    """Return the certificates in PEM text, each in DER, in order.

    Raises:
        ValueError: one of them is broken.
    """
    found: list[bytes] = []
    for label, block in _blocks(data):
        if label not in _CERTIFICATE_LABELS:
            continue
        try:
            der = base64.b64decode(b"".join(block.split(b"\n")[1:-1]))
        except binascii.Error as error:
            raise ValueError(f"certificate {len(found) + 1} in this PEM text is broken: {error}") from None
        found.append(checked(der))
    return found


def key_in(data: bytes) -> bytes | None:
    """Return the first private key in PEM text, as PEM, or None.

    Raises:
        ValueError: it is encrypted, and nobody is there to type the passphrase.
    """
    for label, block in _blocks(data):
        if not label.endswith(b"PRIVATE KEY"):
            continue
        text = b"\n".join(line.strip() for line in block.splitlines()) + b"\n"
        if b"ENCRYPTED" in label or b"\nProc-Type: 4,ENCRYPTED" in text:
            raise ValueError(
                "the private key is encrypted, and a server has nobody to ask for the passphrase; "
                "store it without one: openssl pkey -in KEY -out PLAIN"
            )
        return text
    return None


def checked(der: bytes) -> bytes:
    """Return what was given if it is a certificate.

    Raises:
        ValueError: it is none.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=der)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(f"these {len(der)} bytes are not a certificate: {error}") from None
    return der


def certificate_pem(der: bytes) -> bytes:
    """Return a certificate as PEM."""
    text = base64.b64encode(der)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return b"-----BEGIN CERTIFICATE-----\n" + b"\n".join(lines) + b"\n-----END CERTIFICATE-----\n"


@contextmanager
def file_of(data: bytes) -> Iterator[str]:
    """Lend a path where `data` can be read: the standard library takes certificates and keys from files only.

    The file is in memory where the system has such files, so that a key does not touch the disk; else it is one that only
    this user can read, and is removed afterwards.
    """
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("selvage-tls")
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(data)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    descriptor, path = tempfile.mkstemp(suffix=".pem")
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        yield path
    finally:
        os.unlink(path)


def no_passphrase() -> str:
    """Refuse, in place of the terminal where the standard library would ask, and wait."""
    raise ValueError("the private key is encrypted; store it without a passphrase")


def mismatch(certificate: bytes, key: bytes) -> str | None:
    """Say why a certificate (DER) and a private key (PEM) do not belong together; None if they do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # What is asked is whether they match, not whether they are strong; that is judged where they are used.
    context.set_ciphers("ALL:@SECLEVEL=0")
    with file_of(certificate_pem(certificate) + key) as path:
        try:
            context.load_cert_chain(path, password=no_passphrase)
        except (ssl.SSLError, ValueError) as error:
            return getattr(error, "reason", None) or str(error)
    return None


def certificate_facts(der: bytes) -> dict[str, Any]:
    """Return what the standard library reads from a certificate, in the form of `ssl.SSLSocket.getpeercert`.

    Raises:
        ValueError: it cannot read it.
    """
    # The one way the standard library has for a certificate that no peer has shown.  `getpeercert` goes through the same C
    # function; only its name says that it was made for tests.
    decode = ssl._ssl._test_decode_cert  # type: ignore[attr-defined]
    with file_of(certificate_pem(der)) as path:
        try:
            facts: dict[str, Any] = decode(path)
        except (ssl.SSLError, ValueError) as error:
            raise ValueError(f"the certificate cannot be read: {error}") from None
    return facts
