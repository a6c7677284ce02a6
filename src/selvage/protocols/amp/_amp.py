"""The protocol that programs subclass: asks, answers, over a connection.  Floor 3."""

from __future__ import annotations

from typing import Any

from selvage.failure import Failure
from selvage.protocols._mention import mention
from selvage.protocols._protocol import connectionDone
from selvage.protocols.amp._connection import BinaryBoxProtocol
from selvage.protocols.amp._dispatch import BoxDispatcher
from selvage.protocols.amp._locators import CommandLocator, SimpleStringLocator
from selvage.protocols.amp._tls import StartTLS

__all__ = ["AMP"]


class AMP(BinaryBoxProtocol, BoxDispatcher, CommandLocator, SimpleStringLocator):
    """Both sides of a connection ask and answer:

        class Adder(AMP):
            @Sum.responder
            async def sum(self, a, b):
                return {"total": a + b}

        total = (await protocol.callRemote(Sum, a=1, b=2))["total"]

    Args:
        boxReceiver: who takes boxes; itself by default.
        locator: who knows the responders; itself by default.

    Twisted: `twisted.protocols.amp.AMP`.
    """

    _ampInitialized = False

    def __init__(self, boxReceiver: Any = None, locator: Any = None) -> None:
        self._ampInitialized = True
        BoxDispatcher.__init__(self, self if locator is None else locator)
        BinaryBoxProtocol.__init__(self, self if boxReceiver is None else boxReceiver)

    def __repr__(self) -> str:
        inner = f" inner {self.innerProtocol!r}" if self.innerProtocol is not None else ""
        return f"<{type(self).__name__}{inner} at 0x{id(self):x}>"

    def locateResponder(self, name: bytes) -> Any:
        """Return what responds to a command: what was declared for it, else the method `amp_NAME`."""
        return CommandLocator.locateResponder(self, name) or SimpleStringLocator.locateResponder(self, name)

    @StartTLS.responder
    def _encrypt(self) -> dict[str, Any]:
        """Encrypt when asked to, without a certificate that could be checked; subclasses respond with one."""
        return {}

    def makeConnection(self, transport: Any) -> None:
        """Begin, also where a subclass has not called our `__init__`."""
        if not self._ampInitialized:
            AMP.__init__(self)
        self._transportPeer, self._transportHost = transport.getPeer(), transport.getHost()
        mention(
            self,
            "{source} connection established (HOST:{host} PEER:{peer})",
            source=type(self).__name__,
            host=self._transportHost,
            peer=self._transportPeer,
        )
        BinaryBoxProtocol.makeConnection(self, transport)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End: what has no answer fails."""
        mention(
            self,
            "{source} connection lost (HOST:{host} PEER:{peer})",
            source=type(self).__name__,
            host=self._transportHost,
            peer=self._transportPeer,
        )
        BinaryBoxProtocol.connectionLost(self, reason)
