"""Bodies of HTTP/2 requests that nobody reads any more.  Floor 4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selvage.web._http2 import H2Connection

__all__ = ["UnreadBodies"]

#: Seconds in which a client that has its answer may still send its body, before it is told to stop.  Most end it themselves; who
#: is told at once may not see the answer (curl 7.88), and who is never told may wait for that for ever (curl 7.88 as well).
_UNREAD_S = 1


class UnreadBodies:
    """Drops what comes of bodies whose requests are answered, or that are no good.

    A client sends on until it has seen its answer; what is on its way by then is taken, up to `Limits.discard_bytes` of each.  Who
    sends more, or nothing and no end either, is told to stop: the stream is reset without an error (RFC 9113 section 8.1).
    """

    def __init__(self, connection: H2Connection) -> None:
        self._connection = connection
        self._left: dict[int, int] = {}  # bytes that are still taken, by stream
        self._calls: dict[int, Any] = {}  # which tell the client to stop

    def begin(self, streamID: int) -> None:
        """Drop what comes of a body from now on."""
        self._left.setdefault(streamID, self._connection.limits.discard_bytes)

    def take(self, streamID: int, length: int) -> None:
        """Drop a piece."""
        connection, left = self._connection, self._left.get(streamID)
        if left is None or left >= length:
            connection.windows.acknowledge(streamID, length)
        else:
            connection.windows.open_connection(length)
        if left is not None:
            self._left[streamID] = left - length
            if left < length and streamID not in connection.streams:
                connection._reset(streamID)

    def answered(self, streamID: int) -> None:
        """Take notice that all of an answer is sent."""
        left = self._left.get(streamID)
        if left is None:
            return
        connection = self._connection
        if left < 0:
            connection._reset(streamID)
        elif connection.strict:
            self._calls[streamID] = connection.callLater(_UNREAD_S, lambda: connection._reset(streamID))

    def ended(self, streamID: int) -> None:
        """Take notice that nothing more comes."""
        self._left.pop(streamID, None)
        call = self._calls.pop(streamID, None)
        if call is not None and call.active():
            call.cancel()

    def forget(self) -> None:
        """Be done with all of them: the connection is lost."""
        for streamID in list(self._left):
            self.ended(streamID)
