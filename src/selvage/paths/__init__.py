"""Paths of the file system, for names that strangers may give.  Floor 1.

Twisted: `twisted.python.filepath`.
"""

from selvage._publish import publish
from selvage.paths._abstract import (
    AbstractFilePath as AbstractFilePath,
    IFilePath as IFilePath,
    InsecurePath as InsecurePath,
    LinkError as LinkError,
    UnlistableError as UnlistableError,
)
from selvage.paths._filepath import FilePath as FilePath
from selvage.paths._permissions import RWX as RWX, Permissions as Permissions

__all__ = [
    "RWX",
    "AbstractFilePath",
    "FilePath",
    "IFilePath",
    "InsecurePath",
    "LinkError",
    "Permissions",
    "UnlistableError",
]

publish(globals())
