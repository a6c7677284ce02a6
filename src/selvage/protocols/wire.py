"""The small services of the early Internet: echo, discard, chargen, daytime, time, quote of the day, who.  Floor 3.

Good for a first server and for testing a network; a public host answers none of them.

Twisted: `twisted.protocols.wire`, except where a class says otherwise.
"""

from __future__ import annotations

import struct
import time
from typing import Any

from selvage._publish import publish
from selvage.interfaces import IProducer, implementer
from selvage.protocols._protocol import Protocol

__all__ = ["QOTD", "Chargen", "Daytime", "Discard", "Echo", "Time", "Who"]

#: Seconds from 1900, where the time protocol begins to count, to 1970, where the system does (RFC 868).
_FROM_1900_TO_1970_S = 2208988800


class Echo(Protocol):
    """Sends everything back.  Source: RFC 862."""

    def dataReceived(self, data: bytes) -> None:
        """Send it back."""
        self.transport.write(data)


class Discard(Protocol):
    """Throws everything away.  Source: RFC 863."""

    def dataReceived(self, data: bytes) -> None:
        """Do nothing with it."""


@implementer(IProducer)
class Chargen(Protocol):
    """Sends characters for as long as the peer takes them.  Source: RFC 864."""

    #: What is sent each time.
    noise = b'@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~ !"#$%&?'

    def connectionMade(self) -> None:
        """Become the transport's pull producer."""
        transport: Any = self.transport
        transport.registerProducer(self, 0)

    def resumeProducing(self) -> None:
        """Send the next piece; called by the transport when the last one has left."""
        self.transport.write(self.noise)

    def pauseProducing(self) -> None:
        """Nothing: a pull producer sends only when asked."""

    def stopProducing(self) -> None:
        """Nothing: there is nothing to give back."""


class QOTD(Protocol):
    """Sends a quote of the day and closes.  Source: RFC 865."""

    def connectionMade(self) -> None:
        """Send the quote."""
        self.transport.write(self.getQuote())
        self.transport.loseConnection()

    def getQuote(self) -> bytes:
        """Hook: return the quote, at most 512 characters with the end of line."""
        return b"An apple a day keeps the doctor away.\r\n"


class Who(Protocol):
    """Sends the users that are logged in and closes.  Source: RFC 866."""

    def connectionMade(self) -> None:
        """Send the users."""
        self.transport.write(self.getUsers())
        self.transport.loseConnection()

    def getUsers(self) -> bytes:
        """Hook: return the users, one a line."""
        return b"root\r\n"


class Daytime(Protocol):
    """Sends date and time (UTC) as text and closes.  Source: RFC 867.

    Twisted: raises `TypeError` in place of an answer.
    """

    def connectionMade(self) -> None:
        """Send the time."""
        self.transport.write(time.asctime(time.gmtime(time.time())).encode("ascii") + b"\r\n")
        self.transport.loseConnection()


class Time(Protocol):
    """Sends the time as 32 bits and closes: seconds since 1900, UTC.  Source: RFC 868.

    Twisted: counts from 1970, which is 70 years off for any client that keeps the RFC.
    """

    def connectionMade(self) -> None:
        """Send the time."""
        self.transport.write(struct.pack("!I", (int(time.time()) + _FROM_1900_TO_1970_S) % 2**32))
        self.transport.loseConnection()


publish(globals())
