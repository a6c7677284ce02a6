"""What speaks WebSocket: echoes; some words do more."""

from __future__ import annotations

from typing import Any

from selvage.failure import Failure
from tests.soak.ledger import crash, happened
from tests.soak.served.lines import FLOOD_BYTES

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


class Messages:
    """A push producer that sends messages until it is told to stop."""

    def __init__(self, transport: Any) -> None:
        self.transport = transport
        self.left = FLOOD_BYTES
        self.paused = False
        transport.attachProducer(self)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        self.paused = False
        while not self.paused and self.left > 0:
            self.transport.sendBytesMessage(b"x" * 10_000)
            self.left -= 10_000
        if self.left <= 0:
            self.transport.detachProducer()
            self.transport.loseConnection()

    def pauseProducing(self) -> None:
        self.paused = True

    def stopProducing(self) -> None:
        self.paused, self.left = True, 0


class Talks:
    def buildProtocol(self, request: Any) -> Talk:
        return Talk()
