"""What a supervised program writes becomes log events, a line each.  Floor 5."""

from __future__ import annotations

from typing import Any

from selvage.failure import Failure
from selvage.protocols import ProcessProtocol
from selvage.protocols.basic import LineReceiver

__all__ = ["LineLogger", "LoggingProtocol"]


class LineLogger(LineReceiver):
    """Logs each line that a program writes to one of its streams.

    A line that is no UTF-8 is logged as the repr of its bytes; one longer than `MAX_LENGTH` in several pieces, so that a
    program which never ends its line costs no memory.

    Attributes:
        tag: the program's name; stream: "stdout" or "stderr"; service: has the `log` that the events go to.

    Twisted: `twisted.runner.procmon.LineLogger`, which goes silent after a line that is too long.
    """

    tag: str | None = None
    stream: str | None = None
    service: Any = None
    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        """Log one line."""
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            text = repr(line)
        self.service.log.info("[{tag}] {line}", tag=self.tag, line=text, stream=self.stream)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Log it in pieces."""
        for start in range(0, len(line), self.MAX_LENGTH):
            self.lineReceived(line[start : start + self.MAX_LENGTH])

    def flush(self) -> None:
        """Log what has come without an end of line; nothing more will."""
        if self._buffer:
            self.dataReceived(self.delimiter)


class LoggingProtocol(ProcessProtocol):
    """Logs what a program writes and tells the monitor when it has ended.

    Attributes:
        service: the `ProcessMonitor`; name: by which it knows the program.

    Twisted: `twisted.runner.procmon.LoggingProtocol`.
    """

    service: Any = None
    name: str | None = None

    def connectionMade(self) -> None:
        """Prepare for its output."""
        self._output = self._logger("stdout")
        self._errors = self._logger("stderr")

    def outReceived(self, data: bytes) -> None:
        """Log the lines of its standard output."""
        self._output.dataReceived(data)

    def errReceived(self, data: bytes) -> None:
        """Log the lines of its standard error."""
        self._errors.dataReceived(data)

    def processExited(self, reason: Failure) -> None:
        """Let go of the pipes of a program that had to be killed: children of its own may hold them for ever."""
        if self.service.was_killed(self):
            self.transport.loseConnection()

    def processEnded(self, reason: Failure) -> None:
        """Log what has come without an end of line, and tell the monitor."""
        self._output.flush()
        self._errors.flush()
        self.service.connectionLost(self.name)

    @property
    def output(self) -> LineLogger:
        """What logs the lines of its standard output."""
        return self._output

    @property
    def empty(self) -> bool:
        """Whether all of its standard output has been logged."""
        return not self._output._buffer

    def _logger(self, stream: str) -> LineLogger:
        logger = LineLogger()
        logger.tag, logger.stream, logger.service = self.name, stream, self.service
        return logger
