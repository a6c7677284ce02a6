"""How a request of HTTP can end, besides well.  Floor 4; imports nothing of ours.

Twisted: the exceptions of `twisted.web._newclient`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = [
    "BadHeaders",
    "BadResponseVersion",
    "BodyTooLarge",
    "ConnectionAborted",
    "ExcessWrite",
    "HeadTooLarge",
    "ParseError",
    "RequestGenerationFailed",
    "RequestNotSent",
    "RequestTransmissionFailed",
    "ResponseDone",
    "ResponseFailed",
    "ResponseNeverReceived",
    "WrongBodyLength",
    "_WrapperException",
]

#: Octets of what the server sent that a message shows.
_SHOWN = 120


class BadHeaders(Exception):
    """The header fields of a request cannot be sent: there is not exactly one Host among them."""


class ExcessWrite(Exception):
    """A body producer wrote more than it had announced, or after it had said that it was done."""


class WrongBodyLength(Exception):
    """A body producer announced one length and wrote another."""


class ParseError(ValueError):
    """What the server sent is no response.

    Args:
        reason: what is wrong with it.
        data: the part at fault, as far as it is known.
    """

    def __init__(self, reason: str, data: bytes) -> None:
        super().__init__(reason, data)
        self.reason = reason
        self.data = data

    def __str__(self) -> str:
        shown = f": {self.data[:_SHOWN]!r}" if self.data else ""
        return self.reason + shown + ("..." if len(self.data) > _SHOWN else "")


class BadResponseVersion(ParseError):
    """The version at the beginning of a response is none."""


class HeadTooLarge(ParseError):
    """The header of a response, or what stands between the pieces of its body, is larger than is allowed.

    Args:
        what: the part that is too large.
        limit: how much of it is allowed.
        unit: what is counted.
    """

    def __init__(self, what: str, limit: int, unit: str = "octets") -> None:
        super().__init__(f"the response has more than {limit} {unit} of {what}", b"")
        self.what = what
        self.limit = limit
        self.unit = unit

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, self.limit, self.unit)


class BodyTooLarge(Exception):
    """The body of a response is larger than whoever asked for it allows.

    Args:
        limit: octets that are allowed.
        decoded: whether it is the body after decompression that is too large.
    """

    def __init__(self, limit: int, decoded: bool = False) -> None:
        super().__init__(limit, decoded)
        self.limit = limit
        self.decoded = decoded

    def __str__(self) -> str:
        what = "the decompressed body" if self.decoded else "the body"
        return f"{what} of the response has more than {self.limit} octets"


class ResponseDone(Exception):
    """The body of a response has been delivered, whole: the reason that a body's protocol is told of at its end."""


class ConnectionAborted(Exception):
    """The connection was ended by `HTTP11ClientProtocol.abort`."""


class RequestNotSent(Exception):
    """Nothing of the request was written, for the connection was busy or gone; it can be tried on another one."""


class _WrapperException(Exception):
    """An exception that stands for others.

    Args:
        reasons: Failures, the one that explains most first.
    """

    def __init__(self, reasons: Iterable[Any]) -> None:
        self.reasons = list(reasons)
        super().__init__(self.reasons)
        if self.reasons:
            self.__cause__ = getattr(self.reasons[0], "value", None)

    def __str__(self) -> str:
        return "; ".join(_words(getattr(reason, "value", reason)) for reason in self.reasons)


def _words(error: object) -> str:
    """Return the name of an exception and what it says."""
    said = str(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


class RequestGenerationFailed(_WrapperException):
    """The request could not be written whole, for what made it failed: its header, or its body producer."""


class RequestTransmissionFailed(_WrapperException):
    """The connection was lost while the request was being written."""


class ResponseFailed(_WrapperException):
    """There is no response, or not the whole of it.

    Args:
        reasons: as of `_WrapperException`.
        response: as much as there was of it: None unless its header had come.
    """

    def __init__(self, reasons: Iterable[Any], response: Any = None) -> None:
        super().__init__(reasons)
        self.response = response


class ResponseNeverReceived(ResponseFailed):
    """Not one octet of a response came."""
