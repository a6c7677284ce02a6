"""The reactor users get: the loop's part, with the socket methods of the transports.  Floor 2.

The one place where the packages of this floor meet: `selvage.transports` imports nothing of ours but leaf modules, and
only this module imports `selvage.transports`.
"""

from __future__ import annotations

import asyncio

from selvage.transports._process_mixin import ProcessReactorMixin
from selvage.transports._reactor_mixins import (
    SocketReactorMixin,
    SSLReactorMixin,
    TCPReactorMixin,
    UDPReactorMixin,
    UNIXReactorMixin,
)

from ._reactor import LoopReactor

__all__ = ["Reactor"]


class Reactor(
    TCPReactorMixin,
    SSLReactorMixin,
    UDPReactorMixin,
    UNIXReactorMixin,
    SocketReactorMixin,
    ProcessReactorMixin,
    LoopReactor,
):
    """Selvage's reactor, over any asyncio loop.

    Args:
        eventloop: the loop to use; it stays the caller's, who closes it.  By default a new one, uvloop's where uvloop is
            installed, which becomes the thread's current loop (`asyncio.get_event_loop`).

    Twisted: `EPollReactor`, `SelectReactor`, `PollReactor` and `AsyncioSelectorReactor` are other names for it.
    """

    def __init__(self, eventloop: asyncio.AbstractEventLoop | None = None, *, _lazy: bool = False) -> None:
        LoopReactor.__init__(self, eventloop, _lazy=_lazy)
