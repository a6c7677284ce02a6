"""Keys and options can be pickled, and should not be.  Floor 2."""

from __future__ import annotations

import warnings

__all__ = ["warn_of_pickling"]


def warn_of_pickling(kind: type, method: str) -> None:
    """Say that keys and options are not what to pickle."""
    warnings.warn(
        f"{getattr(kind, method).__module__}.{kind.__qualname__}.{method} was deprecated in Twisted 15.0.0; "
        "please use a real persistence system instead",
        DeprecationWarning,
        stacklevel=3,
    )
