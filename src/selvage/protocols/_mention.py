"""How this floor says what it does: one line over `selvage._events`.  Floor 3."""

from __future__ import annotations

from typing import Any

from selvage import _events


def mention(speaker: object, format: str, /, **fields: Any) -> None:
    """Emit an event at level "info" in the namespace of `speaker`'s class, with `speaker` as its source."""
    kind = type(speaker)
    _events.emit(f"{kind.__module__}.{kind.__qualname__}", "info", format, log_source=speaker, **fields)
