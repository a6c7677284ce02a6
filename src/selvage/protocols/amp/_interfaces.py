"""Who sends boxes, who receives them, who responds to commands.  Floor 3."""

from __future__ import annotations

from typing import Any

from selvage.failure import Failure
from selvage.interfaces._base import Interface, Protocol

__all__ = ["IArgumentType", "IBoxReceiver", "IBoxSender", "IResponderLocator"]


class IArgumentType(Interface, Protocol):
    """How one argument of a command, or one part of its answer, is written and read."""

    def fromBox(
        self, name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any
    ) -> object:
        """Take the value called `name` out of `strings`, read it and put it into `objects`."""

    def toBox(self, name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> object:
        """Take the value out of `objects`, write it and put it into `strings` as `name`."""


class IBoxSender(Interface, Protocol):
    """A connection, as seen by who has boxes to send."""

    def sendBox(self, box: Any) -> object:
        """Send a box.

        Raises:
            ProtocolSwitched: the connection speaks another protocol.
            ConnectionLost: there is none any more.
        """

    def unhandledError(self, failure: Failure) -> object:
        """Deal with an error for which nobody else is there."""


class IBoxReceiver(Interface, Protocol):
    """What boxes are given to."""

    def startReceivingBoxes(self, boxSender: Any) -> object:
        """Called first, and once, with what sends boxes."""

    def ampBoxReceived(self, box: Any) -> object:
        """Called with each box."""

    def stopReceivingBoxes(self, reason: Failure) -> object:
        """Called last, and once, with the reason why no more boxes come."""


class IResponderLocator(Interface, Protocol):
    """What knows who responds to which command."""

    def locateResponder(self, name: bytes) -> Any:
        """Return what takes the box of a command and returns that of the answer, or a Deferred of it; None for nobody."""
