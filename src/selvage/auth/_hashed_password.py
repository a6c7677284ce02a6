"""A name, and a password that was hashed already.  Floor 4.

Twisted: `twisted.cred.credentials.UsernameHashedPassword`, deprecated there.
"""

from __future__ import annotations

from selvage.auth._secrets import same_secret
from selvage.auth.interfaces import IUsernameHashedPassword
from selvage.interfaces import implementer

__all__ = ["UsernameHashedPassword"]


@implementer(IUsernameHashedPassword)
class UsernameHashedPassword:
    """A name and what its password was made into.

    Args:
        username: the name.
        hashed: what was made of the password.
    """

    def __init__(self, username: bytes, hashed: bytes) -> None:
        self.username = username
        self.hashed = hashed

    def checkPassword(self, password: bytes) -> bool:
        """Tell whether `password`, hashed in the same way, is this one."""
        return same_secret(self.hashed, password)
