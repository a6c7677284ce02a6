"""`twisted.protocols.ident`: whose connection it is."""

from selvage.protocols.ident import (
    HiddenUser as HiddenUser,
    IdentClient as IdentClient,
    IdentError as IdentError,
    IdentServer as IdentServer,
    InvalidPort as InvalidPort,
    NoUser as NoUser,
    ProcServerMixin as ProcServerMixin,
)
