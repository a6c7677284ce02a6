"""Types and encodings of files by their names.  Floor 4."""

from __future__ import annotations

import mimetypes
import os.path
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["formatFileSize", "getTypeAndEncoding", "loadMimeTypes"]


def loadMimeTypes(
    mimetype_locations: Sequence[str] | None = None, init: Callable[[Any], object] = mimetypes.init
) -> dict[str, str]:
    """Return the types that this system knows, by extension.

    Args:
        mimetype_locations: files to read besides those that the system has.
        init: reads them.
    """
    init(mimetype_locations)
    types = dict(mimetypes.types_map)
    # What systems often do not know, or know by an older name.
    types.update(
        {
            ".conf": "text/plain",
            ".diff": "text/plain",
            ".flac": "audio/x-flac",
            ".java": "text/plain",
            ".oz": "text/x-oz",
            ".swf": "application/x-shockwave-flash",
            ".wml": "text/vnd.wap.wml",
            ".xul": "application/vnd.mozilla.xul+xml",
            ".patch": "text/plain",
        }
    )
    return types


class SystemTypes:
    """A class attribute that has the types of this system, by extension; they are read when it is first asked for.

    That takes longer than all else that a small server does when it starts.
    """

    _types: dict[str, str] | None = None

    def __get__(self, instance: object, owner: type) -> dict[str, str]:
        if SystemTypes._types is None:
            SystemTypes._types = loadMimeTypes()
        return SystemTypes._types


def getTypeAndEncoding(
    filename: str, types: Mapping[str, str], encodings: Mapping[str, str], defaultType: str
) -> tuple[str, str | None]:
    """Return the type of a file and how it is encoded, by its name: `a.txt.gz` is text, encoded by gzip."""
    stem, ext = os.path.splitext(filename)
    ext = ext.lower()
    encoding = encodings.get(ext)
    if encoding is not None:
        ext = os.path.splitext(stem)[1].lower()
    return types.get(ext, defaultType), encoding


def formatFileSize(size: int) -> str:
    """Return a size in words: bytes, K, M or G, rounded down."""
    for unit, name in ((1024, "B"), (1024**2, "K"), (1024**3, "M")):
        if size < unit:
            return f"{size // (unit // 1024)}{name}"
    return f"{size // 1024**3}G"
