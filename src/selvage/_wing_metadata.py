"""What `importlib.metadata` is told of Twisted where the wing stands alone.  Beside the floors.

pytest, for one, asks for the version before it runs a TestCase of trial.
"""

from __future__ import annotations

import os
from importlib.metadata import Distribution
from pathlib import Path

__all__ = ["WingDistribution"]


class WingDistribution(Distribution):
    """The release of Twisted that the wing mirrors; it has no files of its own."""

    def __init__(self, release: str) -> None:
        self._release = release

    def read_text(self, filename: str) -> str | None:
        """Return the name and the version; there is nothing else."""
        if filename != "METADATA":
            return None
        return f"Metadata-Version: 2.1\nName: Twisted\nVersion: {self._release}\n"

    def locate_file(self, path: str | os.PathLike[str]) -> Path:  # type: ignore[override, unused-ignore]
        """Return where a file of it would be."""
        return Path(__file__).parent / path
