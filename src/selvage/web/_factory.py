"""What makes HTTP channels: one protocol for all versions, and the factory with its access log.  Floor 4."""

from __future__ import annotations

import os
from io import BufferedIOBase, TextIOWrapper
from typing import IO, TYPE_CHECKING, Any

from selvage.failure import Failure, report
from selvage.interfaces import IProtocol, implementer
from selvage.logger import globalLogBeginner
from selvage.protocols import ServerFactory, connectionDone
from selvage.reactor import get_reactor
from selvage.web._access_log import combinedLogFormatter
from selvage.web._channel import HTTPChannel
from selvage.web._dates import datetimeToLogString
from selvage.web._head import HeadParser
from selvage.web._request import _REQUEST_TIMEOUT

if TYPE_CHECKING:
    from selvage.interfaces import IAddress

__all__ = ["H2_ENABLED", "HTTPFactory"]

#: Whether HTTP/2 can be negotiated.
H2_ENABLED = True

#: What HTTP/2 begins with, as far as it is needed to tell it from a request of HTTP/1.
_PREFACE = b"PRI "


@implementer(IProtocol)
class _GenericHTTPChannelProtocol:
    """Speaks the version of HTTP that TLS has negotiated; HTTP/1 where nothing was.

    What it is told it tells the channel; it steps out of the way once the version is known.

    Args:
        channel: speaks HTTP/1, and is replaced when another version was negotiated.
    """

    _negotiatedProtocol: bytes | None = None
    _begun = b""  # input in which the preface of HTTP/2 may have begun

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def dataReceived(self, data: bytes) -> None:
        """Find out which version is spoken, and hand on; called until that is known."""
        if self._negotiatedProtocol is None:
            data = self._begun + data
            if len(data) < len(_PREFACE) and _PREFACE.startswith(data) and self._channel.strict:
                self._begun = data
                return
            self._negotiate(data)
        self.__dict__["dataReceived"] = self._channel.dataReceived
        self._channel.dataReceived(data)

    def _negotiate(self, data: bytes) -> None:
        negotiated = getattr(self._channel.transport, "negotiatedProtocol", None)
        if negotiated is None:
            # Who knows already that HTTP/2 is spoken here begins with its preface.
            negotiated = b"h2" if data.startswith(_PREFACE) and self._channel.strict else b"http/1.1"
        if negotiated == b"h2":
            self._channel = _upgrade_to_http2(self._channel)
        else:
            assert negotiated in (b"http/1.1", b"http/1.0"), (
                f"TLS has negotiated {negotiated!r}, which is not spoken here"
            )
        self._negotiatedProtocol = negotiated

    def makeConnection(self, transport: Any) -> None:
        """Hand on."""
        self._channel.makeConnection(transport)

    def connectionMade(self) -> None:
        """Hand on."""
        self._channel.connectionMade()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Hand on."""
        self.__dict__.pop("dataReceived", None)
        self._channel.connectionLost(reason)

    def logPrefix(self) -> str:
        """Hand on."""
        return str(self._channel.logPrefix())


def _of_channel(name: str) -> property:
    """Return an attribute that is the channel's."""

    def get(self: Any) -> Any:
        return getattr(self._channel, name)

    def set(self: Any, value: Any) -> None:
        setattr(self._channel, name, value)

    return property(get, set)


for _name in ("factory", "requestFactory", "site", "timeOut", "callLater", "transport", "connected"):
    setattr(_GenericHTTPChannelProtocol, _name, _of_channel(_name))


def _upgrade_to_http2(channel: Any) -> Any:
    """Return a channel that speaks HTTP/2, on the same transport and with the same settings as `channel`."""
    # Loaded by those who use it: most servers speak HTTP/1 behind a proxy.
    from selvage.web._http2 import H2Connection

    clock = getattr(channel.callLater, "__self__", None)
    new = H2Connection(clock if hasattr(clock, "seconds") else None)
    new.requestFactory = channel.requestFactory
    new.site = channel.site
    new.factory = channel.factory
    new.strict = channel.strict
    new.limits = channel.limits
    if clock is not channel:
        new.callLater = channel.callLater  # type: ignore[method-assign]
    new.timeOut = channel.timeOut
    transport = channel.transport
    channel._let_go()
    channel._tell_site("_channel_gone")
    new.makeConnection(transport)
    new.watch()
    return new


def _genericHTTPChannelProtocolFactory(self: Any) -> _GenericHTTPChannelProtocol:
    """Return a protocol for one connection."""
    return _GenericHTTPChannelProtocol(HTTPChannel())


class HTTPFactory(ServerFactory[Any]):
    """Makes HTTP channels and keeps the access log.

    Args:
        logPath: the file for the access log; by default it goes to the program's log.
        timeout: seconds without input while input is due, after which a connection is closed; None for never.
        logFormatter: makes the lines, see `IAccessLogFormatter`; by default Apache's combined form.
        reactor: keeps the time.

    Twisted: `twisted.web.http.HTTPFactory`.
    """

    protocol = _genericHTTPChannelProtocolFactory

    logPath: str | bytes | None = None
    timeOut: float | None = _REQUEST_TIMEOUT

    _logFile: Any = None
    _program_log: Any = None  # the program's log as a file, where that is the access log
    #: The time in the access log, where somebody keeps it himself.
    _logDateTime: str | None = None
    _logDateTimeCall: Any = None

    def __init__(
        self,
        logPath: str | bytes | None = None,
        timeout: float | None = _REQUEST_TIMEOUT,
        logFormatter: Any = None,
        reactor: Any = None,
    ) -> None:
        self.logPath = None if logPath is None else os.path.abspath(logPath)
        self.timeOut = timeout
        self._logFormatter = combinedLogFormatter if logFormatter is None else logFormatter
        self._reactor = get_reactor() if reactor is None else reactor
        self._parser = HeadParser()
        self._stamp_second = -1
        self._stamp = ""

    @property
    def reactor(self) -> Any:
        """What keeps the time."""
        return self._reactor

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Return a channel with the settings of this factory."""
        protocol = super().buildProtocol(addr)
        channel: Any = getattr(protocol, "_channel", protocol)
        channel.callLater = self._reactor.callLater
        channel._parser = self._parser
        # Just before the connection, so that it is what programs set last.
        channel.timeOut = self.timeOut
        return protocol

    # --- The access log ----------------------------------------------------------------------------------------

    def startFactory(self) -> None:
        """Open the access log.  Called before the first connection."""
        if self._logFile is None:
            if self.logPath is not None:
                self._logFile = self._openLogFile(self.logPath)
            else:
                from selvage.logger import classic

                self._logFile = self._program_log = classic.logfile

    def stopFactory(self) -> None:
        """Close the access log.  Called after the last connection."""
        logFile, self._logFile = self._logFile, None
        if logFile is not None and self.logPath is not None:
            logFile.close()

    def _openLogFile(self, path: str | bytes) -> IO[str]:
        """Hook: open the access log; lines are to be written at once."""
        return open(path, "a", 1, encoding="utf-8", newline="")

    def _get_logFile(self) -> Any:
        """The file of the access log, from `startFactory` on; one of bytes is wrapped when it is set."""
        if self._logFile is None:
            raise AttributeError("the access log is not open: startFactory() opens it")
        return self._logFile

    def _set_logFile(self, file: Any) -> None:
        if isinstance(file, BufferedIOBase):
            file = TextIOWrapper(file, "utf-8", write_through=True, newline="\n")
        self._logFile = file

    logFile = property(_get_logFile, _set_logFile)

    def log(self, request: Any) -> None:
        """Write the line of a finished request.

        Where the access log is the program's log, and that wants no such lines, none is made.  A line that cannot be made or
        written (the disk is full) is reported and lost: the request was answered, and the next one shall be.
        """
        file = self._logFile
        if file is None:
            return
        if self._program_log is file and not (globalLogBeginner.has_begun and file.log._gate.info):
            return
        try:
            line = self._logFormatter(self._logDateTime or self._timestamp(), request)
            if line is not None:
                file.write(line + "\n")
        except Exception:
            report(Failure(), "A line of the access log is lost", source="web", factory=self)

    def _timestamp(self) -> str:
        now = self._reactor.seconds()
        second = int(now)
        if second != self._stamp_second:
            self._stamp_second = second
            self._stamp = datetimeToLogString(now)
        return self._stamp
