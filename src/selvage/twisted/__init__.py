"""Selvage under Twisted's names; see `selvage._wing` for how this package comes to be called `twisted`."""

from selvage._wing import TWISTED_VERSION as __version__, twisted_getattr as __getattr__

__all__ = ["__getattr__", "__version__"]
