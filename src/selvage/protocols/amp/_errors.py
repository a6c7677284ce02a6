"""What can go wrong between two sides that speak AMP.  Floor 3."""

from __future__ import annotations

from typing import Any

from selvage.failure import Failure

__all__ = [
    "PROTOCOL_ERRORS",
    "UNHANDLED_ERROR_CODE",
    "UNKNOWN_ERROR_CODE",
    "AmpError",
    "BadLocalReturn",
    "IncompatibleVersions",
    "InvalidSignature",
    "MalformedAmpBox",
    "NoEmptyBoxes",
    "OnlyOneTLS",
    "ProtocolSwitched",
    "RemoteAmpError",
    "TooLong",
    "UnhandledCommand",
    "UnknownRemoteError",
]

UNKNOWN_ERROR_CODE = b"UNKNOWN"
UNHANDLED_ERROR_CODE = b"UNHANDLED"


class AmpError(Exception):
    """Base of the errors of this protocol."""


class ProtocolSwitched(Exception):
    """The connection speaks another protocol now, or is about to: no box can be sent."""


class OnlyOneTLS(AmpError):
    """The connection is encrypted already."""


class NoEmptyBoxes(AmpError):
    """A box came that is no command, no answer and no error."""


class InvalidSignature(AmpError):
    """A command was given arguments that it does not take, or not all that it needs."""


class MalformedAmpBox(AmpError):
    """What the peer sent cannot be read as boxes, or answers what nobody asked."""


class UnhandledCommand(AmpError):
    """The other side has nothing that responds to the command."""


class IncompatibleVersions(AmpError):
    """The two sides speak versions of the protocol that do not go together."""


class TooLong(AmpError):
    """A key or a value is longer than its length prefix can say.

    Attributes:
        isKey: whether it is a key; isLocal: whether it was ours to send.
        value: what is too long; None when the peer only announced it.
        keyName: of a value the key.
    """

    def __init__(self, isKey: bool, isLocal: bool, value: Any, keyName: bytes | None = None) -> None:
        super().__init__()
        self.isKey = isKey
        self.isLocal = isLocal
        self.value = value
        self.keyName = keyName

    def __repr__(self) -> str:
        side = "local" if self.isLocal else "remote"
        what = "key" if self.isKey else f"value of {self.keyName!r}"
        size = f": {len(self.value)}" if self.value is not None else ""
        return f"{side} {what} too long{size}"

    __str__ = __repr__


class BadLocalReturn(AmpError):
    """A responder returned what its command cannot put into an answer.

    Args:
        message: says so; enclosed: the failure of trying.
    """

    def __init__(self, message: str, enclosed: Failure) -> None:
        super().__init__()
        self.message = message
        self.enclosed = enclosed

    def __repr__(self) -> str:
        return f"{self.message} {self.enclosed.getBriefTraceback()}"

    __str__ = __repr__


class RemoteAmpError(AmpError):
    """An error that goes to the other side, or has come from there.

    Args:
        errorCode: how it is called on the wire; description: words for people.
        fatal: whether the connection ends with it.
        local: the failure that it stands for, on the side where that happened.
    """

    def __init__(
        self,
        errorCode: bytes,
        description: str | bytes,
        fatal: bool = False,
        local: Failure | None = None,
    ) -> None:
        if isinstance(description, bytes):
            description = description.decode("utf-8", "replace")
        code = errorCode.decode("ascii", "backslashreplace")
        where, trace = (" (local)", f"\n{local.getBriefTraceback()}") if local else ("", "")
        super().__init__(f"Code<{code}>{where}: {description}{trace}")
        self.local = local
        self.errorCode = errorCode
        self.description = description
        self.fatal = fatal


class UnknownRemoteError(RemoteAmpError):
    """The other side failed with an error that the command does not declare."""

    def __init__(self, description: str | bytes) -> None:
        super().__init__(UNKNOWN_ERROR_CODE, description)


#: Errors of the protocol itself, by their codes.
PROTOCOL_ERRORS: dict[bytes, type[AmpError]] = {UNHANDLED_ERROR_CODE: UnhandledCommand}
