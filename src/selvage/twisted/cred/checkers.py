"""`twisted.cred.checkers`: who knows whose credentials these are."""

from selvage.auth import (
    ANONYMOUS as ANONYMOUS,
    AllowAnonymousAccess as AllowAnonymousAccess,
    FilePasswordDB as FilePasswordDB,
    IAnonymous as IAnonymous,
    ICredentialsChecker as ICredentialsChecker,
    InMemoryUsernamePasswordDatabaseDontUse as InMemoryUsernamePasswordDatabaseDontUse,
    IUsernameHashedPassword as IUsernameHashedPassword,
    IUsernamePassword as IUsernamePassword,
    OnDiskUsernamePasswordDatabase as OnDiskUsernamePasswordDatabase,
)
