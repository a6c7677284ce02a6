"""A real socket object over a descriptor that the engine owns.  Floor 2.

Loops show only a shadow of a transport's socket, which refuses to send or to be closed.  Programs that take
`transport.getHandle()` expect a socket, so they get one: it never closes the descriptor by being forgotten, and it is
closed, as far as they can see, when the connection is.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._stream import Connection

__all__ = ["BorrowedSocket", "borrow"]


class BorrowedSocket(socket.socket):
    """A socket whose descriptor belongs to a connection."""

    __slots__ = ("_connection",)

    _connection: Connection | None

    def __del__(self) -> None:
        # In place of the finalizer that would close the descriptor.
        self.detach()

    def close(self) -> None:
        """Have the connection let go of its descriptor; who closes a transport's socket has taken the connection over."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection._abandon()
        self.detach()


def borrow(connection: Connection) -> BorrowedSocket:
    """Return a socket over the descriptor of a connection; a closed one when the connection is."""
    shadow: Any = connection.extra("socket")
    number = -1 if shadow is None or connection.disconnected else shadow.fileno()
    if number < 0:
        gone = BorrowedSocket.__new__(BorrowedSocket)
        gone._connection = None
        return gone
    made = BorrowedSocket(shadow.family, shadow.type, shadow.proto, number)
    made._connection = connection
    return made
