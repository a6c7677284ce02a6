"""Writing down what connections read and write.  Floor 3."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from selvage.failure import Failure
from selvage.protocols._mention import mention
from selvage.protocols._protocol import connectionDone
from selvage.protocols._wrapping import ProtocolWrapper, WrappingFactory

if TYPE_CHECKING:
    from selvage.interfaces import IAddress


__all__ = ["SpewingFactory", "SpewingProtocol", "TrafficLoggingFactory", "TrafficLoggingProtocol"]


class SpewingProtocol(ProtocolWrapper):
    """Mentions to the log all that is read and written."""

    def dataReceived(self, data: bytes) -> None:
        """Mention and hand on."""
        mention(self, "Received: {data!r}", data=data)
        super().dataReceived(data)

    def write(self, data: bytes) -> None:
        """Mention and send."""
        mention(self, "Sending: {data!r}", data=data)
        super().write(data)


class SpewingFactory(WrappingFactory[Any]):
    """Mentions to the log all that its connections read and write."""

    protocol = SpewingProtocol


class TrafficLoggingProtocol(ProtocolWrapper):
    """Writes all that is read (C for the client) and written (S for the server) to a text file.

    Args:
        logfile: the file.
        lengthLimit: data longer than this many bytes is cut short; None for no limit.
        number: of this connection, for the file.
        factory: and wrappedProtocol: as for `ProtocolWrapper`.
    """

    _ELIDED = b"<... elided>"

    def __init__(
        self,
        factory: Any,
        wrappedProtocol: Any,
        logfile: Any,
        lengthLimit: int | None = None,
        number: int = 0,
    ) -> None:
        super().__init__(factory, wrappedProtocol)
        self.logfile = logfile
        self.lengthLimit = lengthLimit
        self._number = number

    def _log(self, line: str) -> None:
        self.logfile.write(line + "\n")
        self.logfile.flush()

    def _shortened(self, data: bytes) -> bytes:
        limit = self.lengthLimit
        if limit is None or len(data) <= limit:
            return data
        return data[: max(0, limit - len(self._ELIDED))] + self._ELIDED

    def connectionMade(self) -> None:
        """Record the beginning."""
        self._log("*")

    def write(self, data: bytes) -> None:
        """Record and send."""
        self._log(f"S {self._number}: {self._shortened(data)!r}")
        super().write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Record and send the joined pieces."""
        pieces = list(iovec)
        self._log(f"SV {self._number}: {[self._shortened(piece) for piece in pieces]!r}")
        super().writeSequence(pieces)

    def dataReceived(self, data: bytes) -> None:
        """Record and hand on."""
        self._log(f"C {self._number}: {self._shortened(data)!r}")
        super().dataReceived(data)

    def loseConnection(self) -> None:
        """Record and close."""
        self._log(f"S {self._number}: *")
        super().loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Record the end."""
        self._log(f"C {self._number}: {reason!r}")
        super().connectionLost(reason)


class TrafficLoggingFactory(WrappingFactory[Any]):
    """Writes all that its connections read and write to files, one each.

    Args:
        wrappedFactory: builds the protocols.
        logfilePrefix: the files are called this, a hyphen and a number.
        lengthLimit: data longer than this many bytes is cut short; None for no limit.
    """

    protocol = TrafficLoggingProtocol

    _counter = 0

    def __init__(self, wrappedFactory: Any, logfilePrefix: str, lengthLimit: int | None = None) -> None:
        self.logfilePrefix = logfilePrefix
        self.lengthLimit = lengthLimit
        super().__init__(wrappedFactory)

    def open(self, name: str) -> Any:
        """Hook: open the file of one connection."""
        return open(name, "w")

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Wrap what the wrapped factory builds, and open a file for it."""
        protocol = self.wrappedFactory.buildProtocol(addr)
        if protocol is None:
            return None
        self._counter += 1
        logfile = self.open(f"{self.logfilePrefix}-{self._counter}")
        return self._wrap(protocol, logfile, self.lengthLimit, self._counter)

    def resetCounter(self) -> None:
        """Begin to number at 1 again."""
        self._counter = 0
