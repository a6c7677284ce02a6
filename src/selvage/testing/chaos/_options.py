"""What people write after the options of `selvage chaos`, and the faults that it means.

Two forms, each with a part after `@` that may be left out:

    WHICH@WHERE     0.01@0..64k     one connection and direction in a hundred, somewhere in the first 64 KiB
    HOW@WHICH       50ms..2s@0.3    three pieces in ten, by 50 ms to 2 s

An amount is a number or a range `LOW..HIGH`; durations take `us`, `ms`, `s`, `min`, sizes `k`, `M`, `G` (of 1024).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

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

__all__ = ["OPTIONS", "faults_from"]

_DURATIONS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "": 1.0}
_SIZES = {"k": 1024.0, "m": 1024.0**2, "g": 1024.0**3, "": 1.0}

_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([a-zA-Z]*)")


def _number(text: str, units: Mapping[str, float]) -> float:
    match = _NUMBER.fullmatch(text.strip())
    if match is None or match[2].lower() not in units:
        known = ", ".join(unit for unit in units if unit)
        raise ValueError(f"{text!r} is not a number" + (f" with a unit of these: {known}" if known else ""))
    number = float(match[1]) * units[match[2].lower()]
    return int(number) if number.is_integer() else number


def _amount(text: str, units: Mapping[str, float]) -> float | tuple[float, float]:
    low, dots, high = text.partition("..")
    return (_number(low, units), _number(high, units)) if dots else _number(low, units)


def duration(text: str) -> float:
    """Read a duration, as "1.5s" or "50ms"; seconds.

    Raises:
        ValueError: it is none.
    """
    return _number(text, _DURATIONS)


def _parts(text: str) -> tuple[str, str | None]:
    """What stands before and after the `@`; None for what was left out with it."""
    first, at, second = text.partition("@")
    return first, second if at else None


def _which_where(
    make: Callable[..., Fault], where: str, units: Mapping[str, float]
) -> Callable[[str], Fault]:
    def parse(text: str) -> Fault:
        which, place = _parts(text)
        return make(_number(which, {"": 1.0}), **({} if place is None else {where: _amount(place, units)}))

    return parse


def _how_which(make: Callable[..., Fault], units: Mapping[str, float]) -> Callable[[str], Fault]:
    def parse(text: str) -> Fault:
        how, which = _parts(text)
        return make(
            _amount(how, units), **({} if which is None else {"probability": _number(which, {"": 1.0})})
        )

    return parse


def _fragment(text: str) -> Fault:
    size, pause = _parts(text)
    return Fragment(_amount(size, _SIZES), 0 if pause is None else _amount(pause, _DURATIONS))


def _refuse(text: str) -> Fault:
    return Refuse(_number(text, {"": 1.0}))


#: By option: what it takes, what stands for it where nothing is given, what it does, and what makes the fault of it.  They
#: strike in this order: what slows comes after what changes.
OPTIONS: dict[str, tuple[str, str | None, str, Callable[[str], Fault]]] = {
    "refuse": ("WHICH", "0.01", "Reset connections as soon as they are made.", _refuse),
    "timeout": (
        "WHICH[@AFTER]",
        "0.01",
        "Accept connections, say nothing, and reset them after a while (30s).",
        _which_where(ConnectTimeout, "seconds", _DURATIONS),
    ),
    "slow-connect": (
        "DURATION[@WHICH]",
        None,
        "Let connections wait before the server hears of them.",
        _how_which(SlowConnect, _DURATIONS),
    ),
    "half-close": (
        "WHICH[@BYTE]",
        "0.01",
        "End one direction and leave the other.",
        _which_where(HalfClose, "at", _SIZES),
    ),
    "cut": ("WHICH[@BYTE]", "0.01", "Break connections.", _which_where(Cut, "at", _SIZES)),
    "stall": (
        "WHICH[@BYTE]",
        "0.01",
        "Let nothing more arrive, without a word.",
        _which_where(Stall, "at", _SIZES),
    ),
    "corrupt": ("WHICH[@BYTE]", "0.01", "Flip a bit.", _which_where(Corrupt, "at", _SIZES)),
    "fragment": ("SIZE[@PAUSE]", "1", "Cut the stream into small pieces, PAUSE apart.", _fragment),
    "bandwidth": (
        "BYTES[@WHICH]",
        None,
        "Let no more than so many bytes a second pass in each direction.",
        _how_which(Bandwidth, _SIZES),
    ),
    "delay": ("DURATION[@WHICH]", None, "Make pieces late.", _how_which(Delay, _DURATIONS)),
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
        except (ValueError, TypeError) as error:
            raise ValueError(f"--{name} {text}: {error}") from error
    return faults
