"""A protocol whose states each say how many bytes they want.  Floor 3.

Twisted: `twisted.protocols.stateful`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage._publish import publish
from selvage.protocols._protocol import Protocol

__all__ = ["StatefulProtocol"]

#: A function of bytes that returns the next state (None for the same again), and how many bytes it wants.
State = tuple[Callable[[bytes], Any], int]


class StatefulProtocol(Protocol):
    """Collects as many bytes as the present state wants, then calls its function, which says what comes next.

    Hooks: `getInitialState`, and those of `Protocol` except `dataReceived`.
    """

    _state: State | None = None
    _held: bytearray | None = None
    # How much of that was delivered, while it is being delivered.
    _start = 0

    def makeConnection(self, transport: Any) -> None:
        """Begin with the initial state."""
        self._state = self.getInitialState()
        self._held = bytearray()
        super().makeConnection(transport)

    def getInitialState(self) -> State:
        """Hook: return the state to begin with; has to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} has to override getInitialState()")

    def dataReceived(self, data: bytes) -> None:
        """Feed the states."""
        held, state = self._held, self._state
        if held is None or state is None:
            raise RuntimeError(f"{self!r} received data before makeConnection() was called")
        held += data
        try:
            while len(held) - self._start >= state[1]:
                function, wanted = state
                end = self._start + wanted
                piece = bytes(held[self._start : end])
                self._start = end
                following = function(piece)
                if following is not None:
                    state = self._state = following
                if self._start == len(held):
                    break
        finally:
            del held[: self._start]
            self._start = 0

    def take_unread(self) -> bytes:
        """Give out what was received and not delivered, and forget it.

        `startTLS` asks: what came in the clear must not pass for what came encrypted.
        """
        held = self._held
        if held is None:
            return b""
        unread = bytes(held[self._start :])
        del held[self._start :]
        return unread


publish(globals())
