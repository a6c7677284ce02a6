"""Where the body of a request is kept until it is whole.  Floor 4."""

from __future__ import annotations

import tempfile
from io import BytesIO
from typing import IO, Any

from selvage.failure import Failure, report
from selvage.web.errors import BodyNotKept

__all__ = ["IN_MEMORY_BYTES", "_getContentFile", "let_go", "not_kept"]

#: Bodies that are shorter are kept in memory; in bytes.  The figure is Twisted's, and programs see it.
IN_MEMORY_BYTES = 100000


def _getContentFile(length: int | None) -> IO[bytes]:
    """Return a file for a body of that length: in memory when it is small, else on the disk."""
    if length is not None and length < IN_MEMORY_BYTES:
        return BytesIO()
    return tempfile.TemporaryFile()


def not_kept(request: Any) -> BodyNotKept:
    """Report what the system said when the body of a request was to be kept; called where that is caught.

    Returns: what a channel refuses the request with.
    """
    report(Failure(), f"{request!r}: its body cannot be kept", source="web", request=request)
    return BodyNotKept()


def let_go(file: Any) -> None:
    """Close a file whose content nobody wants any more."""
    try:
        file.close()
    except OSError:
        pass  # what it had yet to write; or some program has closed it already
