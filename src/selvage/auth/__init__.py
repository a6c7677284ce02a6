"""Who somebody is, and what is theirs: portals, realms, checkers and credentials.  Floor 4.

A program has a `Portal`. Somebody shows credentials; the portal has a checker say whose they are (an avatar's identifier) and
the realm give what belongs to them (an avatar). So a protocol knows only how one proves who one is, a checker only where
passwords are kept, and a realm only what people get: each can be replaced alone.

Checkers and realms are written by programs, and may answer by `async def`:

    class Staff:
        credentialInterfaces = (IUsernamePassword,)

        async def requestAvatarId(self, credentials):
            ...

Twisted: `twisted.cred`.
"""

from selvage._publish import publish
from selvage.auth._checkers import (
    ANONYMOUS as ANONYMOUS,
    AllowAnonymousAccess as AllowAnonymousAccess,
    FilePasswordDB as FilePasswordDB,
    InMemoryUsernamePasswordDatabaseDontUse as InMemoryUsernamePasswordDatabaseDontUse,
    OnDiskUsernamePasswordDatabase as OnDiskUsernamePasswordDatabase,
)
from selvage.auth._credentials import (
    Anonymous as Anonymous,
    CramMD5Credentials as CramMD5Credentials,
    SSHPrivateKey as SSHPrivateKey,
    UsernamePassword as UsernamePassword,
)
from selvage.auth._descriptions import (
    findCheckerFactories as findCheckerFactories,
    findCheckerFactory as findCheckerFactory,
    makeChecker as makeChecker,
)
from selvage.auth._digest import (
    DigestCredentialFactory as DigestCredentialFactory,
    DigestedCredentials as DigestedCredentials,
    calcHA1 as calcHA1,
    calcHA2 as calcHA2,
    calcResponse as calcResponse,
)
from selvage.auth._options import (
    AuthOptionMixin as AuthOptionMixin,
    notSupportedWarning as notSupportedWarning,
)
from selvage.auth._portal import Portal as Portal
from selvage.auth.errors import (
    InvalidAuthArgumentString as InvalidAuthArgumentString,
    InvalidAuthType as InvalidAuthType,
    LoginDenied as LoginDenied,
    LoginFailed as LoginFailed,
    StaleChallenge as StaleChallenge,
    StrcredException as StrcredException,
    Unauthorized as Unauthorized,
    UnauthorizedLogin as UnauthorizedLogin,
    UnhandledCredentials as UnhandledCredentials,
    UnsupportedInterfaces as UnsupportedInterfaces,
)
from selvage.auth.interfaces import (
    IAnonymous as IAnonymous,
    ICheckerFactory as ICheckerFactory,
    ICredentials as ICredentials,
    ICredentialsChecker as ICredentialsChecker,
    IRealm as IRealm,
    ISSHPrivateKey as ISSHPrivateKey,
    IUsernameDigestHash as IUsernameDigestHash,
    IUsernameHashedPassword as IUsernameHashedPassword,
    IUsernamePassword as IUsernamePassword,
)

__all__ = [
    "ANONYMOUS",
    "AllowAnonymousAccess",
    "Anonymous",
    "AuthOptionMixin",
    "CramMD5Credentials",
    "DigestCredentialFactory",
    "DigestedCredentials",
    "FilePasswordDB",
    "IAnonymous",
    "ICheckerFactory",
    "ICredentials",
    "ICredentialsChecker",
    "IRealm",
    "ISSHPrivateKey",
    "IUsernameDigestHash",
    "IUsernameHashedPassword",
    "IUsernamePassword",
    "InMemoryUsernamePasswordDatabaseDontUse",
    "InvalidAuthArgumentString",
    "InvalidAuthType",
    "LoginDenied",
    "LoginFailed",
    "OnDiskUsernamePasswordDatabase",
    "Portal",
    "SSHPrivateKey",
    "StaleChallenge",
    "StrcredException",
    "Unauthorized",
    "UnauthorizedLogin",
    "UnhandledCredentials",
    "UnsupportedInterfaces",
    "UsernamePassword",
    "calcHA1",
    "calcHA2",
    "calcResponse",
    "findCheckerFactories",
    "findCheckerFactory",
    "makeChecker",
    "notSupportedWarning",
]

publish(globals())
