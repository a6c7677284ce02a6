"""`twisted.cred.error`: why somebody was not let in."""

from selvage.auth import (
    LoginDenied as LoginDenied,
    LoginFailed as LoginFailed,
    Unauthorized as Unauthorized,
    UnauthorizedLogin as UnauthorizedLogin,
    UnhandledCredentials as UnhandledCredentials,
)
