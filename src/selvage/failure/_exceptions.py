"""What exceptions say of themselves and of each other.  Floor 0.

All of it is asked with care: `str`, attributes and class names belong to other people's code, and a report must not
fail because of the exception that it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from selvage.errors import FailureGroup
from selvage.failure._frames import safe_str

if TYPE_CHECKING:
    from selvage.failure._failure import Failure

__all__ = ["late", "linked", "members_of", "message_of", "notes_of", "qualified_name"]


class _Late:
    """What `_failure`, which builds on this module, fills in."""

    #: Makes a Failure of an exception; a Failure is returned as it is.
    failure_of: Callable[[BaseException], Failure]


late = _Late()


def qualified_name(cls: object) -> str:
    """Give the dotted name of a class; of a class that is known by name only, that name."""
    if isinstance(cls, str):
        return cls
    try:
        return f"{cls.__module__}.{cls.__name__}"  # type: ignore[attr-defined]
    except Exception:
        return safe_str(cls)


def message_of(value: object) -> str:
    """Give an exception's own words."""
    # `str` of a FirstError repeats the traceback of the failure that it is about, which is told as its cause.
    if sub_failure(value) is not None:
        return repr(value)
    return safe_str(value)


def sub_failure(value: object) -> Failure | None:
    """Give the Failure that a FirstError is about, Twisted's included."""
    try:
        failure = getattr(value, "subFailure", None)
        if failure is not None and hasattr(failure, "getTraceback") and hasattr(failure, "frames"):
            return failure  # type: ignore[no-any-return]
    except Exception:
        pass  # somebody's attributes get in the way
    return None


def notes_of(error: BaseException) -> list[str]:
    """Give what `add_note` added, as texts; a single text if somebody put one in place of the list."""
    try:
        notes = getattr(error, "__notes__", None)
    except Exception:
        return []  # somebody's class gets in the way
    if notes is None:
        return []
    return [safe_str(note) for note in (notes if isinstance(notes, (list, tuple)) else (notes,))]


def members_of(value: object) -> Sequence[BaseException]:
    """Give the exceptions or Failures that were put together in one."""
    if isinstance(value, BaseExceptionGroup):
        return value.exceptions
    if isinstance(value, FailureGroup):
        return [failure for failure in value.failures if isinstance(failure, BaseException)]
    return ()


def linked(value: object, seen: set[int]) -> Iterator[tuple[str, Failure]]:
    """Follow the links from one exception: which it came from, which that one came from, and so on.

    Args:
        seen: identities of exceptions that were met already, where the links end; grows by those that are yielded.

    Yields:
        "cause" if the exception before was raised from this one, "context" if it was raised while this one was
        handled; and the Failure of it.
    """
    while isinstance(value, BaseException):
        seen.add(id(value))
        failure = sub_failure(value)
        try:
            cause = value.__cause__ if failure is None else failure.value
            context = None if cause is not None or value.__suppress_context__ else value.__context__
        except Exception:
            return  # somebody's attributes get in the way
        relation = "context" if cause is None or id(cause) in seen else "cause"
        if relation == "context":
            cause = context
        if not isinstance(cause, BaseException) or id(cause) in seen:
            return
        # A Failure that somebody kept knows the traceback that its exception had then.
        yield relation, late.failure_of(cause) if failure is None else failure
        value = cause
