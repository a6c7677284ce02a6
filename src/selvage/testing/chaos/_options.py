"""What people write after the options of `selvage chaos`, and the faults that it means.

Two forms, each with a part after `@` that may be left out:

    WHICH@WHERE     0.01@0..64k     one connection and direction in a hundred, somewhere in the first 64 KiB
    HOW@WHICH       50ms..2s@0.3    three pieces in ten, by 50 ms to 2 s

An amount is a number or a range `LOW..HIGH`; durations take `us`, `ms`, `s`, `min`, sizes `k`, `M`, `G` (of 1024).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from selvage.testing.faults import (
    Bandwidth,
    ConnectTimeout,
    Corrupt,
    Cut,
    Delay,
    Fault,
    Fragment,
    HalfClose,
    Refuse,
    SlowConnect,
    Stall,
)

__all__ = ["OPTIONS", "duration", "faults_from"]

_Amount = float | tuple[float, float]

_DURATIONS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}
_SIZES = {"k": 1024.0, "M": 1024.0**2, "G": 1024.0**3}

_NUMBER = re.compile(r"([-+]?(?:\d+(?:\.\d*)?|\.\d+))([a-zA-Z]*)")

# Of a text that makes no sense, the characters that are told.
_TOLD = 200


@dataclass(frozen=True)
class _Part:
    """What stands before the `@`, or after it.

    Attributes:
        name: how the help calls it.
        units: which may follow a number, and what they stand for.
        least, most: the numbers that make sense.
        ranged: whether it may be a range.
        whole: whether it is a whole number, without a unit.
    """

    name: str
    units: Mapping[str, float]
    least: float = 0.0
    most: float = math.inf
    ranged: bool = True
    whole: bool = False

    def read(self, text: str) -> _Amount:
        """Read it.

        Raises:
            ValueError: it makes no sense; the text says what would.
        """
        low, dots, high = text.partition("..") if self.ranged else (text, "", "")
        numbers = [self._number(each) for each in ((low, high) if dots else (low,))]
        # In this form NaN, which is what the others are, fits nowhere.
        if not all(self.least <= each <= self.most for each in numbers) or numbers != sorted(numbers):
            raise ValueError(f"{self.name} is {self._allowed()}, not {text.strip()[:_TOLD]!r}")
        return (numbers[0], numbers[1]) if dots else numbers[0]

    def _number(self, text: str) -> float:
        """Read a number; NaN if it is none."""
        match = _NUMBER.fullmatch(text.strip())
        units = {"": 1.0, **{unit.lower(): value for unit, value in self.units.items()}}
        if match is None or match[2].lower() not in units:
            return math.nan
        number = float(match[1]) * units[match[2].lower()]
        if math.isinf(number) or (self.whole and not match[2] and not number.is_integer()):
            return math.nan
        return round(number) if self.whole or number.is_integer() else number

    def _allowed(self) -> str:
        up = "up" if self.most == math.inf else f"to {self.most:g}"
        units = f" (with a unit: {', '.join(self.units)})" if self.units else ""
        either = ", or a range LOW..HIGH" if self.ranged else ""
        return f"a {'whole ' * self.whole}number from {self.least:g} {up}{units}{either}"


_WHICH = _Part("WHICH", {}, most=1.0, ranged=False)
_BYTE = _Part("BYTE", _SIZES, whole=True)
_SIZE = _Part("SIZE", _SIZES, least=1.0, whole=True)
_RATE = _Part("BYTES", _SIZES, least=1.0)
_DURATION = _Part("DURATION", _DURATIONS)


def duration(text: str) -> float:
    """Read one duration, as "1.5s" or "50ms"; seconds.

    Raises:
        ValueError: it is none.
    """
    seconds = replace(_DURATION, ranged=False).read(text)
    assert not isinstance(seconds, tuple)
    return seconds


def _reader(make: Callable[..., Fault], **parts: _Part) -> Callable[[str], Fault]:
    """Give what makes a fault of a text: of its first part, and of that after the `@`, if one may follow and does."""

    def read(text: str) -> Fault:
        if len(parts) == 1:
            given = [text]
        else:
            first, at, second = text.partition("@")
            given = [first, second] if at else [first]
        return make(
            **{
                argument: part.read(each)
                for (argument, part), each in zip(parts.items(), given, strict=False)
            }
        )

    return read


#: By option: what it takes, what stands for it where nothing is given, what it does, and what makes the fault of it.  They
#: strike in this order: what slows comes after what changes.
OPTIONS: dict[str, tuple[str, str | None, str, Callable[[str], Fault]]] = {
    "refuse": (
        "WHICH",
        "0.01",
        "Reset connections as soon as they are made.",
        _reader(Refuse, probability=_WHICH),
    ),
    "timeout": (
        "WHICH[@AFTER]",
        "0.01",
        "Accept connections, say nothing, and reset them after a while (30s).",
        _reader(ConnectTimeout, probability=_WHICH, seconds=replace(_DURATION, name="AFTER")),
    ),
    "slow-connect": (
        "DURATION[@WHICH]",
        None,
        "Let connections wait before the server hears of them.",
        _reader(SlowConnect, seconds=_DURATION, probability=_WHICH),
    ),
    "half-close": (
        "WHICH[@BYTE]",
        "0.01",
        "End one direction and leave the other.",
        _reader(HalfClose, probability=_WHICH, at=_BYTE),
    ),
    "cut": ("WHICH[@BYTE]", "0.01", "Break connections.", _reader(Cut, probability=_WHICH, at=_BYTE)),
    "stall": (
        "WHICH[@BYTE]",
        "0.01",
        "Let nothing more arrive, without a word.",
        _reader(Stall, probability=_WHICH, at=_BYTE),
    ),
    "corrupt": ("WHICH[@BYTE]", "0.01", "Flip a bit.", _reader(Corrupt, probability=_WHICH, at=_BYTE)),
    "fragment": (
        "SIZE[@PAUSE]",
        "1",
        "Cut the stream into small pieces, PAUSE apart.",
        _reader(Fragment, size=_SIZE, pause=replace(_DURATION, name="PAUSE")),
    ),
    "bandwidth": (
        "BYTES[@WHICH]",
        None,
        "Let no more than so many bytes a second pass in each direction.",
        _reader(Bandwidth, rate=_RATE, probability=_WHICH),
    ),
    "delay": (
        "DURATION[@WHICH]",
        None,
        "Make pieces late.",
        _reader(Delay, seconds=_DURATION, probability=_WHICH),
    ),
}


def faults_from(given: Mapping[str, str | None]) -> list[Fault]:
    """Make the faults that options mean, in the order of `OPTIONS`.

    Args:
        given: by option what was given; None for what was not.

    Raises:
        ValueError: one makes no sense; the text names the option.
    """
    faults = []
    for name, (_, _, _, make) in OPTIONS.items():
        text = given.get(name)
        if text is None:
            continue
        try:
            faults.append(make(text))
        except ValueError as error:
            raise ValueError(f"--{name} {text.strip()[:_TOLD]}: {error}") from error
    return faults
