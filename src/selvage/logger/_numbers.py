"""Levels as the numbers that the standard `logging` has for them.  Floor 1."""

from __future__ import annotations

from typing import Any

from ._levels import LogLevel

__all__ = ["NUMBERS", "level_of_number", "level_of_word"]

# As `logging` documents them; written down, since whoever has no record needs not load it.
NUMBERS = {
    LogLevel.debug: 10,
    LogLevel.info: 20,
    LogLevel.warn: 30,
    LogLevel.error: 40,
    LogLevel.critical: 50,
}

_WORDS = {
    "DEBUG": LogLevel.debug,
    "INFO": LogLevel.info,
    "WARN": LogLevel.warn,
    "WARNING": LogLevel.warn,
    "ERROR": LogLevel.error,
    "CRITICAL": LogLevel.critical,
    "FATAL": LogLevel.critical,
}


def level_of_number(number: float) -> LogLevel:
    """Return the level of a number; one that lies between two levels' is of the lower."""
    found = LogLevel.debug
    for level, least in NUMBERS.items():
        if number >= least:
            found = level
    return found


def level_of_word(word: Any) -> LogLevel | None:
    """Return the level of a name or number of the standard `logging`; None when it is neither."""
    if isinstance(word, str):
        return _WORDS.get(word.upper())
    return level_of_number(word) if isinstance(word, int | float) else None
