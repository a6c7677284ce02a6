"""What the parts of a login promise one another: credentials, checkers, realms.  Floor 4.

Twisted: the interfaces of `twisted.cred.credentials`, `twisted.cred.checkers`, `twisted.cred.portal` and
`twisted.cred.strcred`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from selvage.interfaces._base import Interface, InterfaceType, Protocol

__all__ = [
    "IAnonymous",
    "ICheckerFactory",
    "ICredentials",
    "ICredentialsChecker",
    "IRealm",
    "ISSHPrivateKey",
    "IUsernameDigestHash",
    "IUsernameHashedPassword",
    "IUsernamePassword",
]


class ICredentials(Interface, Protocol):
    """What somebody shows to prove who they are; the interfaces below say what one can ask of it."""


class IUsernameDigestHash(ICredentials, Protocol):
    """A name, and an answer that can be checked against the digest of name, realm and password.

    So a checker need not know the password. `username` is the name.
    """

    def checkHash(self, digestHash: bytes) -> bool:
        """Tell whether the answer was made with a password of that digest.

        Args:
            digestHash: the digest of ``name:realm:password`` in hexadecimal digits.
        """


class IUsernameHashedPassword(ICredentials, Protocol):
    """A name, and something made of the password that can be checked by who has the password."""

    @property
    def username(self) -> Any:
        """The name, as the client gave it."""

    def checkPassword(self, password: bytes) -> Any:
        """Tell whether `password` is the one, by a bool or a Deferred of one."""


class IUsernamePassword(ICredentials, Protocol):
    """A name and a password in plain text: `username` and `password`."""

    def checkPassword(self, password: bytes) -> Any:
        """Tell whether `password` is the one, by a bool or a Deferred of one."""


class IAnonymous(ICredentials, Protocol):
    """Somebody who does not say who they are."""


class ISSHPrivateKey(ICredentials, Protocol):
    """A public key, and a signature made with the private one.

    `username` is the name; `algName`, `blob`, `sigData` and `signature` are those of RFC 4252 section 7, where the last may
    be None while the client only asks whether the key would do.
    """


class ICredentialsChecker(Interface, Protocol):
    """Knows whose credentials these are."""

    @property
    def credentialInterfaces(self) -> Iterable[InterfaceType]:
        """The kinds of credentials that it can check."""

    def requestAvatarId(self, credentials: Any) -> Any:
        """Say who somebody is.

        May be `async def`.

        Args:
            credentials: provide one of `credentialInterfaces`.

        Returns:
            the avatar's identifier, which the realm understands, or a Deferred of it; `ANONYMOUS` for nobody in particular.

        Raises:
            UnauthorizedLogin: they are nobody's; a Deferred fails with it.
        """


class IRealm(Interface, Protocol):
    """What is behind the portal: has an avatar for everybody who is let in."""

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: InterfaceType) -> Any:
        """Return somebody's avatar.

        May be `async def`.

        Args:
            avatarId: what a checker called them.
            mind: what the program passed to `Portal.login`, for the avatar to talk to; often None.
            interfaces: what the program can make use of, best first.

        Returns:
            the interface that was chosen, an avatar that provides it, and a function without arguments to be called once
            when they leave; or a Deferred of these three.

        Raises:
            NotImplementedError: there is no avatar for any of the interfaces.
        """


class ICheckerFactory(Interface, Protocol):
    """Makes checkers from descriptions such as ``file:/etc/passwords``."""

    @property
    def authType(self) -> str:
        """The word before the first colon that this factory answers to."""

    @property
    def authHelp(self) -> str:
        """What it does, in some lines for the user of a command."""

    @property
    def argStringFormat(self) -> str:
        """What follows the first colon, in one line."""

    @property
    def credentialInterfaces(self) -> Sequence[InterfaceType]:
        """The kinds of credentials that its checkers know."""

    def generateChecker(self, argstring: str) -> Any:
        """Make a checker.

        Args:
            argstring: what follows the first colon; empty when there is none.

        Raises:
            InvalidAuthArgumentString: it is wrong.
        """
