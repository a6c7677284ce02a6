"""What can happen to the bytes of a connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from selvage.testing.faults._base import CLOSED, CUT, HALF, Amount, Direction, Draws, Fault, Item, Stage

__all__ = ["Bandwidth", "Corrupt", "Cut", "Delay", "Fragment", "HalfClose", "Stall", "StreamFault"]

# Where in a stream faults strike unless they are told: the first 64 KiB, in which most conversations have said something.
_SOMEWHERE = (0, 65535)

# Into how many pieces a second a bandwidth is cut: smooth enough to look like a slow line.
_PIECES_A_SECOND = 10


@dataclass(frozen=True)
class StreamFault(Fault):
    """One that happens to the bytes of a connection."""

    applies_to: ClassVar[tuple[str, ...]] = ("connections",)

    #: Which: those that the protocol behind the faults has "sent", those it has "received", or "both", each by its own lot.
    direction: Direction = field(default="both", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.direction not in ("both", "sent", "received"):
            self._refuse("direction", "'sent', 'received' or 'both'", isinstance(self.direction, str))


def _pass(item: Item) -> list[Item]:
    return [item]


def _after(position: int, then: Callable[[Item], list[Item]]) -> Stage:
    """Let `position` bytes pass, then give the rest, of which the first may be empty, to `then`."""
    left = position
    reached = False

    def stage(item: Item) -> list[Item]:
        nonlocal left, reached
        if reached:
            return then(item)
        if item.end or len(item.data) < left:
            left -= len(item.data)
            return [item]
        reached = True
        head, tail = item.data[:left], item.data[left:]
        before = [replace(item, data=head)] if head else []
        return before + then(replace(item, data=tail))

    return stage


@dataclass(frozen=True)
class _Somewhere(StreamFault):
    """One that strikes once some bytes have passed."""

    ranges = {"at": 0}
    whole = ("at",)

    probability: float = 1.0
    at: Amount = _SOMEWHERE

    def on_stream(self, draws: Draws) -> Stage:
        """See `Fault.on_stream`."""
        happens, position = draws.happens(self.probability), draws.whole(self.at)
        then = self._strike(draws, position)
        return _after(position, then) if happens else _pass

    def _strike(self, draws: Draws, position: int) -> Stage:
        """Give what all from this byte on goes through."""
        raise NotImplementedError


@dataclass(frozen=True)
class Cut(_Somewhere):
    """Break the connection after some bytes: both sides lose it, as when a cable is pulled or a process is killed.

    The protocol behind the faults hears `ConnectionLost`, its peer gets a reset.

    Args:
        probability: of each connection and direction.
        at: after how many bytes.
    """

    name = "cut"

    def _strike(self, draws: Draws, position: int) -> Stage:
        done = False

        def cut(item: Item) -> list[Item]:
            nonlocal done
            if done:
                return []
            done = True
            draws.note(position, "")
            return [Item(b"", item.due, CUT)]

        return cut


@dataclass(frozen=True)
class HalfClose(_Somewhere):
    """End one direction after some bytes and leave the other open.

    Who receives hears `readConnectionLost` if it can live with one direction, else the connection closes; what is sent
    afterwards is lost.

    Args:
        probability: of each connection and direction.
        at: after how many bytes.
    """

    name = "half-close"

    def _strike(self, draws: Draws, position: int) -> Stage:
        done = False

        def finish(item: Item) -> list[Item]:
            nonlocal done
            passing = [item] if item.end and item.end != HALF else []
            if done:
                return passing
            done = True
            draws.note(position, "")
            return [Item(b"", item.due, HALF), *passing]

        return finish


@dataclass(frozen=True)
class Stall(_Somewhere):
    """Let nothing more arrive after some bytes, without a word: what timeouts are for.

    Args:
        probability: of each connection and direction.
        at: after how many bytes.
        seconds: for how long, after which all comes that was held back; None for ever, the news of the end included.
    """

    name = "stall"
    ranges = {"at": 0, "seconds": 0}
    seconds: Amount | None = None

    @property
    def needs_clock(self) -> bool:
        """Whether it ends."""
        return self.seconds is not None

    def _strike(self, draws: Draws, position: int) -> Stage:
        seconds = None if self.seconds is None else draws.number(self.seconds)
        until: float | None = None

        def stall(item: Item) -> list[Item]:
            nonlocal until
            if until is None:
                until = float("inf") if seconds is None else item.due + seconds
                draws.note(position, "for ever" if seconds is None else f"{seconds:.3f} s")
            if item.end == CLOSED or not (item.data or item.end):
                return [item]  # this side may always leave
            return [] if seconds is None else [replace(item, due=max(item.due, until))]

        return stall


@dataclass(frozen=True)
class Corrupt(StreamFault):
    """Flip one bit of some bytes; of datagrams, of one byte of each datagram that is struck.

    Args:
        probability: of each connection and direction, or of each datagram.
        at: which byte of a connection.
        count: how many bytes of a connection.
    """

    name = "corrupt"
    applies_to = ("connections", "datagrams")
    ranges = {"at": 0, "count": 1}
    whole = ("at", "count")
    probability: float = 1.0
    at: Amount = _SOMEWHERE
    count: Amount = 1

    def on_stream(self, draws: Draws) -> Stage:
        """See `Fault.on_stream`."""
        happens = draws.happens(self.probability)
        flips = {draws.whole(self.at): 1 << draws.random.randrange(8) for _ in range(draws.whole(self.count))}
        if not happens:
            return _pass
        waiting = sorted(flips, reverse=True)
        passed = 0

        def corrupt(item: Item) -> list[Item]:
            nonlocal passed
            if not waiting or waiting[-1] >= passed + len(item.data):
                passed += len(item.data)
                return [item]
            changed = bytearray(item.data)
            while waiting and waiting[-1] < passed + len(changed):
                position = waiting.pop()
                _flip(draws, changed, position - passed, flips[position], position)
            passed += len(changed)
            return [replace(item, data=bytes(changed))]

        return corrupt

    def on_datagrams(self, draws: Draws) -> Stage:
        """See `Fault.on_datagrams`."""
        number = 0

        def corrupt(item: Item) -> list[Item]:
            nonlocal number
            number += 1
            happens, where, bit = (
                draws.happens(self.probability),
                draws.random.random(),
                1 << draws.random.randrange(8),
            )
            if not happens or not item.data:
                return [item]
            changed = bytearray(item.data)
            _flip(draws, changed, int(where * len(changed)), bit, number)
            return [replace(item, data=bytes(changed))]

        return corrupt


def _flip(draws: Draws, data: bytearray, index: int, bit: int, at: int) -> None:
    before = data[index]
    data[index] ^= bit
    draws.note(at, f"{before:#04x} became {data[index]:#04x}")


@dataclass(frozen=True)
class Delay(StreamFault):
    """Make each piece, or datagram, arrive late.  Pieces of a connection keep their order; datagrams overtake each other.

    Args:
        seconds: how late.
        probability: of each piece or datagram.
    """

    name = "delay"
    applies_to = ("connections", "datagrams")
    ranges = {"seconds": 0}
    seconds: Amount = (0.05, 2.0)
    probability: float = 1.0

    needs_clock = True

    def on_stream(self, draws: Draws) -> Stage:
        """See `Fault.on_stream`."""
        return self._late(draws, lambda item: len(item.data))

    def on_datagrams(self, draws: Draws) -> Stage:
        """See `Fault.on_datagrams`."""
        return self._late(draws, lambda item: 1)

    def _late(self, draws: Draws, size: Callable[[Item], int]) -> Stage:
        passed = 0

        def delay(item: Item) -> list[Item]:
            nonlocal passed
            happens, seconds = draws.happens(self.probability), draws.number(self.seconds)
            if item.end in (CLOSED, CUT):
                return [item]  # after what was written, whenever that is
            at, passed = passed, passed + size(item)
            if not happens or not seconds:
                return [item]
            draws.note(at, f"{seconds:.3f} s")
            return [replace(item, due=item.due + seconds)]

        return delay


@dataclass(frozen=True)
class Fragment(StreamFault):
    """Cut the stream into small pieces: one byte at a time unless told otherwise.

    On a real socket pieces that follow each other at once travel together; `pause` keeps them apart.

    Args:
        size: of each piece, in bytes.
        pause: seconds between two pieces.
        probability: of each connection and direction.
    """

    name = "fragment"
    ranges = {"size": 1, "pause": 0}
    whole = ("size",)
    size: Amount = 1
    pause: Amount = 0
    probability: float = 1.0

    @property
    def needs_clock(self) -> bool:
        """Whether there are pauses."""
        return self.pause != 0

    def on_stream(self, draws: Draws) -> Stage:
        """See `Fault.on_stream`."""
        if not draws.happens(self.probability):
            return _pass
        passed = 0
        free = 0.0  # when the piece before has left

        def fragment(item: Item) -> list[Item]:
            nonlocal passed, free
            if not item.data:
                return [item]
            if not passed:
                draws.note(0, f"{_words(self.size)} bytes at a time")
            passed += len(item.data)
            pieces: list[Item] = []
            start = 0
            due = max(item.due, free)
            while start < len(item.data):
                end = start + draws.whole(self.size)
                pieces.append(replace(item, data=item.data[start:end], due=due))
                start = end
                due += draws.number(self.pause)
            free = due
            return pieces

        return fragment


@dataclass(frozen=True)
class Bandwidth(StreamFault):
    """Let no more than so many bytes a second pass in each direction.

    Args:
        rate: bytes a second; of a range each connection and direction draws its own.
        probability: of each connection and direction.
    """

    name = "bandwidth"
    ranges = {"rate": 1}
    rate: Amount = 1024 * 1024
    probability: float = 1.0

    needs_clock = True

    def on_stream(self, draws: Draws) -> Stage:
        """See `Fault.on_stream`."""
        if not draws.happens(self.probability):
            return _pass
        rate = draws.number(self.rate)
        size = max(1, int(rate) // _PIECES_A_SECOND)
        free = 0.0  # when the line is free again
        said = False

        def slow(item: Item) -> list[Item]:
            nonlocal free, said
            if item.data and not said:
                said = True
                draws.note(0, f"{rate:,.0f} bytes a second")
            pieces: list[Item] = []
            for start in range(0, len(item.data), size):
                piece = item.data[start : start + size]
                free = max(free, item.due) + len(piece) / rate
                pieces.append(replace(item, data=piece, due=free))
            return pieces or [item]

        return slow


def _words(amount: Amount) -> str:
    return f"{amount[0]:g} to {amount[1]:g}" if isinstance(amount, tuple) else f"{amount:g}"
