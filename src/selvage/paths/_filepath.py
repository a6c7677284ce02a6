"""Paths of the file system that do not lead out of where they start.  Floor 1.

`child` is for names that strangers give: whatever the name, the result is an entry of the directory, or `InsecurePath`.

Twisted: `FilePath` of `twisted.python.filepath`.
"""

from __future__ import annotations

import errno
import glob
import ntpath
import os
from secrets import token_hex
from typing import IO, TYPE_CHECKING, Any, AnyStr, Literal, TypeAlias, cast

from zope.interface import implementer

from selvage.paths._abstract import AbstractFilePath, IFilePath, InsecurePath, LinkError, OtherAnyStr
from selvage.paths._status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FileMode", "FilePath"]

#: How a file is opened; it is always in binary mode.
FileMode: TypeAlias = Literal["r", "w", "a", "r+", "w+", "a+"]

# Where paths have drives, streams and devices.
_HAS_DRIVES = os.path is ntpath

#: Bytes that are copied at once.
_COPIED_AT_ONCE = 1 << 20

#: Bytes of randomness in the name of a temporary file.
_RANDOM_BYTES = 16


def _coerceToFilesystemEncoding(path: AnyStr, newpath: str | bytes, encoding: str | None = None) -> AnyStr:
    """Return `newpath` in the kind of `path`: text or bytes."""
    if isinstance(path, bytes):
        return _as_bytes(newpath, encoding)
    return _as_text(newpath, encoding)


def _as_bytes(path: str | bytes, encoding: str | None = None) -> bytes:
    if isinstance(path, bytes):
        return path
    return os.fsencode(path) if encoding is None else path.encode(encoding, errors="surrogateescape")


def _as_text(path: str | bytes, encoding: str | None = None) -> str:
    if isinstance(path, str):
        return path
    return os.fsdecode(path) if encoding is None else path.decode(encoding, errors="surrogateescape")


# By these names, too, programs know them.
_asFilesystemBytes = _as_bytes
_asFilesystemText = _as_text


def _refuse_what_windows_means_otherwise(name: str | bytes) -> None:
    """Raise for names that Windows takes for a drive, a stream or a device, wherever they stand."""
    from pathlib import PureWindowsPath

    text = os.fsdecode(name)
    if ":" in text or PureWindowsPath(text).is_reserved():
        raise InsecurePath(f"{name!r} means a drive, a stream or a device")


@implementer(IFilePath)
class FilePath(Status[AnyStr], AbstractFilePath[AnyStr]):
    """A path of the file system.

    What the system says of it is remembered until `restat` or `changed`, or a method here that changes it.

    Args:
        path: text or bytes, absolute or from the working directory of now; all paths made from it are of the same kind,
            except where an argument is of the other.
        alwaysCreate: `open` makes a new file, and fails when there is one.
    """

    path: AnyStr
    alwaysCreate: bool

    def __init__(self, path: AnyStr, alwaysCreate: bool = False) -> None:
        self.path = os.path.abspath(path)
        self.alwaysCreate = alwaysCreate

    def clonePath(self, path: OtherAnyStr, alwaysCreate: bool = False) -> FilePath[OtherAnyStr]:
        """Return a path, as all methods here do that return one; subclasses override it."""
        return FilePath(path, alwaysCreate)

    @property
    def sep(self) -> AnyStr:
        """What separates the segments."""
        return _coerceToFilesystemEncoding(self.path, os.sep)

    # From path to path.

    def _in_kind_of(self, other: OtherAnyStr) -> OtherAnyStr:
        return _coerceToFilesystemEncoding(other, self.path)

    def _asBytesPath(self, encoding: str | None = None) -> bytes:
        return _as_bytes(self.path, encoding)

    def _asTextPath(self, encoding: str | None = None) -> str:
        return _as_text(self.path, encoding)

    def asBytesMode(self, encoding: str | None = None) -> FilePath[bytes]:
        """Return this path in bytes.

        Args:
            encoding: of the names; the system's by default.
        """
        if isinstance(self.path, bytes):
            return self
        return self.clonePath(self._asBytesPath(encoding))

    def asTextMode(self, encoding: str | None = None) -> FilePath[str]:
        """Return this path in text.

        Args:
            encoding: of the names; the system's by default.
        """
        if isinstance(self.path, str):
            return self
        return self.clonePath(self._asTextPath(encoding))

    def _below(self, path: OtherAnyStr) -> OtherAnyStr:
        """Return what a relative path means from here.

        Raises:
            InsecurePath: it leads out.
        """
        if ("\0" if isinstance(path, str) else b"\0") in path:
            raise InsecurePath(f"{path!r} holds a NUL, which no name can have")
        if _HAS_DRIVES:
            _refuse_what_windows_means_otherwise(path)
        here = self._in_kind_of(path)
        found = os.path.abspath(os.path.join(here, os.path.normpath(path)))
        sep = _coerceToFilesystemEncoding(path, os.sep)
        if found != here and not found.startswith(here if here.endswith(sep) else here + sep):
            raise InsecurePath(f"{path!r} leads from {here!r} to {found!r}, which is not below it")
        return found

    def child(self, path: OtherAnyStr) -> FilePath[OtherAnyStr]:
        """Return the path of an entry of this directory.

        Raises:
            InsecurePath: the name leads out of the directory, or deeper than to an entry.
        """
        name = os.path.normpath(path)
        if _coerceToFilesystemEncoding(path, os.sep) in name:
            raise InsecurePath(f"{path!r} has more than one segment")
        return self.clonePath(self._below(name))

    def preauthChild(self, path: OtherAnyStr) -> FilePath[OtherAnyStr]:
        """Return a path anywhere below this one, for names of several segments.

        Raises:
            InsecurePath: it is not below.
        """
        return self.clonePath(self._below(path))

    def childSearchPreauth(self, *paths: OtherAnyStr) -> FilePath[OtherAnyStr] | None:
        """Return the first of some paths below this one that exists, None if none does.

        Raises:
            InsecurePath: one of them is not below.
        """
        for path in paths:
            found = self.preauthChild(path)
            if found.exists():
                return found
        return None

    def siblingExtension(self, ext: OtherAnyStr) -> FilePath[OtherAnyStr]:
        """Return this path with something at its end."""
        return self.clonePath(self._in_kind_of(ext) + ext)

    def siblingExtensionSearch(self, *exts: OtherAnyStr) -> FilePath[OtherAnyStr] | None:
        """Return the first of some paths that exists, None if none does: this one with each ending in turn.

        Args:
            exts: endings; an empty one is this path itself, `*` any that begins with a dot.
        """
        for ext in exts:
            here = self._in_kind_of(ext)
            if not ext:
                found = self.clonePath(here)
            elif ext == _coerceToFilesystemEncoding(ext, "*"):
                matches = sorted(glob.glob(glob.escape(here) + _coerceToFilesystemEncoding(ext, ".*")))
                if not matches:
                    continue
                found = self.clonePath(matches[0])
            else:
                found = self.siblingExtension(ext)
            if found.exists():
                return found
        return None

    def globChildren(self, pattern: OtherAnyStr) -> list[FilePath[OtherAnyStr]]:
        """Return the entries of this directory that match a pattern of the shell, in the pattern's kind."""
        here = glob.escape(self._in_kind_of(pattern))
        return [self.clonePath(path) for path in glob.glob(os.path.join(here, pattern))]

    def temporarySibling(self, extension: OtherAnyStr | None = None) -> FilePath[OtherAnyStr]:
        """Return a path in the same directory that nobody can guess; opening it makes a new file, or fails.

        Args:
            extension: the end of its name; nothing by default.
        """
        ending: Any = self.path[:0] if extension is None else extension
        random = _coerceToFilesystemEncoding(ending, token_hex(_RANDOM_BYTES))
        name = random + os.path.basename(self._in_kind_of(ending)) + ending
        found = cast("FilePath[OtherAnyStr]", self.sibling(name))
        found.requireCreate()
        return found

    def realpath(self) -> FilePath[AnyStr]:
        """Return where symbolic links lead to; this path if it is none.

        Raises:
            LinkError: they lead in a circle.
        """
        if not self.islink():
            return self
        target = os.path.realpath(self.path)
        if os.path.islink(target):
            raise LinkError(f"{self!r} is a link that leads in a circle")
        return self.clonePath(target)

    def parent(self) -> FilePath[AnyStr]:
        """Return the path of the directory that this is in."""
        return self.clonePath(self.dirname())

    def dirname(self) -> AnyStr:
        """Return all but the last segment."""
        return os.path.dirname(self.path)

    def basename(self) -> AnyStr:
        """Return the last segment."""
        return os.path.basename(self.path)

    def splitext(self) -> tuple[AnyStr, AnyStr]:
        """Return the path without its extension, and the extension with its dot."""
        return os.path.splitext(self.path)

    def isabs(self) -> bool:
        """Tell whether the path is absolute; it always is."""
        return os.path.isabs(self.path)

    # What is there, and what to do with it.

    def listdir(self) -> list[AnyStr]:
        """Return the names of the entries of this directory."""
        return os.listdir(self.path)

    def _identity(self) -> object:
        status = self._stat()
        return status.st_dev, status.st_ino

    def requireCreate(self, val: bool = True) -> None:
        """Say whether `open` shall make a new file, and fail when there is one."""
        self.alwaysCreate = val

    def create(self) -> IO[bytes]:
        """Make a new file, and open it for writing and reading.

        Raises:
            FileExistsError: there is one.
        """
        flags = os.O_EXCL | os.O_CREAT | os.O_RDWR | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(self.path, flags), "w+b")

    def open(self, mode: FileMode = "r") -> IO[bytes]:
        """Open the file, in binary mode.

        Args:
            mode: as of the built-in `open`.

        Raises:
            OSError: it cannot be opened.
        """
        if self.alwaysCreate:
            if "a" in mode:
                raise AssertionError(
                    f"{self!r} is to be made by `open`, so that there is nothing to append to"
                )
            return self.create()
        # It may or may not say "b" itself.
        return cast("IO[bytes]", open(self.path, mode.replace("b", "") + "b"))

    def setContent(self, content: bytes, ext: str | bytes = ".new") -> None:
        """Replace what is in the file, at one stroke: who reads it sees the old content or the new one.

        Args:
            content: all of it.
            ext: the end of the name of the file that it is written to before it takes this one's place.
        """
        sibling: FilePath[Any] = self.temporarySibling(cast("str", ext))
        with sibling.open("w") as file:
            file.write(content)
        os.replace(sibling.path, self._in_kind_of(sibling.path))
        self.changed()

    def touch(self) -> None:
        """Make an empty file, or set its times to now."""
        self.open("a").close()
        os.utime(self.path, None)

    def chmod(self, mode: int) -> None:
        """Set who may do what with it."""
        os.chmod(self.path, mode)
        self.changed()

    def createDirectory(self) -> None:
        """Make this directory, in one that exists."""
        os.mkdir(self.path)
        self.changed()

    def makedirs(self, ignoreExistingDirectory: bool = False) -> None:
        """Make this directory, and those that it is in.

        Args:
            ignoreExistingDirectory: does nothing when there is one.

        Raises:
            OSError: there is something at the path, or it cannot be made.
        """
        try:
            os.makedirs(self.path)
        except FileExistsError:
            self.changed()
            if not (ignoreExistingDirectory and self.isdir()):
                raise
        self.changed()

    def linkTo(self, linkFilePath: FilePath[AnyStr]) -> None:
        """Make a symbolic link that leads here.

        Args:
            linkFilePath: where the link shall be.
        """
        os.symlink(self.path, linkFilePath.path)

    def remove(self) -> None:
        """Remove the file, the link, or the directory with all that is in it."""
        if self.isdir() and not self.islink():
            for entry in self.children():
                entry.remove()
            os.rmdir(self.path)
        else:
            os.remove(self.path)
        self.changed()

    def copyTo(self, destination: FilePath[OtherAnyStr], followLinks: bool = True) -> None:
        """Copy the file, or the directory with all that is in it.

        Args:
            destination: where to; directories may exist, and files are replaced.
            followLinks: copies what links lead to; else the links.

        Raises:
            OSError: there is nothing here, or it cannot be copied.
            NotImplementedError: it is neither a file nor a directory.
        """
        if self.islink() and not followLinks:
            os.symlink(os.readlink(self.path), destination._in_kind_of(self.path))
        elif self.isdir():
            if not destination.exists():
                destination.createDirectory()
            for entry in self.children():
                entry.copyTo(destination.child(entry.basename()), followLinks)
        elif self.isfile():
            with destination.open("w") as target, self.open() as source:
                while data := source.read(_COPIED_AT_ONCE):
                    target.write(data)
        elif not self.exists():
            raise FileNotFoundError(errno.ENOENT, "there is nothing to copy", self.path)
        else:
            raise NotImplementedError(f"{self!r} is neither a file nor a directory, and cannot be copied")
        if isinstance(destination, FilePath):
            destination.changed()

    def moveTo(self, destination: FilePath[OtherAnyStr], followLinks: bool = True) -> None:
        """Move it; to another file system by a copy.

        Args:
            destination: where to; a file there is replaced.
            followLinks: to another file system, copies what links lead to.

        Raises:
            OSError: it cannot be moved.
        """
        try:
            os.rename(self.path, destination._in_kind_of(self.path))
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # The copy appears whole, and what is to go disappears whole.
            arriving = destination.temporarySibling()
            self.copyTo(arriving, followLinks)
            arriving.moveTo(destination, followLinks)
            leaving = self.temporarySibling()
            self.moveTo(leaving, followLinks)
            leaving.remove()
        self.changed()
        destination.changed()

    # As a value.

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_statinfo", None)
        return state

    def __eq__(self, other: object) -> bool:
        return self.path == other.path if isinstance(other, FilePath) else NotImplemented

    __hash__ = AbstractFilePath.__hash__

    def __lt__(self, other: Any) -> bool:
        return bool(self.path < other.path) if isinstance(other, FilePath) else NotImplemented

    def __le__(self, other: Any) -> bool:
        return bool(self.path <= other.path) if isinstance(other, FilePath) else NotImplemented

    def __gt__(self, other: Any) -> bool:
        return bool(self.path > other.path) if isinstance(other, FilePath) else NotImplemented

    def __ge__(self, other: Any) -> bool:
        return bool(self.path >= other.path) if isinstance(other, FilePath) else NotImplemented

    def __repr__(self) -> str:
        return f"FilePath({self.path!r})"

    if TYPE_CHECKING:

        def parents(self) -> Iterator[FilePath[AnyStr]]: ...
        def sibling(self, path: OtherAnyStr) -> FilePath[OtherAnyStr]: ...
