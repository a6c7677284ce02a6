"""Keys to compare, and the forms that keys come in.  Floor 2.

A private key may be PEM, an object of pyOpenSSL, one of `cryptography`, or a `KeyPair`, which holds one of these.
"""

from __future__ import annotations

import hashlib
from typing import Any

from selvage.tls._extra import cryptography, openssl

__all__ = [
    "ASN1",
    "PEM",
    "PublicKey",
    "digest_of",
    "encoding",
    "kind_of",
    "known",
    "private_key",
    "private_pem",
]

# The numbers that OpenSSL has for file formats.
PEM = 1
ASN1 = 2

_NAMES = {"RSAPublicKey": "RSA", "DSAPublicKey": "DSA", "EllipticCurvePublicKey": "EC"}


def kind_of(key: Any) -> str:
    """Say what a public key of `cryptography` is, as "2048-bit RSA"."""
    names = [_NAMES[each.__name__] for each in type(key).__mro__ if each.__name__ in _NAMES]
    name = names[0] if names else type(key).__name__.removesuffix("PublicKey").upper()
    return f"{key.key_size}-bit {name}" if hasattr(key, "key_size") else name


class PublicKey:
    """A public key.

    Args:
        osslpkey: an `OpenSSL.crypto.PKey`, or a public key of the package `cryptography`.

    Twisted: `twisted.internet._sslverify.PublicKey`.
    """

    _original: Any = None

    def __init__(self, osslpkey: Any) -> None:
        self._given = osslpkey

    @property
    def original(self) -> Any:
        """The key as an `OpenSSL.crypto.PKey`.  Needs the extra `tls`."""
        if hasattr(self._given, "to_cryptography_key"):
            return self._given
        if self._original is None:
            self._original = self._make_original()
        return self._original

    def _make_original(self) -> Any:
        return openssl("crypto", "a pyOpenSSL key").PKey.from_cryptography_key(self._given)

    def _public(self) -> Any:
        """Return the public key as `cryptography` has it."""
        given = self._given
        key = given.to_cryptography_key() if hasattr(given, "to_cryptography_key") else given
        return key.public_key() if hasattr(key, "private_bytes") else key

    def _public_bytes(self) -> bytes:
        forms = cryptography("hazmat.primitives.serialization", "what a key is")
        encoded: bytes = self._public().public_bytes(
            forms.Encoding.DER, forms.PublicFormat.SubjectPublicKeyInfo
        )
        return encoded

    def matches(self, otherKey: PublicKey) -> bool:
        """Say whether the other one is, or has, the same public key."""
        return self._public_bytes() == otherKey._public_bytes()

    def keyHash(self) -> str:
        """Return the MD5 of the public key in DER, in hexadecimal: a short name, not a proof."""
        return hashlib.md5(self._public_bytes(), usedforsecurity=False).hexdigest()

    def inspect(self) -> str:
        """Return a line for people to read."""
        return f"Public Key with Hash: {self.keyHash()}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.keyHash()}>"


def known(format: int) -> None:
    if format not in (PEM, ASN1):
        raise ValueError(f"Unsupported format: {format!r}; it is {PEM} (PEM) or {ASN1} (DER)")


def encoding(format: int) -> Any:
    """Return what `cryptography` calls a format."""
    known(format)
    forms = cryptography("hazmat.primitives.serialization", "writing keys and requests")
    return forms.Encoding.PEM if format == PEM else forms.Encoding.DER


def digest_of(name: str) -> Any:
    """Return the hash of `cryptography` that has a name such as "sha256"."""
    kind = getattr(cryptography("hazmat.primitives.hashes", "signing"), name.upper(), None)
    if kind is None:
        raise ValueError(f"there is no digest algorithm {name!r}")
    return kind()


def private_key(key: Any) -> Any:
    """Return a private key, in any form, as `cryptography` has it.  Needs the extra `tls`."""
    if isinstance(key, PublicKey):
        key = key._given
    if isinstance(key, bytes):
        forms = cryptography("hazmat.primitives.serialization", "what a key is")
        return forms.load_pem_private_key(key, None)
    return key.to_cryptography_key() if hasattr(key, "to_cryptography_key") else key


def private_pem(key: Any) -> bytes:
    """Return a private key, in any form, as PEM without a passphrase."""
    if isinstance(key, PublicKey):
        key = key._given
    return key if isinstance(key, bytes) else private_bytes(key, PEM)


def private_bytes(key: Any, format: int) -> bytes:
    """Return a private key, in any form, as PKCS #8 in DER (2) or PEM (1), not encrypted."""
    forms = cryptography("hazmat.primitives.serialization", "writing a key")
    data: bytes = private_key(key).private_bytes(
        encoding(format), forms.PrivateFormat.PKCS8, forms.NoEncryption()
    )
    return data


def private_original(key: Any) -> Any:
    """Return a private key, in any form, as an `OpenSSL.crypto.PKey`.  Needs the extra `tls`."""
    if isinstance(key, PublicKey):
        return key.original
    crypto = openssl("crypto", "a pyOpenSSL key")
    if isinstance(key, bytes):
        return crypto.load_privatekey(PEM, key)
    return key if hasattr(key, "to_cryptography_key") else crypto.PKey.from_cryptography_key(key)
