"""Send parts of files without reading them: the system copies from the file to the socket.  Floor 2.

The engine keeps a connection's descriptor to itself, so this works on a copy of it: what was written before leaves first,
then the file, as fast as the peer takes it, and whoever asked is told when to write again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selvage.transports._stream import Connection

__all__ = ["CAN_SEND_FILES", "FileSend"]

#: Whether the system can do it.
CAN_SEND_FILES = hasattr(os, "sendfile")

#: Bytes that are sent in one turn of the loop: a peer that reads fast does not keep the others waiting.
_TURN_BYTES = 1 << 20


class FileSend:
    """One part of a file on its way to the peer.

    Attributes:
        sent: how many bytes the system has taken.

    Args:
        connection: what is written until the next turn of the loop leaves first; nothing may be written after that.
        file: open for reading; is left open.
        offset: where the part begins.
        count: its bytes.
        done: called once, with the number of bytes sent: fewer than `count` when the file has no more, or the connection is
            lost.  Not called after `stop`.
    """

    def __init__(
        self, connection: Connection, file: IO[bytes], offset: int, count: int, done: Callable[[int], object]
    ) -> None:
        self.sent = 0
        self._connection = connection
        self._file = file.fileno()
        self._offset = offset
        self._count = count
        self._done: Callable[[int], object] | None = done
        self._loop: Any = connection._engine.loop
        # The connection's own number may belong to another file as soon as it is closed.
        self._socket = os.dup(connection.fileno())
        self._watches = False
        # In the next turn what is written in this one has left, too.
        self._loop.call_soon(self._go_on)

    def stop(self) -> None:
        """Send no more; `done` is not called."""
        self._done = None
        self._release()

    def _go_on(self) -> None:
        if self._done is None:
            return
        if self._connection.unsent_bytes():
            self._connection._flush()
            self._watch()
            return
        budget = min(_TURN_BYTES, self._count - self.sent)
        try:
            while budget > 0:
                size = os.sendfile(self._socket, self._file, self._offset + self.sent, budget)
                if size == 0:
                    self._end()
                    return
                self.sent += size
                budget -= size
        except BlockingIOError:
            self._watch()
            return
        except OSError:
            self._end()  # the connection is lost, which the engine will notice, too
            return
        if self.sent == self._count:
            self._end()
        else:
            self._watch()

    def _watch(self) -> None:
        if not self._watches:
            self._watches = True
            self._loop.add_writer(self._socket, self._go_on)

    def _release(self) -> None:
        number, self._socket = self._socket, -1
        if number < 0:
            return
        if self._watches:
            self._loop.remove_writer(number)
        os.close(number)

    def _end(self) -> None:
        done, self._done = self._done, None
        self._release()
        if done is not None:
            done(self.sent)
