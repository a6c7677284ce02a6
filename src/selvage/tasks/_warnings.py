"""Calls during which some warnings are not shown.  Floor 2."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar

from selvage.defer import Deferred

__all__ = ["runWithWarningsSuppressed", "suppressWarnings"]

_R = TypeVar("_R")

#: Arguments for `warnings.filterwarnings`.
Filter = tuple[Sequence[Any], Mapping[str, Any]]


def runWithWarningsSuppressed(
    suppressedWarnings: Iterable[Filter], f: Callable[..., _R], *a: Any, **kw: Any
) -> _R:
    """Call a function while filters for warnings are in force; where it returns a Deferred, until that fires.

    Args:
        suppressedWarnings: pairs of positional and keyword arguments for `warnings.filterwarnings`.

    Returns: what the function returns.
    """
    before = list(warnings.filters)
    for args, kwargs in suppressedWarnings:
        warnings.filterwarnings(*args, **kwargs)
    added = [each for each in warnings.filters if each not in before]

    def take_back(result: Any) -> Any:
        for each in added:
            if each in warnings.filters:
                warnings.filters.remove(each)  # type: ignore[attr-defined]
        return result

    try:
        result = f(*a, **kw)
    except BaseException:
        take_back(None)
        raise
    if isinstance(result, Deferred):
        return result.addBoth(take_back)  # type: ignore[return-value]
    take_back(None)
    return result


def suppressWarnings(f: Callable[..., _R], *suppressedWarnings: Filter) -> Callable[..., _R]:
    """Return a function that calls `f` while filters for warnings are in force; as `runWithWarningsSuppressed`."""

    @wraps(f)
    def quiet(*a: Any, **kw: Any) -> _R:
        return runWithWarningsSuppressed(suppressedWarnings, f, *a, **kw)

    return quiet
