"""What people show at the door: names and passwords, keys, answers to challenges, nothing.  Floor 4.

No repr has a password in it.

Twisted: the classes of `twisted.cred.credentials`, but for those of HTTP Digest.
"""

from __future__ import annotations

import hmac
import secrets
import socket
import time
from typing import Any

from selvage.auth._secrets import same_secret
from selvage.auth.interfaces import IAnonymous, ISSHPrivateKey, IUsernameHashedPassword, IUsernamePassword
from selvage.interfaces import implementer

__all__ = ["Anonymous", "CramMD5Credentials", "SSHPrivateKey", "UsernamePassword"]


@implementer(IUsernamePassword)
class UsernamePassword:
    """A name and a password, as they came.

    Args:
        username: the name.
        password: the password.
    """

    def __init__(self, username: bytes, password: bytes) -> None:
        self.username = username
        self.password = password

    def checkPassword(self, password: bytes) -> bool:
        """Tell whether `password` is this one."""
        return same_secret(self.password, password)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.username!r}>"


@implementer(IAnonymous)
class Anonymous:
    """Nobody in particular."""


@implementer(ISSHPrivateKey)
class SSHPrivateKey:
    """A public key and what was signed with its private one.

    Args:
        username: the name.
        algName: the key's algorithm.
        blob: the public key.
        sigData: what was signed.
        signature: the signature; None when the client asks only whether the key would do.
    """

    def __init__(
        self, username: bytes, algName: bytes, blob: bytes, sigData: bytes | None, signature: bytes | None
    ) -> None:
        self.username = username
        self.algName = algName
        self.blob = blob
        self.sigData = sigData
        self.signature = signature


@implementer(IUsernameHashedPassword)
class CramMD5Credentials:
    """A challenge, and the answer that only who knows the password can give.

    Args:
        host: the server's name, which is part of the challenge; by default that of this machine.

    Source: RFC 2195.
    """

    challenge = b""
    response = b""
    username: Any = None

    def __init__(self, host: str | bytes | None = None) -> None:
        self.host = host

    def getChallenge(self) -> bytes:
        """Return the challenge, the same one each time."""
        if not self.challenge:
            host = socket.gethostname() if self.host is None else self.host
            name = host.encode("utf-8") if isinstance(host, str) else host
            self.challenge = b"<%d.%d@%b>" % (secrets.randbits(64), time.time(), name)
        return self.challenge

    def setResponse(self, response: bytes) -> None:
        """Take the client's answer: name, space, digest.

        Raises:
            ValueError: it is something else.
        """
        parts = response.split(None, 1)
        if len(parts) != 2:
            raise ValueError("the answer to a CRAM-MD5 challenge is a name, a space and a digest (RFC 2195)")
        self.username, self.response = parts

    def moreChallenges(self) -> bool:
        """Return False: one question is enough."""
        return False

    def checkPassword(self, password: bytes) -> bool:
        """Tell whether the answer was made with `password`."""
        key = password.encode("utf-8") if isinstance(password, str) else password
        expected = hmac.new(key, self.challenge, "md5").hexdigest()
        return same_secret(expected, self.response)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.username!r}>"
