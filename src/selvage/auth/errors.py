"""Why somebody was not let in.  Floor 4; imports nothing of ours.

Twisted: `twisted.cred.error`, and the exceptions of `twisted.cred.strcred`.
"""

from __future__ import annotations

__all__ = [
    "InvalidAuthArgumentString",
    "InvalidAuthType",
    "LoginDenied",
    "LoginFailed",
    "StaleChallenge",
    "StrcredException",
    "Unauthorized",
    "UnauthorizedLogin",
    "UnhandledCredentials",
    "UnsupportedInterfaces",
]


class Unauthorized(Exception):
    """Somebody may not do what they asked for."""


class LoginFailed(Exception):
    """The login came to nothing, for whatever reason."""


class UnauthorizedLogin(LoginFailed, Unauthorized):
    """Nobody has these credentials.

    Whether the name is unknown or the password wrong is not told: who guesses names must not learn which exist.
    """


class LoginDenied(LoginFailed):
    """The realm does not let these somebody in, whoever they are."""


class UnhandledCredentials(LoginFailed):
    """None of the portal's checkers knows what to do with credentials of this kind."""


class StaleChallenge(LoginFailed):
    """The answer belongs to a challenge that is too old, or was given before: the client may answer a new one."""


class StrcredException(Exception):
    """A description of a checker is wrong, or of no use to the program."""


class InvalidAuthType(StrcredException):
    """Nothing answers to the first word of the description."""


class InvalidAuthArgumentString(StrcredException):
    """What follows the first word of the description is wrong."""


class UnsupportedInterfaces(StrcredException):
    """The program cannot ask for credentials of any kind that the checker knows."""
