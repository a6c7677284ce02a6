"""Protocols that speak in lines.  Floor 3; the cutting is in `_framing.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage.protocols._framing import LineBuffer
from selvage.protocols._pausing import _WatchedPause
from selvage.protocols._protocol import Protocol

__all__ = ["LineOnlyReceiver", "LineReceiver"]


class _Open:
    """Stands for a transport that cannot tell whether it is closing."""

    disconnecting = False


_OPEN = _Open()


def _refuse_text(line: object) -> TypeError:
    return TypeError(
        f"sendLine() takes bytes, not {type(line).__name__}: encode it, as in sendLine(text.encode())"
    )


class _LineProtocol(Protocol):
    """What both line protocols share: the delimiter, the limit and the buffer."""

    #: What ends a line; may be changed at any time and holds from the next line on.
    delimiter = b"\r\n"
    #: Most bytes of a line, the delimiter not counted.  16 KiB is Twisted's figure; mail allows 998 bytes, HTTP
    #: servers usually 8 KiB.
    MAX_LENGTH = 16384

    _line_buffer: LineBuffer | None = None

    @property
    def _buffer(self) -> bytes:
        """Every byte that was received and not delivered yet; subclasses written for Twisted read and set it."""
        buffer = self._line_buffer
        return b"" if buffer is None else buffer.peek()

    @_buffer.setter
    def _buffer(self, data: bytes) -> None:
        buffer = self._line_buffer
        if buffer is None:
            buffer = self._line_buffer = LineBuffer()
        buffer.take()
        buffer.add(data)

    def take_unread(self) -> bytes:
        """Give out what was received and not delivered, and forget it.

        `startTLS` asks: what came in the clear must not pass for what came encrypted.
        """
        buffer = self._line_buffer
        return b"" if buffer is None else buffer.take()

    def lineReceived(self, line: bytes) -> Any:
        """Hook: called with each line, its delimiter removed; has to be overridden.

        Returns: nothing; a true value ends the delivery and is what `dataReceived` returns.
        """
        raise NotImplementedError(f"{type(self).__name__} has to override lineReceived()")

    def lineLengthExceeded(self, line: bytes) -> Any:
        """Hook: called instead of `lineReceived` when a line is longer than `MAX_LENGTH`; the base version closes.

        Args:
            line: the line, or as much of it as was received.
        """
        return self.transport.loseConnection()


class LineOnlyReceiver(_LineProtocol):
    """A protocol that receives lines and nothing else.

    Twisted: `twisted.protocols.basic.LineOnlyReceiver`; a delimiter that is split between two segments does not count
    against `MAX_LENGTH`.
    """

    def dataReceived(self, data: bytes) -> Any:
        """Deliver each complete line to `lineReceived`, in order, until the transport is told to close."""
        buffer = self._line_buffer
        if buffer is None:
            buffer = self._line_buffer = LineBuffer()
        if buffer.busy:
            buffer.add(data)
            return None
        buffer.busy = True
        try:
            while True:
                transport = self.transport
                watched = transport if hasattr(transport, "disconnecting") else _OPEN
                if watched.disconnecting:
                    return None
                delimiter = self.delimiter
                limit = self.MAX_LENGTH
                # Fast path: one line, one call, and the tests whether anything changed meanwhile.
                for line in buffer.cut(data, delimiter, limit):
                    self.lineReceived(line)
                    if watched.disconnecting or self.delimiter is not delimiter or limit != self.MAX_LENGTH:
                        buffer.recall()
                        break
                if buffer.overlong:
                    line, _, rest = buffer.take().partition(delimiter)
                    buffer.add(rest)
                    result = self.lineLengthExceeded(line)
                    if result:
                        return result
                if not buffer.unsettled:
                    return None
                data = b""
        except BaseException:
            buffer.recall()
            raise
        finally:
            buffer.busy = False

    def sendLine(self, line: bytes) -> Any:
        """Send `line` and the delimiter."""
        try:
            return self.transport.writeSequence((line, self.delimiter))
        except TypeError:
            if isinstance(line, str):
                raise _refuse_text(line) from None
            raise


class LineReceiver(_LineProtocol, _WatchedPause):
    """A protocol that receives lines, and raw data when it wants to; it can be paused between any two lines.

    Hooks: `lineReceived`, `rawDataReceived`, `lineLengthExceeded`, and those of `Protocol` except `dataReceived`.

    Each hook may change the mode, the delimiter or the limit, pause, or close the transport: the very next line or
    byte is treated accordingly, though it may have arrived in the same segment.  After the transport was told to
    close no further line is delivered.

    Twisted: `twisted.protocols.basic.LineReceiver`.
    """

    _watched = ("paused", "line_mode")
    _line_mode: Any = 1

    if TYPE_CHECKING:
        #: 1 (or anything true) for lines, 0 for raw data.
        line_mode: Any = 1
    else:

        @property
        def line_mode(self):
            return self._line_mode

        @line_mode.setter
        def line_mode(self, mode):
            self._line_mode = mode
            self._interrupt()

    def _interrupt(self) -> None:
        """Make the delivery that is going on look again at how to treat what follows."""
        buffer = self._line_buffer
        if buffer is not None and buffer.busy:
            buffer.recall()

    def clearLineBuffer(self) -> bytes:
        """Take all bytes that were received and not delivered; may be called from within any hook."""
        return self.take_unread()

    def dataReceived(self, data: bytes) -> Any:
        """Deliver what arrived, to `lineReceived` or `rawDataReceived`, whichever mode holds at that byte.

        Context: may be called from within a hook; `data` is then delivered after what waits already.
        """
        buffer = self._line_buffer
        if buffer is None:
            buffer = self._line_buffer = LineBuffer()
        if buffer.busy or self.paused:
            buffer.add(data)
            return None
        buffer.busy = True
        try:
            while True:
                result = None
                transport = self.transport
                watched = transport if hasattr(transport, "disconnecting") else _OPEN
                if buffer.closed is watched:
                    return None
                # A transport that is closing already belongs to somebody who wants to hear the rest; it does not
                # happen on connections.
                opened = not watched.disconnecting
                if self.line_mode:
                    delimiter = self.delimiter
                    limit = self.MAX_LENGTH
                    # Fast path: one line, one call, and the tests whether anything changed meanwhile.
                    for line in buffer.cut(data, delimiter, limit):
                        result = self.lineReceived(line)
                        if (
                            result
                            or watched.disconnecting
                            or self.delimiter is not delimiter
                            or limit != self.MAX_LENGTH
                        ):
                            buffer.recall()
                            break
                    if buffer.overlong:
                        result = self.lineLengthExceeded(buffer.take())
                else:
                    buffer.add(data)
                    data = buffer.take()
                    if data:
                        result = self.rawDataReceived(data)
                if watched.disconnecting:
                    if opened:
                        buffer.closed = watched
                    return result
                if result:
                    return result
                if not buffer.unsettled or self.paused:
                    return None
                data = b""
        except BaseException:
            buffer.recall()
            raise
        finally:
            buffer.busy = False

    def setLineMode(self, extra: bytes = b"") -> Any:
        """From now on deliver lines.

        Args:
            extra: bytes that `rawDataReceived` was given and that belong to the lines.
        """
        self.line_mode = 1
        if extra:
            return self.dataReceived(extra)
        return None

    def setRawMode(self) -> None:
        """From now on deliver raw data, beginning with what follows the current line."""
        self.line_mode = 0

    def rawDataReceived(self, data: bytes) -> Any:
        """Hook: called in raw mode with whatever has arrived; has to be overridden by who uses raw mode.

        Returns: nothing; a true value ends the delivery and is what `dataReceived` returns.
        """
        raise NotImplementedError(f"{type(self).__name__} has to override rawDataReceived() to use raw mode")

    def sendLine(self, line: bytes) -> Any:
        """Send `line` and the delimiter."""
        try:
            return self.transport.write(line + self.delimiter)
        except TypeError:
            if isinstance(line, str):
                raise _refuse_text(line) from None
            raise
