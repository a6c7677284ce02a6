"""What a deprecation says, for the assertions that look for it.  Beside the floors.

Twisted: `twisted.python.deprecate`, the words of which these are.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["deprecated_in_twisted", "deprecation_text", "version_text"]

_F = TypeVar("_F", bound=Callable[..., Any])


def version_text(version: Any) -> str:
    """Return package and number of an `incremental.Version`, or the text that stands for one."""
    if isinstance(version, str):
        return version
    return f"{version.package} {version.short()}"


def deprecation_text(f: Any, version: Any, replacement: Any = None) -> str:
    """Return what the warning of a deprecated function or class says."""
    text = f"{_name_of(f)} was deprecated in {version_text(version)}"
    if replacement is not None:
        text += (
            f"; please use {replacement if isinstance(replacement, str) else _name_of(replacement)} instead"
        )
    return text


def _name_of(f: Any) -> str:
    return f"{f.__module__}.{f.__qualname__}"


def deprecated_in_twisted(number: str, replacement: str) -> Callable[[_F], _F]:
    """Decorate a function that Twisted has deprecated in the release of this number."""

    def decorate(f: _F) -> _F:
        @functools.wraps(f)
        def warn_and_call(*args: Any, **kwargs: Any) -> Any:
            text = deprecation_text(warn_and_call, f"Twisted {number}", replacement)
            warnings.warn(text, DeprecationWarning, stacklevel=2)
            return f(*args, **kwargs)

        return warn_and_call  # type: ignore[return-value]

    return decorate
