"""Cipher suites, and choices among them.  Floor 2."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from functools import lru_cache
from typing import Self

from selvage.interfaces import IAcceptableCiphers, ICipher, implementer

__all__ = [
    "AcceptableCiphers",
    "OpenSSLCipher",
    "defaultCiphers",
    "expand_ciphers",
    "select_ciphers",
]


@implementer(ICipher)
class OpenSSLCipher:
    """One cipher suite.

    Args:
        fullName: as OpenSSL spells it.

    Twisted: `twisted.internet._sslverify.OpenSSLCipher`.
    """

    __slots__ = ("fullName",)

    def __init__(self, fullName: str) -> None:
        self.fullName = fullName

    def __eq__(self, other: object) -> bool:
        return self.fullName == other.fullName if isinstance(other, OpenSSLCipher) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.fullName)

    def __repr__(self) -> str:
        return f"OpenSSLCipher({self.fullName!r})"


@lru_cache(maxsize=32)
def expand_ciphers(cipherString: str, method: int = 0, options: int = 0) -> tuple[OpenSSLCipher, ...]:
    """Return the suites that a cipher string of OpenSSL stands for on this machine; none if it fits none.

    Args:
        cipherString: as in "ECDHE+AESGCM"; see ciphers(1) of OpenSSL.
        method: of no consequence; the suites do not depend on it.
        options: those of a context; without TLS 1.3 its suites go.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if options & ssl.OP_NO_TLSv1_3:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.set_ciphers(cipherString)
    except ssl.SSLError:
        return ()
    return tuple(OpenSSLCipher(cipher["name"]) for cipher in context.get_ciphers())


@implementer(IAcceptableCiphers)
class AcceptableCiphers:
    """Suites to choose from, the preferred one first.

    Args:
        ciphers: `ICipher`s.

    Twisted: `twisted.internet.ssl.AcceptableCiphers`.
    """

    def __init__(self, ciphers: Iterable[ICipher]) -> None:
        self._ciphers = tuple(ciphers)

    def selectCiphers(self, availableCiphers: Iterable[ICipher]) -> tuple[ICipher, ...]:
        """Return those of ours that are among the available ones, in our order."""
        available = set(availableCiphers)
        return tuple(cipher for cipher in self._ciphers if cipher in available)

    @classmethod
    def fromOpenSSLCipherString(cls, cipherString: str) -> Self:
        """Make the choice that a cipher string of OpenSSL stands for.

        Args:
            cipherString: as in "ECDHE+AESGCM"; suites that this machine lacks are left out.
        """
        return cls(expand_ciphers(cipherString))


#: Suites with forward secrecy, ephemeral elliptic curves first, AEAD before CBC, nothing with SHA-1, DSS or no
#: authentication: the choice of CPython's `ssl` module (since 3.10), which Mozilla's "intermediate" list agrees with.
DEFAULT_CIPHER_STRING = (
    "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:DHE+AESGCM:DHE+CHACHA20:DHE+AES:"
    "!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM:!CAMELLIA:!ARIA"
)

defaultCiphers = AcceptableCiphers.fromOpenSSLCipherString(DEFAULT_CIPHER_STRING)


def select_ciphers(wanted: IAcceptableCiphers, options: int) -> tuple[ICipher, ...]:
    """Return the suites that may be used on this machine.

    Raises:
        ValueError: there is none.
    """
    chosen = tuple(wanted.selectCiphers(expand_ciphers("ALL", 0, options)))
    if not chosen:
        raise ValueError("Supplied IAcceptableCiphers yielded no usable ciphers on this platform.")
    return chosen
