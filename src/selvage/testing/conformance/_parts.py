"""Protocols, producers and factories that the checks put at both ends: they keep what happened and ask for nothing.

They are of no framework.  What is under test may be Selvage's or that of an installed Twisted, whose interfaces are other
objects with the same names; `provide` declares both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from zope.interface import alsoProvides

from selvage import interfaces

__all__ = [
    "HalfCloseable",
    "OneProtocol",
    "PullProducer",
    "PushProducer",
    "Recorder",
    "describe_difference",
    "kinds_of",
    "pattern",
    "provide",
]

Hook = Callable[["Recorder"], object]


def provide(thing: Any, *names: str) -> None:
    """Declare that `thing` provides these interfaces, ours and those of a Twisted that is in use beside us."""
    homes = [interfaces, sys.modules.get("twisted.internet.interfaces")]
    alsoProvides(thing, *{getattr(home, name) for home in homes if home is not None for name in names})


def kinds_of(reason: Any) -> set[str]:
    """The names of the classes of what a Failure holds, the bases included."""
    return {each.__name__ for each in type(getattr(reason, "value", reason)).__mro__}


def pattern(length: int) -> bytes:
    """Bytes of which no piece can be lost, doubled or moved without being noticed."""
    period = bytes(range(251))
    return (period * (length // len(period) + 1))[:length]


def describe_difference(expected: bytes, got: bytes) -> str:
    """Say where what arrived is not what was sent."""
    same, shorter = 0, min(len(expected), len(got))
    for step in (1 << power for power in reversed(range(shorter.bit_length()))):
        if same + step <= shorter and expected[same : same + step] == got[same : same + step]:
            same += step
    return f"{len(expected):,} bytes were sent and {len(got):,} arrived; they part at byte {same:,}"


class Recorder:
    """A protocol that keeps what it is told.

    Args:
        on_made, on_data: called with this protocol from within `makeConnection`, `dataReceived`.

    Attributes:
        events: the names of the calls, in order.
        data: all that was received; pieces: the arguments of `dataReceived`.
        reasons: the arguments of `connectionLost`.
    """

    def __init__(self, on_made: Hook | None = None, on_data: Hook | None = None) -> None:
        self.transport: Any = None
        self.events: list[str] = []
        self.pieces: list[Any] = []
        self.reasons: list[Any] = []
        self._on_made = on_made
        self._on_data = on_data
        provide(self, "IProtocol")

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def received(self) -> int:
        return sum(map(len, self.pieces))

    @property
    def lost(self) -> bool:
        return bool(self.reasons)

    def makeConnection(self, transport: Any) -> None:
        """Keep the transport."""
        self.transport = transport
        self.events.append("made")
        if self._on_made is not None:
            self._on_made(self)

    def connectionMade(self) -> None:
        """Nothing: `makeConnection` is what is called."""

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.events.append("data")
        self.pieces.append(data)
        if self._on_data is not None:
            self._on_data(self)

    def connectionLost(self, reason: Any) -> None:
        """Keep the reason."""
        self.events.append("lost")
        self.reasons.append(reason)


class HalfCloseable(Recorder):
    """A recorder that can live with one direction."""

    def __init__(self, on_made: Hook | None = None, on_data: Hook | None = None) -> None:
        super().__init__(on_made, on_data)
        provide(self, "IHalfCloseableProtocol")

    def readConnectionLost(self) -> None:
        """Note it."""
        self.events.append("read lost")

    def writeConnectionLost(self) -> None:
        """Note it."""
        self.events.append("write lost")


class PushProducer:
    """A producer that notes what it is told, and whether that made sense.

    Attributes:
        state: "running", "paused" or "stopped".
        calls: the names of the calls, in order; senseless: those that the state before did not call for.
    """

    def __init__(self) -> None:
        self.state = "running"
        self.calls: list[str] = []
        self.senseless: list[str] = []
        provide(self, "IPushProducer")

    def pauseProducing(self) -> None:
        """Note it."""
        self._told("pauseProducing", "paused", "running")

    def resumeProducing(self) -> None:
        """Note it."""
        self._told("resumeProducing", "running", "paused")

    def stopProducing(self) -> None:
        """Note it."""
        self._told("stopProducing", "stopped", "running", "paused")

    def _told(self, call: str, state: str, *sensible: str) -> None:
        if self.state not in sensible:
            self.senseless.append(f"{call} while {self.state}")
        self.calls.append(call)
        self.state = state


class PullProducer:
    """A producer that writes a piece each time it is asked.

    Args:
        consumer: where to.
        pieces: what; when they are used up it unregisters.
    """

    def __init__(self, consumer: Any, pieces: list[bytes]) -> None:
        self._consumer = consumer
        self._pieces = pieces
        self.asked = 0
        self.stopped = 0
        provide(self, "IPullProducer")

    def resumeProducing(self) -> None:
        """Write the next piece; after the last, be gone."""
        self.asked += 1
        if self.asked <= len(self._pieces):
            self._consumer.write(self._pieces[self.asked - 1])
        if self.asked == len(self._pieces):
            self._consumer.unregisterProducer()

    def stopProducing(self) -> None:
        """Note it."""
        self.stopped += 1


class OneProtocol:
    """A factory for both sides that hands out what it was given, in order.

    Args:
        made: protocols, functions that make one, or what `buildProtocol` shall return or raise instead; the last is used
            again and again.

    Attributes:
        built: the addresses that `buildProtocol` was called with.
        started, stopped: how often `doStart`, `doStop` were called.
        failed: the reasons given to `clientConnectionFailed`.
    """

    noisy = False

    def __init__(self, *made: Any) -> None:
        self._made = list(made)
        self.built: list[Any] = []
        self.started = self.stopped = 0
        self.failed: list[Any] = []
        provide(self, "IProtocolFactory")

    def buildProtocol(self, addr: Any) -> Any:
        """Hand out the next."""
        self.built.append(addr)
        made = self._made.pop(0) if len(self._made) > 1 else self._made[0]
        if isinstance(made, Exception):
            raise made
        return made() if callable(made) else made

    def doStart(self) -> None:
        """Note it."""
        self.started += 1

    def doStop(self) -> None:
        """Note it."""
        self.stopped += 1

    def startedConnecting(self, connector: Any) -> None:
        """Nothing."""

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        """Keep the reason."""
        self.failed.append(reason)

    def clientConnectionLost(self, connector: Any, reason: Any) -> None:
        """Nothing: the protocol hears of it."""
