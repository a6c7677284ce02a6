"""What every kind of path can do, be it of a file system or within an archive.  Floor 1.

Twisted: `IFilePath` and `AbstractFilePath` of `twisted.python.filepath`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any, AnyStr, Generic, TypeVar

from selvage.interfaces._base import Interface, Protocol

if TYPE_CHECKING:
    from typing import Self

__all__ = ["AbstractFilePath", "IFilePath", "InsecurePath", "LinkError", "OtherAnyStr", "UnlistableError"]

#: The kind of an argument, which may be another one than the kind of the path itself.
OtherAnyStr = TypeVar("OtherAnyStr", str, bytes)


class InsecurePath(Exception):
    """A path would lead out of the directory below which it has to stay."""


class LinkError(Exception):
    """Symbolic links lead in a circle."""


class UnlistableError(OSError):
    """A directory cannot be listed: it does not exist, or is no directory.

    Args:
        originalException: what the system said; errno and all else are taken from it.
    """

    def __init__(self, originalException: OSError) -> None:
        super().__init__(*originalException.args)
        self.__dict__.update(originalException.__dict__)
        self.errno = originalException.errno
        self.strerror = originalException.strerror
        self.filename = originalException.filename
        self.originalException = originalException


class IFilePath(Interface, Protocol):
    """A path; `twisted.python.zippath` has one that leads into an archive."""

    @property
    def sep(self) -> Any:
        """What separates the segments."""

    def child(self, name: Any) -> Any:
        """Return the path of an entry of this directory.

        Raises:
            InsecurePath: the name leads out of it.
        """

    def open(self, mode: Any = "r") -> IO[bytes]:
        """Open the file, in binary mode."""

    def changed(self) -> None:
        """Forget what is known of the file: it has changed."""

    def getsize(self) -> int:
        """Return the size in bytes."""

    def getModificationTime(self) -> float:
        """Return when its content was changed, in seconds since 1970."""

    def getStatusChangeTime(self) -> float:
        """Return when its status was changed, in seconds since 1970."""

    def getAccessTime(self) -> float:
        """Return when it was read, in seconds since 1970."""

    def exists(self) -> bool:
        """Tell whether there is something at this path."""

    def isdir(self) -> bool:
        """Tell whether it is a directory."""

    def isfile(self) -> bool:
        """Tell whether it is a regular file."""

    def children(self) -> Iterable[Any]:
        """Return the paths of all entries of this directory."""

    def basename(self) -> Any:
        """Return the last segment."""

    def parent(self) -> Any:
        """Return the path of the directory that this is in."""

    def sibling(self, name: Any) -> Any:
        """Return the path of another entry of the directory that this is in."""


class AbstractFilePath(Generic[AnyStr]):
    """What follows from `path`, `child`, `listdir` and a few others."""

    #: The absolute path.
    path: AnyStr

    if TYPE_CHECKING:

        def child(self, path: OtherAnyStr) -> AbstractFilePath[OtherAnyStr]: ...
        def parent(self) -> AbstractFilePath[AnyStr]: ...
        def basename(self) -> AnyStr: ...
        def isdir(self) -> bool: ...
        def listdir(self) -> list[AnyStr]: ...
        def open(self, mode: Any = "r") -> IO[bytes]: ...
        def getAccessTime(self) -> float: ...
        def getModificationTime(self) -> float: ...
        def getStatusChangeTime(self) -> float: ...

    def getContent(self) -> bytes:
        """Return what is in the file."""
        with self.open() as file:
            return file.read()

    def parents(self) -> Iterator[AbstractFilePath[AnyStr]]:
        """Yield the directories that this is in, the nearest first."""
        path: AbstractFilePath[AnyStr] = self
        above = path.parent()
        # The root is its own parent.
        while path != above:
            yield above
            path, above = above, above.parent()

    def children(self) -> Iterable[Self]:
        """Return the paths of all entries of this directory.

        Raises:
            UnlistableError: it does not exist, or is no directory.
        """
        try:
            names = self.listdir()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UnlistableError(error) from error
        except OSError as error:
            if getattr(error, "winerror", None) is None:
                raise
            raise UnlistableError(error) from error
        return [self.child(name) for name in names]  # type: ignore[misc]

    def _identity(self) -> object:
        """Return what is the same for all paths that lead to this directory."""
        return self.path

    def walk(self, descend: Callable[[Self], bool] | None = None) -> Iterator[Self]:
        """Yield this path and, if it is a directory, all that is below it.

        Args:
            descend: tells whether to look into a directory below this one; all by default.

        Raises:
            LinkError: symbolic links lead back to a directory that is just being walked through.
        """
        yield self
        if not self.isdir():
            return
        # A list of what is still to be yielded at each level, and not a recursion: directories may be deep.
        levels = [iter(self.children())]
        entered = [self._identity()]
        while levels:
            for entry in levels[-1]:
                if (descend is None or descend(entry)) and entry.isdir():
                    identity = entry._identity()
                    if identity in entered:
                        raise LinkError(f"{entry!r} leads back to a directory that it is in")
                    yield entry
                    levels.append(iter(entry.children()))
                    entered.append(identity)
                    break
                yield entry
            else:
                levels.pop()
                entered.pop()

    def sibling(self, path: OtherAnyStr) -> AbstractFilePath[OtherAnyStr]:
        """Return the path of another entry of the directory that this is in.

        Raises:
            InsecurePath: the name leads out of that directory.
        """
        return self.parent().child(path)

    def descendant(self, segments: Sequence[OtherAnyStr]) -> AbstractFilePath[OtherAnyStr]:
        """Return the path that some segments lead to from here.

        Raises:
            InsecurePath: one of them leads out of where the ones before it lead to.
        """
        path: Any = self
        for name in segments:
            path = path.child(name)
        return path  # type: ignore[no-any-return]

    def segmentsFrom(self, ancestor: Any) -> list[AnyStr]:
        """Return the segments that lead from a directory to here.

        Raises:
            ValueError: that directory is not above this path.
        """
        segments: list[AnyStr] = []
        path: AbstractFilePath[AnyStr] = self
        above = path.parent()
        while path != ancestor:
            if path == above:
                raise ValueError(f"{ancestor!r} is not above {self!r}")
            segments.append(path.basename())
            path, above = above, above.parent()
        segments.reverse()
        return segments

    def getatime(self) -> int:
        """Return `getAccessTime` in whole seconds."""
        return int(self.getAccessTime())

    def getmtime(self) -> int:
        """Return `getModificationTime` in whole seconds."""
        return int(self.getModificationTime())

    def getctime(self) -> int:
        """Return `getStatusChangeTime` in whole seconds."""
        return int(self.getStatusChangeTime())

    def __hash__(self) -> int:
        return hash((AbstractFilePath, self.path))
