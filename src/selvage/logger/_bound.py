"""Fields that hold for everything logged in a context.  Floor 1.

What serves one request logs in many places; that it was this request need be said once:

    with bound(request=7):
        await answer()  # every event logged in here has request=7

They live in a context variable, so they follow the work: into awaits, timers, threads and tasks started from here, and
not into what runs beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

__all__ = ["bind", "bound", "bound_fields", "current", "unbind"]

# The mapping is replaced, never changed: copies of the context share it.
_fields: ContextVar[Mapping[str, Any] | None] = ContextVar("selvage_log_fields", default=None)

#: Give what is bound here, or None; for those who make events.
current = _fields.get


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """Give every event that is logged within the `with` block these fields.

    A field that an event itself has, and the same field of a `with` block further in, come before.
    """
    before = _fields.get()
    _fields.set({**(before or {}), **fields})
    try:
        yield
    finally:
        # Not by a token: a generator may leave the block in another context than it entered it in.
        _fields.set(before)


def bind(**fields: Any) -> None:
    """Give every event that is logged in this context from now on these fields.

    For what has a context to itself: a task, a thread, a connection's protocol. Elsewhere `bound` is better, which ends.
    """
    _fields.set({**(_fields.get() or {}), **fields})


def unbind(*names: str) -> None:
    """Take fields away again; with no names, all. What is not bound is no error."""
    kept = {name: value for name, value in (_fields.get() or {}).items() if name not in names}
    _fields.set(kept or None if names else None)


def bound_fields() -> Mapping[str, Any]:
    """Return the fields that hold here; the mapping cannot be changed."""
    return MappingProxyType(_fields.get() or {})
