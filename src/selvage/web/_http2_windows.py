"""How much a client of HTTP/2 may send before it waits to be let.  Floor 4.

A client may have as much of a body under way as the window of its stream has left, and as that of the connection has for all
bodies together.  A stream begins with the 64 KiB of RFC 9113: little bodies need no more, and whoever does not read keeps no
more.  To a long body that is a wait each 32 KiB, for as long as it takes until client and server have run, and the line has
been passed, in turn.  So a stream whose body is taken as it comes, by who reads it or by the file that keeps it, is made wide.
A window cannot be taken back; therefore only so many streams of a connection are wide at a time.

What is kept for a connection is thus at most `WIDE_STREAMS` times `WIDE_BYTES`, and 64 KiB for each of its other streams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h2.exceptions
from h2.stream import StreamState

if TYPE_CHECKING:
    from selvage.web._http2 import H2Connection

__all__ = ["READ_BYTES", "WIDE_BYTES", "WIDE_STREAMS", "ReceiveWindows"]

#: Bytes of a body that have to be taken before its window is made wide.  A `RequestBody` keeps 64 KiB before it has the client wait,
#: so most of them were read by then; and what is shorter waits a few times at most.
READ_BYTES = 262144

#: Bytes of the window of a stream that is wide: 100 Mbit/s over 80 ms.
WIDE_BYTES = 1024 * 1024

#: So many streams of a connection are wide at a time: browsers upload few files at once.
WIDE_STREAMS = 4

#: Bytes of the window of all streams that are told to the client at once: an eighth of what it begins with.
_WORTH_A_FRAME = 8192


class ReceiveWindows:
    """Opens the windows of one connection, as bodies are read."""

    def __init__(self, connection: H2Connection) -> None:
        self._connection = connection
        self._to_open = 0  # bytes of the connection's window that are free again, and not worth a frame yet
        #: The streams that are; whoever is done with a stream takes it out, so that another one may be.
        self.wide: set[int] = set()
        self._all_wide = False  # the connection's own window is

    def acknowledge(self, streamID: int, length: int) -> None:
        """Let the client send so much more, on that stream and on all together; h2 says so when it is worth a frame."""
        try:
            self._connection.conn.acknowledge_received_data(length, streamID)
        except (h2.exceptions.ProtocolError, ValueError):
            pass  # nothing more can come on that stream

    def open_connection(self, length: int) -> None:
        """Let the client send so much more on all streams together; it is told when it is worth a frame."""
        self._to_open += length
        if self._to_open >= _WORTH_A_FRAME:
            length, self._to_open = self._to_open, 0
            self._open(length, None)

    def open_stream(self, streamID: int, length: int) -> None:
        """Let the client send so much more on one stream, and no more on others."""
        if length:
            self._open(length, streamID)

    def widen(self, streamID: int) -> None:
        """Make the window of a stream wide, unless it is, or enough others are: its body is read as it comes."""
        if streamID in self.wide or len(self.wide) >= WIDE_STREAMS:
            return
        conn = self._connection.conn
        stream = conn.streams.get(streamID)
        if stream is None or stream.state_machine.state is not StreamState.OPEN:
            return  # nothing more comes, or nobody wants it
        self.wide.add(streamID)
        if not self._all_wide:
            self._all_wide = True
            self._open(WIDE_STREAMS * WIDE_BYTES, None)
        self._open(WIDE_BYTES - conn.local_settings.initial_window_size, streamID)

    def _open(self, length: int, streamID: int | None) -> None:
        try:
            self._connection.conn.increment_flow_control_window(length, streamID)
        except h2.exceptions.ProtocolError:
            return  # nothing more can come there
        self._connection._write_control()
