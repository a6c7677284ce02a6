"""What an installed Twisted offers by its plugin system, to who asks for parts by a description.  Floor 1."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

__all__ = ["twisted_plugins"]


def twisted_plugins() -> Any:
    """Return the function that finds Twisted's plugins; None in a process without Twisted, which gets none behind its back."""
    if "twisted" not in sys.modules:
        return None
    try:
        return import_module("twisted.plugin").getPlugins
    except ImportError:
        return None
