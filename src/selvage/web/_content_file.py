"""Where the body of a request is kept until it is whole.  Floor 4."""

from __future__ import annotations

import tempfile
from io import BytesIO
from typing import IO

__all__ = ["IN_MEMORY_BYTES", "_getContentFile"]

#: Bodies that are shorter are kept in memory; in bytes.  The figure is Twisted's, and programs see it.
IN_MEMORY_BYTES = 100000


def _getContentFile(length: int | None) -> IO[bytes]:
    """Return a file for a body of that length: in memory when it is small, else on the disk."""
    if length is not None and length < IN_MEMORY_BYTES:
        return BytesIO()
    return tempfile.TemporaryFile()
