"""A stream that does not mind being interrupted.  Beside the floors."""

from __future__ import annotations

from collections.abc import Callable
from errno import EINTR
from typing import Any

__all__ = ["SafeStream"]


class SafeStream:
    """Writes to another stream, and tries again when a signal interrupts it."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def write(self, *a: Any, **kw: Any) -> Any:
        """As of the other stream."""
        return _until_it_is_done(self.original.write, *a, **kw)

    def flush(self) -> None:
        """As of the other stream, if it has one."""
        flush = getattr(self.original, "flush", None)
        if flush is not None:
            _until_it_is_done(flush)


def _until_it_is_done(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    while True:
        try:
            return f(*args, **kwargs)
        except OSError as error:
            if error.errno != EINTR:
                raise
