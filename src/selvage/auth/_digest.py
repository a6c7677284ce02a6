"""HTTP Digest: a challenge, and an answer made with the password that does not show it.  Floor 4.

The server keeps no list of challenges. What it has to know again of one (nonce, client's address, when) comes back with the
answer in `opaque`, under a keyed hash; only the answers that were right are remembered, so that each works once.

Source: RFC 7616, RFC 2617.

Twisted: `calcHA1` and its kin, `DigestedCredentials` and `DigestCredentialFactory` of `twisted.cred.credentials`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any

from selvage.auth._grammar import parse_parameters
from selvage.auth._nonces import UsedAnswers
from selvage.auth._secrets import same_secret
from selvage.auth.errors import LoginFailed, StaleChallenge
from selvage.auth.interfaces import IUsernameDigestHash, IUsernameHashedPassword
from selvage.interfaces import implementer

__all__ = ["DigestCredentialFactory", "DigestedCredentials", "calcHA1", "calcHA2", "calcResponse"]

#: By name in lower case. Clients know md5 and, since 2023, sha-256; `sha` is Twisted's own.
ALGORITHMS: dict[bytes, Callable[..., Any]] = {
    b"md5": hashlib.md5,
    b"md5-sess": hashlib.md5,
    b"sha": hashlib.sha1,
    b"sha-256": hashlib.sha256,
    b"sha-256-sess": hashlib.sha256,
}

# RFC 7616 section 3.4: nc-value = 8LHEX.
_COUNT = re.compile(rb"[0-9A-Fa-f]{8}")


def _digest(algorithm: bytes, *parts: bytes) -> bytes:
    """Return the digest of parts with colons between them, in hexadecimal digits."""
    digits: str = ALGORITHMS[algorithm](b":".join(parts)).hexdigest()
    return digits.encode("ascii")


def calcHA1(
    pszAlg: bytes,
    pszUserName: bytes | None,
    pszRealm: bytes | None,
    pszPassword: bytes | None,
    pszNonce: bytes,
    pszCNonce: bytes,
    preHA1: bytes | None = None,
) -> bytes:
    """Return the digest of who somebody is: H(A1) of RFC 7616 section 3.4.2.

    Args:
        pszAlg: the algorithm, in lower case.
        pszUserName: the name.
        pszRealm: the realm.
        pszPassword: the password.
        pszNonce: of the server; counts for the algorithms of sessions only.
        pszCNonce: of the client; likewise.
        preHA1: the digest of ``name:realm:password`` in hexadecimal digits, in place of the three.

    Raises:
        TypeError: both the digest and one of the three are given.
    """
    three = (pszUserName, pszRealm, pszPassword)
    if preHA1 is not None and any(part is not None for part in three):
        raise TypeError("preHA1 stands in place of pszUserName, pszRealm and pszPassword: give it or them")
    known = _digest(pszAlg, *(part or b"" for part in three)) if preHA1 is None else preHA1
    return _digest(pszAlg, known, pszNonce, pszCNonce) if pszAlg.endswith(b"-sess") else known


def calcHA2(
    algo: bytes, pszMethod: bytes, pszDigestUri: bytes, pszQop: bytes | None, pszHEntity: bytes | None
) -> bytes:
    """Return the digest of what is asked for: H(A2) of RFC 7616 section 3.4.3.

    Args:
        algo: the algorithm, in lower case.
        pszMethod: the request's method.
        pszDigestUri: the request's target.
        pszQop: ``b"auth-int"`` when the body counts.
        pszHEntity: the digest of the body, if it does.
    """
    body = [pszHEntity or b""] if pszQop == b"auth-int" else []
    return _digest(algo, pszMethod, pszDigestUri, *body)


def calcResponse(
    HA1: bytes,
    HA2: bytes,
    algo: bytes,
    pszNonce: bytes,
    pszNonceCount: bytes | None,
    pszCNonce: bytes | None,
    pszQop: bytes | None,
) -> bytes:
    """Return the answer to a challenge: `response` of RFC 7616 section 3.4.1.

    Args:
        HA1: of `calcHA1`.
        HA2: of `calcHA2`.
        algo: the algorithm, in lower case.
        pszNonce: of the server.
        pszNonceCount: how many answers the client has given to this nonce; None as RFC 2069 has it.
        pszCNonce: of the client; likewise.
        pszQop: the quality of protection; likewise.
    """
    counted = [pszNonceCount, pszCNonce, pszQop or b""] if pszNonceCount and pszCNonce else []
    return _digest(algo, HA1, pszNonce, *(part or b"" for part in counted), HA2)


@implementer(IUsernameHashedPassword, IUsernameDigestHash)
class DigestedCredentials:
    """An answer to a challenge.

    Args:
        username: the name.
        method: the request's method.
        realm: that of the challenge.
        fields: the parameters of the Authorization header.
        use: called when the answer proves right; returns whether this one was not given before.
    """

    def __init__(
        self,
        username: bytes,
        method: bytes,
        realm: bytes,
        fields: Mapping[str, bytes],
        use: Callable[[], bool] = lambda: True,
    ) -> None:
        self.username = username
        self.method = method
        self.realm = realm
        self.fields = fields
        self._use = use
        self._is_new: bool | None = None  # not known before it is right

    def checkPassword(self, password: bytes) -> bool:
        """Tell whether the answer was made with `password`, for the first time."""
        secret = password.encode("utf-8") if isinstance(password, str) else password
        return self._is_right(self.username, self.realm, secret, None)

    def checkHash(self, digestHash: bytes) -> bool:
        """Tell whether the answer was made with the password of this digest, for the first time.

        Args:
            digestHash: the digest of ``name:realm:password`` in hexadecimal digits.
        """
        return self._is_right(None, None, None, digestHash)

    def _is_right(
        self, name: bytes | None, realm: bytes | None, password: bytes | None, digest: bytes | None
    ) -> bool:
        field = self.fields.get
        algorithm = field("algorithm", b"md5").lower()
        nonce, client_nonce, qop = field("nonce", b""), field("cnonce", b""), field("qop", b"auth")
        if algorithm not in ALGORITHMS:
            return False
        expected = calcResponse(
            calcHA1(algorithm, name, realm, password, nonce, client_nonce, preHA1=digest),
            calcHA2(algorithm, self.method, field("uri", b""), qop, None),
            algorithm,
            nonce,
            field("nc"),
            client_nonce,
            qop,
        )
        if not same_secret(expected, field("response", b"")):
            return False
        # Several checkers may ask about the same credentials: those are one answer.
        if self._is_new is None:
            self._is_new = self._use()
        return self._is_new

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.username!r} for {self.realm!r}>"


class DigestCredentialFactory:
    """Makes challenges, and credentials of the answers.

    Args:
        algorithm: ``b"sha-256"`` or ``b"md5"``, either with ``-sess`` if wanted; ``b"sha"`` is understood by few clients.
        authenticationRealm: what the visitor is asked for, in words.

    Raises:
        ValueError: there is no such algorithm.
    """

    scheme = b"digest"

    #: How long a challenge may be answered: a quarter of an hour, as in Twisted. Clients answer a new one by themselves.
    CHALLENGE_LIFETIME_SECS = 15 * 60

    def __init__(self, algorithm: bytes, authenticationRealm: bytes) -> None:
        if algorithm.lower() not in ALGORITHMS:
            names = ", ".join(name.decode("ascii") for name in ALGORITHMS)
            raise ValueError(f"no digest algorithm {algorithm!r}: choose one of {names}")
        self.algorithm = algorithm
        self.authenticationRealm = authenticationRealm
        #: Several processes that answer for one site have to have the same.
        self.privateKey = secrets.token_bytes(32)
        self._used = UsedAnswers()

    def getChallenge(self, address: str | bytes | None) -> dict[str, bytes]:
        """Return the parameters of a challenge.

        Args:
            address: the client's, who alone may answer; None where it has none.
        """
        nonce = self._generateNonce()
        return {
            "nonce": nonce,
            "opaque": self._generateOpaque(nonce, address),
            "qop": b"auth",
            "algorithm": self.algorithm,
            "realm": self.authenticationRealm,
        }

    def decode(self, response: bytes, method: bytes, host: str | bytes | None) -> DigestedCredentials:
        """Return the credentials in a client's answer.

        Args:
            response: the Authorization header after the scheme.
            method: the request's.
            host: the client's address.

        Raises:
            LoginFailed: they are no answer to a challenge of this factory; `StaleChallenge` if it was answered too late or
                in this way before.
        """
        try:
            fields = parse_parameters(response)
        except ValueError as error:
            raise LoginFailed(f"Invalid response, {error}") from error
        for name in ("username", "opaque", "nonce"):
            if not fields.get(name):
                raise LoginFailed(f"Invalid response, no {name} given.")
        nonce = fields["nonce"]
        issued = self._verifyOpaque(fields["opaque"], nonce, host)
        count = self._count(fields)
        if not self._used.is_new(nonce, issued, count):
            raise StaleChallenge("Invalid response, it was given before")
        return DigestedCredentials(
            fields["username"],
            method,
            self.authenticationRealm,
            fields,
            lambda: self._used.use(nonce, issued, count),
        )

    def _count(self, fields: Mapping[str, bytes]) -> int:
        """Check that an answer is made as was asked; return its number."""
        if fields.get("algorithm", b"md5").lower() != self.algorithm.lower():
            raise LoginFailed("Invalid response, another algorithm than was asked for")
        # The older form of RFC 2069, without `qop`, has no count, so anybody could repeat it.
        if fields.get("qop") != b"auth" or not fields.get("cnonce"):
            raise LoginFailed("Invalid response, qop=auth with a cnonce was asked for")
        if not _COUNT.fullmatch(fields.get("nc", b"")):
            raise LoginFailed("Invalid response, nc is not eight hexadecimal digits")
        return int(fields["nc"], 16)

    def _generateNonce(self) -> bytes:
        return secrets.token_hex(12).encode("ascii")

    def _getTime(self) -> int:
        """Return the time in seconds; tests replace it."""
        return int(time.time())

    def _generateOpaque(self, nonce: bytes, clientip: str | bytes | None) -> bytes:
        key = b",".join([nonce, _address(clientip), b"%d" % self._getTime()])
        return self._seal(key) + b"-" + b64encode(key)

    def _seal(self, key: bytes) -> bytes:
        return hmac.new(self.privateKey, key, "sha256").hexdigest().encode("ascii")

    def _verifyOpaque(self, opaque: bytes, nonce: bytes, clientip: str | bytes | None) -> int:
        """Return when the challenge was made that an answer belongs to."""
        seal, _, encoded = opaque.partition(b"-")
        try:
            key = b64decode(encoded, validate=True)
            told, address, when = key.split(b",")
        except ValueError:
            raise LoginFailed("Invalid response, invalid opaque value") from None
        if not same_secret(told, nonce):
            raise LoginFailed("Invalid response, incompatible opaque/nonce values")
        if address != _address(clientip):
            raise LoginFailed("Invalid response, incompatible opaque/client values")
        try:
            issued = int(when)
        except ValueError:
            raise LoginFailed("Invalid response, invalid opaque/time values") from None
        if not same_secret(self._seal(key), seal):
            raise LoginFailed("Invalid response, invalid opaque value")
        if self._getTime() - issued > self.CHALLENGE_LIFETIME_SECS:
            raise StaleChallenge("Invalid response, the challenge is too old")
        return issued


def _address(value: str | bytes | None) -> bytes:
    return value.encode("utf-8") if isinstance(value, str) else value or b""
