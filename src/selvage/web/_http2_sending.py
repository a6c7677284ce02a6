"""What waits to be sent of the answers of an HTTP/2 connection.  Floor 4.

Data is queued by stream and sent in the next turn of the loop, one frame of each stream after the other, as far as windows and
transport allow.  Priorities are not kept (RFC 9113 has given them up): streams take turns.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import h2.exceptions

from selvage.web._http2_floods import UPDATES_PER_FRAME

if TYPE_CHECKING:
    from selvage.web._http2 import H2Connection

__all__ = ["WaitingAnswers"]

#: Bytes written at once; more of one stream waits until the others had their turn.
_AT_ONCE = 65536

#: Bytes that a client must take of what waits for it within `Limits.stall_s`: a modem's hundredth, so nobody who reads is hit.
_PROGRESS_BYTES = 4096

#: Stands for the end of an answer in the queue of its stream.
_END = None


class WaitingAnswers:
    """Queues what streams write and sends it; cuts off a client that does not take it.

    While the answer waits for the client a stall has a deadline, which a few bytes now and then do not put off (CVE-2019-9511).
    """

    def __init__(self, connection: H2Connection) -> None:
        self._connection = connection
        self._pieces: dict[int, deque[bytes | None]] = {}  # by stream
        self._sizes: dict[int, int] = {}  # bytes that wait, by stream
        self._ended_now: list[int] = []  # streams whose end is among what is being sent
        self._taken = 0  # bytes that the client has taken since the stall began
        self._send_call: Any = None
        self._stall_call: Any = None

    # --- Queues ------------------------------------------------------------------------------------------------

    def begin(self, streamID: int) -> None:
        """Make room for an answer."""
        self._pieces[streamID] = deque()
        self._sizes[streamID] = 0

    def forget(self, streamID: int) -> None:
        """Drop what waits of an answer."""
        self._pieces.pop(streamID, None)
        self._sizes.pop(streamID, None)

    def write(self, streamID: int, data: bytes) -> None:
        """Queue a piece of an answer."""
        queue = self._pieces.get(streamID)
        if queue is None:
            return
        self._connection.resetTimeout()
        queue.append(bytes(data))
        self._sizes[streamID] += len(data)
        if not self.takes_more(streamID):
            self._connection.streams[streamID].flowControlBlocked()
        self.send_later()

    def end(self, streamID: int) -> None:
        """Queue the end of an answer."""
        queue = self._pieces.get(streamID)
        if queue is not None:
            queue.append(_END)
            self.send_later()

    def remaining_window(self, streamID: int) -> int:
        """Return how many bytes the client still takes, those that wait taken off."""
        try:
            window = int(self._connection.conn.local_flow_control_window(streamID))
        except h2.exceptions.ProtocolError:
            return 0
        return window - self._sizes.get(streamID, 0)

    def takes_more(self, streamID: int) -> bool:
        """Tell whether a stream's producer is to go on: the window has room, and little waits to be sent.

        The window alone is no bound: it is the client who makes it, as wide as 2 GiB, and then need not read.
        """
        return self._sizes.get(streamID, 0) < _AT_ONCE and self.remaining_window(streamID) > 0

    # --- Sending -----------------------------------------------------------------------------------------------

    def send_later(self) -> None:
        """Send in the next turn of the loop, unless the transport is full."""
        connection = self._connection
        if self._send_call is None and connection._stillProducing and connection._consumerBlocked is None:
            self._send_call = connection.callLater(0, self._send)

    def _send(self) -> None:
        """Send what waits, one frame of each stream after the other, as far as it goes."""
        connection = self._connection
        self._send_call = None
        pieces: list[bytes] = []
        size = 0
        self._ended_now = []
        progress = True
        while progress and size < _AT_ONCE:
            progress = False
            for streamID in [each for each, queue in self._pieces.items() if queue]:
                if self._send_frame(streamID):
                    progress = True
            pieces.append(connection.conn.data_to_send())
            size += len(pieces[-1])
        if not size:
            self.wait_for_client()
            return
        if progress:
            connection.resetTimeout()
        self._taken += size
        if self._taken >= _PROGRESS_BYTES or not any(self._pieces.values()):
            self.client_takes()
        connection.transport.write(b"".join(pieces))
        for streamID in self._ended_now:
            connection.unread.answered(streamID)
            connection._forget(streamID)
        for stream in list(connection.streams.values()):
            stream.windowUpdated()
        if progress:
            self.send_later()
        else:
            self.wait_for_client()

    def _send_frame(self, streamID: int) -> bool:
        """Have h2 make one frame of what waits for a stream; return whether it could."""
        connection = self._connection
        conn = connection.conn
        queue = self._pieces.get(streamID)
        if not queue:
            return False
        piece = queue[0]
        try:
            if piece is _END:
                trailers = connection.streams[streamID].response_trailers
                if trailers:
                    conn.send_headers(streamID, trailers, end_stream=True)
                else:
                    conn.end_stream(streamID)
                self._ended_now.append(streamID)
                queue.clear()
                return True
            room = min(conn.local_flow_control_window(streamID), conn.max_outbound_frame_size)
            if room <= 0:
                return False
            if len(piece) <= room:
                queue.popleft()
            else:
                queue[0] = piece[room:]
                piece = piece[:room]
            conn.send_data(streamID, piece)
        except h2.exceptions.ProtocolError:
            connection._forget(streamID)  # reset meanwhile
            return True
        self._sizes[streamID] -= len(piece)
        connection._floods.updates_due += UPDATES_PER_FRAME
        return True

    # --- A client that does not take it ------------------------------------------------------------------------

    def wait_for_client(self) -> None:
        """Begin to count the time in which the client takes nothing of what waits for it."""
        connection = self._connection
        patience = connection.limits.stall_s
        if (
            connection.strict
            and patience is not None
            and self._stall_call is None
            and any(self._pieces.values())
        ):
            self._taken = 0
            self._stall_call = connection.callLater(patience, self._stalled)

    def client_takes(self) -> None:
        """Count that time no longer."""
        call, self._stall_call = self._stall_call, None
        _cancel(call)

    def pause(self) -> None:
        """Send no more until `send_later`: the transport is full."""
        call, self._send_call = self._send_call, None
        _cancel(call)
        self.wait_for_client()

    def stop(self) -> None:
        """Be done: the connection is lost."""
        calls = self._send_call, self._stall_call
        self._send_call = self._stall_call = None
        for call in calls:
            _cancel(call)

    def _stalled(self) -> None:
        connection = self._connection
        self._stall_call = None
        connection._log.info(
            "{peer} does not take what it is sent; cutting it off", peer=connection.getPeer()
        )
        connection.transport.abortConnection()  # type: ignore[attr-defined]


def _cancel(call: Any) -> None:
    if call is not None and call.active():
        call.cancel()
