"""What the transports of one reactor share: its loop, who is open, whose output waits for the end of the turn.  Floor 2.

Also here: how coroutines of the loop are stepped by hand, because Twisted's calls are synchronous and asyncio's are not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from ._scarcity import Scarcity

if TYPE_CHECKING:
    from ._stream import Connection

__all__ = ["Engine", "complete_now", "drive"]

_T = TypeVar("_T")


class Engine:
    """The transports' view of one reactor on one loop.

    A connection that is written to outside its own `dataReceived` (from a timer, a Deferred, another connection) joins
    `dirty`; one `call_soon` flushes all of them when the turn is over, so that what a turn writes leaves in one segment.
    """

    __slots__ = ("dirty", "loop", "open", "reactor", "scarcity")

    def __init__(self, reactor: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.reactor = reactor
        self.loop = loop
        #: Ports and connections that are open now, for shutdown and for test runners that look for leftovers.
        self.open: set[Any] = set()
        #: Connections with output that waits for `flush`.
        self.dirty: list[Connection] = []
        #: Whether descriptors have run out, for ports.
        self.scarcity = Scarcity(loop)

    def flush_later(self, connection: Connection) -> None:
        """Flush `connection` when the loop comes round."""
        if not self.dirty:
            self.loop.call_soon(self.flush)
        self.dirty.append(connection)

    def flush(self) -> None:
        """Hand everything that waits to the loop's transports."""
        dirty, self.dirty = self.dirty, []
        for connection in dirty:
            connection._flush()


def accepts_late(loop: asyncio.AbstractEventLoop) -> bool:
    """Tell whether a client on this loop could hear of its connection's end before a server here hears of its beginning.

    asyncio takes a turn more to accept than to connect, if the connection need not be waited for.
    """
    return isinstance(loop, asyncio.BaseEventLoop)


def complete_now(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine that never really waits to its end, and return its result.

    ``loop.create_server`` from a listening socket is of that kind: uvloop's does not suspend at all, asyncio's yields
    once to let readers be added.

    Raises:
        RuntimeError: the coroutine waits for something.
    """
    try:
        while coroutine.send(None) is None:
            pass
    except StopIteration as stop:
        result: _T = stop.value
        return result
    coroutine.close()
    raise RuntimeError(f"{coroutine!r} waits for the loop, which was not expected of it")


def drive(
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, Any],
    failed: Callable[[BaseException], object],
) -> None:
    """Run one of the loop's own coroutines without the cost of a Task.

    Args:
        coroutine: awaits futures of `loop` only; its result is dropped.
        failed: called with the exception when it raises; never before `drive` returns unless the very first step raises.
    """
    try:
        future = coroutine.send(None)
    except StopIteration:
        return
    except BaseException as exc:
        failed(exc)
        return
    if future is None:
        loop.call_soon(drive, loop, coroutine, failed)
        return
    future._asyncio_future_blocking = False
    future.add_done_callback(lambda _: drive(loop, coroutine, failed))
