"""What Twisted keeps for programs of before, loaded with a warning when one asks for it.  Floor 4."""

from __future__ import annotations

import warnings
from typing import Any

__all__ = ["__getattr__"]


def __getattr__(name: str) -> Any:
    if name == "UsernameHashedPassword":
        from selvage.auth._hashed_password import UsernameHashedPassword

        warnings.warn(
            "twisted.cred.credentials.UsernameHashedPassword was deprecated in Twisted 21.2.0: "
            "Use twisted.cred.credentials.UsernamePassword instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        return UsernameHashedPassword
    raise AttributeError(f"module 'twisted.cred.credentials' has no attribute {name!r}")
