"""Writing events to a file.  Floor 1."""

from __future__ import annotations

import io
from collections.abc import Callable

from selvage.interfaces._base import implementer

from ._format import formatEventAsClassicLogText, formatTime, timeFormatRFC3339
from ._interfaces import ILogObserver, LogEvent, Output

__all__ = ["FileLogObserver", "textFileLogObserver", "wants_bytes"]


@implementer(ILogObserver)
class FileLogObserver:
    """Writes what a function makes of each event to a file, and flushes it.

    Args:
        outFile: a file of text, or of bytes, to which UTF-8 is written.
        formatEvent: makes text of an event; for None or "" nothing is written.
    """

    def __init__(self, outFile: Output, formatEvent: Callable[[LogEvent], str | None]) -> None:
        self._encoding = "utf-8" if wants_bytes(outFile) else None
        self._outFile = outFile
        self.formatEvent = formatEvent

    def __call__(self, event: LogEvent) -> None:
        """Write one event."""
        text = self.formatEvent(event)
        if not text:
            return
        if self._encoding is not None:
            self._outFile.write(text.encode(self._encoding, "backslashreplace"))
        else:
            self._write(text)
        self._outFile.flush()

    def _write(self, text: str) -> None:
        try:
            self._outFile.write(text)
        except UnicodeEncodeError as error:
            # The file's encoding lacks a character; a log rather loses its looks than an event.
            self._outFile.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))


def textFileLogObserver(outFile: Output, timeFormat: str | None = timeFormatRFC3339) -> FileLogObserver:
    """Return an observer that writes lines for people: see `formatEventAsClassicLogText`.

    Args:
        outFile: a file of text, or of bytes, to which UTF-8 is written.
        timeFormat: of the time that begins each line, as `formatTime` takes it; None for none.
    """

    def format_time(when: float | None) -> str:
        return formatTime(when, timeFormat)

    def format_event(event: LogEvent) -> str | None:
        return formatEventAsClassicLogText(event, format_time)

    return FileLogObserver(outFile, format_event)


def wants_bytes(file: object) -> bool:
    """Tell whether bytes, and not text, are to be written to a file."""
    if isinstance(file, io.TextIOBase):
        return False
    if isinstance(file, io.IOBase):
        return True
    # Wrappers, such as those of `tempfile`, say how the file within was opened.
    mode = getattr(file, "mode", "")
    return isinstance(mode, str) and "b" in mode
