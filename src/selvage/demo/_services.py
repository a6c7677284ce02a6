"""The two services of the demonstration: the guide's reverse echo, and a line echo with a bug in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selvage.protocols import Factory
from selvage.protocols.basic import Int32StringReceiver, LineReceiver

if TYPE_CHECKING:
    from selvage.failure import Failure
    from selvage.interfaces import IAddress

    from ._story import Story

# The longest string that the reverse echo takes: a demonstration needs no more, and a limit is easy to watch.
STRING_LIMIT_BYTES = 64 * 1024

FATAL_WORD = b"boom"


class DemoFactory(Factory):
    """Counts the connections of one service and tells the story what happens on them."""

    def __init__(self, service: str, protocol: type[ReverseEcho | LineEcho], story: Story) -> None:
        self.service = service
        self.make = protocol
        self.story = story
        self.noisy = False
        self.open = 0

    def buildProtocol(self, addr: IAddress) -> ReverseEcho | LineEcho:
        protocol = self.make()
        protocol.factory = self
        protocol.peer = str(getattr(addr, "port", addr))
        return protocol

    def connected(self, peer: str) -> None:
        self.open += 1
        self.story.connected(self.service, peer)

    def lost(self, peer: str, reason: Failure) -> None:
        self.open -= 1
        self.story.disconnected(self.service, peer, reason)


class ReverseEcho(Int32StringReceiver):
    """Send each length-prefixed string back reversed (chapter 3.2.2 of the guide)."""

    MAX_LENGTH = STRING_LIMIT_BYTES
    factory: DemoFactory
    peer: str

    def connectionMade(self) -> None:
        self.factory.connected(self.peer)

    def stringReceived(self, string: bytes) -> None:
        self.factory.story.said(self.factory.service, self.peer, string)
        self.sendString(string[::-1])

    def lengthLimitExceeded(self, length: int) -> None:
        self.factory.story.refused(
            self.factory.service, self.peer, f"{length:,} bytes announced, the limit is {self.MAX_LENGTH:,}"
        )
        super().lengthLimitExceeded(length)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        self.factory.lost(self.peer, reason)


class LineEcho(LineReceiver):
    """Send each line back; one word trips over a bug, as the first release of any program does.

    Lines end in LF, and a CR before it is taken as part of the end: telnet sends both, nc one.
    """

    delimiter = b"\n"
    factory: DemoFactory
    peer: str

    def connectionMade(self) -> None:
        self.factory.connected(self.peer)

    def lineReceived(self, line: bytes) -> None:
        text = line.removesuffix(b"\r")
        self.factory.story.said(self.factory.service, self.peer, text)
        if text == FATAL_WORD:
            raise RuntimeError("this handler has a bug: it cannot bear the word 'boom'")
        self.sendLine(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        self.factory.story.refused(
            self.factory.service,
            self.peer,
            f"a line of {len(line):,} bytes and more, the limit is {self.MAX_LENGTH:,}",
        )
        super().lineLengthExceeded(line)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        self.factory.lost(self.peer, reason)
