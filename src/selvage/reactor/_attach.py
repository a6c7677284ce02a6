"""The ambient reactor on a loop that somebody else runs.  Floor 2.

`asyncio.run`, a notebook or an ASGI server runs a loop; a Twisted library asks the reactor for something; the reactor
attaches to the loop and counts as running, with no set-up.  "startup" triggers are fired on the loop's next turn.

How do we learn that the loop ends?  Whoever runs a loop properly (`asyncio.run` does) closes its asynchronous generators
at the end, while the loop still runs.  So we start one: when it is closed, we fire "shutdown" and wait for the triggers.
From then on the reactor is not running any more, but as long as the loop turns it serves what other clean-up code asks of
it.  The next use finds the loop closed and attaches anew.  Where a loop is closed without closing its generators, there is
no "shutdown".
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncGenerator
from typing import Any

from . import _loop

__all__ = ["Attachment"]


class Attachment:
    """One stay of a reactor on a loop."""

    def __init__(self, reactor: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._reactor = reactor
        self._loop = loop
        self._sentinel: AsyncGenerator[None, None] | None = None
        self._loop_is_ending = False

    def begin(self) -> None:
        """Make the reactor run on the loop, which runs in this thread."""
        reactor = self._reactor
        reactor._renew()
        if reactor._loop is not self._loop:
            reactor._use_loop(self._loop, owned=False)
        reactor._attachment = self
        reactor._started = True
        reactor._stopped = False
        reactor._want_signals = False  # those belong to who runs the loop
        reactor._running = True
        reactor._registerAsIOThread()
        self._loop.call_soon(self._start)
        self._watch_for_the_end()

    def is_current(self) -> bool:
        """Tell whether the loop is still there."""
        return not self._loop.is_closed()

    def crash(self) -> None:
        """The reactor is to run no more: detach, unless the loop is ending anyhow."""
        if not self._loop_is_ending:
            self.end()

    def end(self) -> None:
        """Detach; what is pending in the reactor waits for the next loop."""
        reactor = self._reactor
        if reactor._attachment is not self:
            return
        reactor._attachment = None
        reactor._live = False
        reactor._started = False
        reactor._running = False
        reactor._startedBefore = False
        reactor._forget_loop()

    def _start(self) -> None:
        if self._reactor._attachment is self:
            self._reactor._start()

    def _watch_for_the_end(self) -> None:
        self._sentinel = self._until_closed()
        with warnings.catch_warnings():
            # Attached by clean-up code, after the loop has closed its generators: too late to be told.
            warnings.simplefilter("ignore", ResourceWarning)
            try:
                self._sentinel.__anext__().send(None)
            except StopIteration:
                pass  # it has yielded, and the loop has noted it

    async def _until_closed(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            if self._reactor._attachment is self and _loop.running_loop() is self._loop:
                await self._shut_down()

    async def _shut_down(self) -> None:
        reactor = self._reactor
        self._loop_is_ending = True
        done: asyncio.Future[None] = self._loop.create_future()
        # The last trigger of all: after it nothing of this event is left.
        reactor.addSystemEventTrigger("after", "shutdown", done.set_result, None)
        if not reactor._stopped:
            reactor._stopped = True
            reactor.fireSystemEvent("shutdown")
        await done
