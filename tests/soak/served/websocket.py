"""What speaks WebSocket: echoes; some words do more."""

from __future__ import annotations

from typing import Any

from selvage.failure import Failure
from tests.soak.ledger import crash, happened
from tests.soak.served.lines import Flood

__all__ = ["Talks"]


class Talk:
    """One connection."""

    def negotiationStarted(self, transport: Any) -> None:
        self.transport = transport
        happened["connected"] += 1

    def negotiationFinished(self) -> None:
        pass

    def textMessageReceived(self, message: str) -> None:
        if message == "crash":
            crash("textMessageReceived")
        elif message == "goodbye":
            self.transport.loseConnection()
        elif message == "flood":
            Messages(self.transport)
        else:
            self.transport.sendTextMessage(message)

    def bytesMessageReceived(self, data: bytes) -> None:
        self.transport.sendBytesMessage(data)

    def pongReceived(self, payload: bytes) -> None:
        pass

    def connectionLost(self, reason: Failure) -> None:
        happened["lost"] += 1


class Messages(Flood):
    """The same flood in messages."""

    def attach(self) -> None:
        self.transport.attachProducer(self)

    def detach(self) -> None:
        self.transport.detachProducer()

    def send(self, piece: bytes) -> None:
        self.transport.sendBytesMessage(piece)


class Talks:
    def buildProtocol(self, request: Any) -> Talk:
        return Talk()
