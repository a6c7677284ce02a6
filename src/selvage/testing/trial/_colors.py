"""Words in colour, where the stream is a terminal that has colours.  Beside the floors."""

from __future__ import annotations

from typing import Any

__all__ = ["AnsiColorizer", "NullColorizer", "colorizer_for"]


class AnsiColorizer:
    """Writes words in colour by the codes of ECMA-48."""

    _colors = {
        "black": 30,
        "red": 31,
        "green": 32,
        "yellow": 33,
        "blue": 34,
        "magenta": 35,
        "cyan": 36,
        "white": 37,
    }

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    @classmethod
    def supported(cls, stream: Any = None) -> bool:
        """Tell whether `stream` is a terminal that has more than two colours."""
        if stream is None or not _is_terminal(stream):
            return False
        try:
            import curses
        except ImportError:
            return False
        try:
            try:
                return curses.tigetnum("colors") > 2
            except curses.error:
                curses.setupterm()
                return curses.tigetnum("colors") > 2
        except Exception:
            return False

    def write(self, text: str, color: str) -> None:
        """Write `text` in this colour."""
        self.stream.write(f"\x1b[{self._colors[color]};1m{text}\x1b[0m")


class NullColorizer:
    """Writes words as they are."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    @classmethod
    def supported(cls, stream: Any = None) -> bool:
        """Every stream will do."""
        return True

    def write(self, text: str, color: str) -> None:
        """Write `text`."""
        self.stream.write(text)


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except AttributeError:
        return False


def colorizer_for(stream: Any) -> AnsiColorizer | NullColorizer:
    """Return the one that suits a stream."""
    return AnsiColorizer(stream) if AnsiColorizer.supported(stream) else NullColorizer(stream)
