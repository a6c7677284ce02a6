"""What stands between transport and protocol for the limits on hostile peers: one object, however many limits there are.

Floor 3.  A limit that has to hear of a connection's end, or to watch its output, asks for a `GuardedProtocol`; a limit
around that one uses the same.  So a connection pays for one frame a segment, and one a write, not for one each limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from selvage.failure import Failure
from selvage.protocols._protocol import connectionDone
from selvage.protocols._wrapping import ProtocolWrapper

__all__ = ["GuardedProtocol", "guard"]

_NEVER = float("inf")


class GuardedProtocol(ProtocolWrapper):
    """Tells limits what they want to know of one connection; made by `guard`."""

    #: How many bytes were written.
    written = 0
    #: When more than this was written it is time to measure what waits to be sent.
    _measure_at = _NEVER
    _measure: Any = None
    #: Somebody wants to know what waits to be sent.
    is_measured = False
    _error: Exception | None = None

    def __init__(self, factory: Any, wrappedProtocol: Any) -> None:
        super().__init__(factory, wrappedProtocol)
        self._when_over: list[Callable[[GuardedProtocol], object]] = []

    def when_over(self, tell: Callable[[GuardedProtocol], object]) -> None:
        """Have `tell` called with this protocol when the connection is over."""
        self._when_over.append(tell)

    def measure_at(self, written: float, measure: Callable[[GuardedProtocol], object]) -> None:
        """Have `measure` called with this protocol once more than `written` bytes were written in all."""
        self._measure_at = written
        self._measure = measure

    def makeConnection(self, transport: Any) -> None:
        """Take the transport, and be the wrapped protocol's.

        Raises:
            TypeError: the transport cannot say what waits to be sent, and somebody wants to know.
        """
        if self.is_measured and not hasattr(transport, "unsent_bytes"):
            raise TypeError(f"{transport!r} has no unsent_bytes(): it cannot say what waits to be sent")
        super().makeConnection(transport)

    def write(self, data: bytes) -> None:
        """Send, and count."""
        self.transport.write(data)
        self.written = written = self.written + len(data)
        if written > self._measure_at:
            self._measure(self)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send the joined pieces, and count."""
        self.write(b"".join(data))

    def break_off(self, error: Exception) -> None:
        """Close at once, whatever waits to be sent; the protocol hears `error` as the reason."""
        self._error = error
        transport: Any = self.transport
        getattr(transport, "abortConnection", transport.loseConnection)()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Hand on, with the reason why it was broken off if it was, and tell who wants to know."""
        for tell in self._when_over:
            tell(self)
        super().connectionLost(reason if self._error is None else Failure(self._error))


def guard(factory: Any, protocol: Any) -> Any:
    """Return the `GuardedProtocol` for what a wrapped factory has built: itself, if an inner limit has made one."""
    return protocol if isinstance(protocol, GuardedProtocol) else GuardedProtocol(factory, protocol)
