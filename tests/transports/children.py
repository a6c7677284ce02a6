"""Protocols that keep what a child process did."""

from __future__ import annotations

import os
from typing import Any

from selvage.defer import Deferred
from selvage.protocols import ProcessProtocol

SHELL = "/bin/sh"


class Child(ProcessProtocol):
    """Keeps events in the order in which they came; coroutines wait for conditions."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.data: dict[int, bytes] = {}
        self.reason: Any = None
        self._waiters: list[Deferred[None]] = []

    def _note(self, event: Any) -> None:
        self.events.append(event)
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(None)

    def connectionMade(self) -> None:
        self._note("made")

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        self.data[childFD] = self.data.get(childFD, b"") + data
        self._note(childFD)

    def childConnectionLost(self, childFD: int) -> None:
        self._note(("lost", childFD))

    def processExited(self, reason: Any) -> None:
        self._note("exited")

    def processEnded(self, reason: Any) -> None:
        self.reason = reason.value
        self._note("ended")

    async def until(self, condition: Any) -> None:
        while not condition():
            waiter: Deferred[None] = Deferred()
            self._waiters.append(waiter)
            await waiter

    async def ended(self) -> Any:
        """Wait for the end; returns the exception that says how it came."""
        await self.until(lambda: self.reason is not None)
        return self.reason

    async def says(self, data: bytes, descriptor: int = 1) -> None:
        """Wait until the child has written this."""
        await self.until(lambda: data in self.data.get(descriptor, b""))


def shell(reactor: Any, script: str, *, protocol: Any = None, **options: Any) -> Any:
    """Start a shell that runs a script; returns its protocol."""
    child = Child() if protocol is None else protocol
    options.setdefault("env", {"PATH": os.defpath})
    reactor.spawnProcess(child, SHELL, ["sh", "-c", script], **options)
    return child


def open_descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))
