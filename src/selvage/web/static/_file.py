"""Serve files and directories.  Floor 4.

Twisted: `twisted.web.static.File` and what goes with it.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from secrets import token_hex
from typing import IO, Any

from selvage.logger import Logger, classic
from selvage.paths import FilePath, InsecurePath
from selvage.web._components import Componentized
from selvage.web._dates import stringToDatetime
from selvage.web._redirect import redirectTo, url_with_slash
from selvage.web._request import CACHED
from selvage.web._resource import Resource, forbidden_resource, no_resource
from selvage.web._sentinels import NOT_DONE_YET
from selvage.web._status import OK, PARTIAL_CONTENT, REQUESTED_RANGE_NOT_SATISFIABLE
from selvage.web.static._listing import DirectoryLister
from selvage.web.static._producers import (
    MultipleRangeStaticProducer,
    NoRangeStaticProducer,
    SingleRangeStaticProducer,
    StaticProducer,
)
from selvage.web.static._ranges import Range, costs_more_than_all, parse_range_header, satisfiable
from selvage.web.static._sending import answers_quickly, send_quickly
from selvage.web.static._types import SystemTypes, getTypeAndEncoding

__all__ = ["ASISProcessor", "Data", "File", "Redirect", "Registry", "addSlash", "isDangerous"]

_log = Logger("selvage.web.static")

#: Bytes of randomness in what separates the parts of an answer.
_BOUNDARY_BYTES = 12


def _as_bytes(text: str | bytes) -> bytes:
    return text.encode("ascii") if isinstance(text, str) else text


def isDangerous(path: str) -> bool:
    """Tell whether a name leads elsewhere than to an entry of a directory.  `FilePath.child` is the better question."""
    return path == ".." or "/" in path or os.sep in path


def addSlash(request: Any) -> bytes:
    """Deprecated."""
    warnings.warn("twisted.web.static.addSlash was deprecated in Twisted 16.0.0", DeprecationWarning, 2)
    return url_with_slash(request)


class Data(Resource):
    """Serves some bytes.

    Args:
        data: the bytes.
        type: their type, such as `"text/plain"`.
    """

    def __init__(self, data: bytes, type: str | bytes) -> None:
        super().__init__()
        self.data = data
        self.type = type

    def render_GET(self, request: Any) -> bytes:
        """Answer with the bytes."""
        request.setHeader(b"content-type", _as_bytes(self.type))
        request.setHeader(b"content-length", b"%d" % len(self.data))
        return b"" if request.method == b"HEAD" else self.data

    render_HEAD = render_GET


class Redirect(Resource):
    """Sends the client to the URL of a request with a slash at its end.

    Args:
        request: the request.
    """

    def __init__(self, request: Any) -> None:
        super().__init__()
        self.url = url_with_slash(request)

    def render(self, request: Any) -> bytes:
        """Answer any method."""
        return redirectTo(self.url, request)


class Registry(Componentized):
    """What the processors of files keep in common: what they made of which file."""

    def __init__(self) -> None:
        super().__init__()
        self._pathCache: dict[str, Any] = {}

    def cachePath(self, path: str, rsrc: Any) -> None:
        """Keep what was made of a file."""
        self._pathCache[path] = rsrc

    def getCachedPath(self, path: str) -> Any:
        """Return what was made of a file, None for nothing."""
        return self._pathCache.get(path)


class File(Resource, FilePath[Any]):  # type: ignore[misc]  # `children` is a dict here, as in Twisted
    """Serves a file, or a directory with all that is below it.

    Whatever the path of a request says, nothing outside the directory is served; by default, symbolic links in it are
    followed wherever they lead.  Only regular files are served.

    Hooks: `createSimilarFile`, `directoryListing`, `openForReading`, `makeProducer`.

    Args:
        path: of the file or directory.
        defaultType: of files whose extension is unknown.
        ignoredExts: extensions that a request need not name, in the order in which they are tried; `"*"` is any.
        registry: what `processors` keep in common.
        allowExt: deprecated.
        hidden: serves and lists what has a name that begins with a dot.
        links_out: follows symbolic links that lead out of the directory.
    """

    #: Types by extension, which programs add to and replace.
    contentTypes: Any = SystemTypes()
    #: Encodings by extension.
    contentEncodings = {".gz": "gzip", ".bz2": "bzip2"}
    #: By extension what makes a resource of a file: called with its path and the registry.
    processors: dict[str, Any] = {}
    #: What stands for a directory, if one is there.
    indexNames: list[str] = ["index", "index.html", "index.htm", "index.rpy"]
    #: The type of the file; by its name when it is None.
    type: Any = None
    #: How it is encoded, such as `"gzip"`.
    encoding: Any = None

    childNotFound: Any = no_resource("File not found.")
    forbidden: Any = forbidden_resource()

    def __init__(
        self,
        path: Any,
        defaultType: str = "text/html",
        ignoredExts: Any = (),
        registry: Registry | None = None,
        allowExt: object = 0,
        *,
        hidden: bool = True,
        links_out: bool = True,
    ) -> None:
        Resource.__init__(self)
        FilePath.__init__(self, path)
        self.defaultType = defaultType
        if ignoredExts in (0, 1) or allowExt:
            warnings.warn("ignoredExts should receive a list, not a boolean", stacklevel=2)
            self.ignoredExts = ["*"] if ignoredExts or allowExt else []
        else:
            self.ignoredExts = list(ignoredExts)
        self.registry = registry or Registry()
        self._hidden = hidden
        # The directory that links must not lead out of; None when they may.
        self._bounds: Any = None if links_out else self.path

    def ignoreExt(self, ext: str) -> None:
        """Have requests do without an extension, too."""
        self.ignoredExts.append(ext)

    # Which file.

    def createSimilarFile(self, path: Any) -> File:
        """Return what serves a path below this one."""
        similar = self.__class__(path, self.defaultType, self.ignoredExts, self.registry)
        # Attributes that programs set on instances.
        similar.processors = self.processors
        similar.indexNames = self.indexNames[:]
        similar.childNotFound = self.childNotFound
        similar._hidden = self._hidden
        similar._bounds = self._bounds
        return similar

    def directoryListing(self) -> Any:
        """Return what shows this directory when it has no index."""
        return DirectoryLister(
            self.path, self.listNames(), self.contentTypes, self.contentEncodings, self.defaultType
        )

    def getChild(self, path: Any, request: Any) -> Any:
        """Return what serves one entry of this directory; a page for 404 when there is none, or it is not to be served."""
        if isinstance(path, bytes):
            try:
                path = path.decode("utf-8")
            except UnicodeDecodeError:
                _log.failure("Could not decode path segment {segment!r}", segment=path)
                return self.childNotFound
        self.restat(reraise=False)
        if not self.isdir():
            return self.childNotFound
        found = self._find(path)
        if found is None:
            return self.directoryListing() if not path else self.childNotFound
        if not self._may_be_served(found):
            return self.childNotFound
        processor = self.processors.get(found.splitext()[1])
        if processor is not None:
            return processor(found.path, self.registry)
        return self.createSimilarFile(found.path)

    def _find(self, name: str) -> FilePath[Any] | None:
        """Return the path of an entry, of one with an ignored extension, or for no name of the index."""
        if not name:
            return self.childSearchPreauth(*self.indexNames)
        try:
            found: FilePath[Any] | None = self.child(name)
        except InsecurePath:
            return None
        assert found is not None
        return found if found.exists() else found.siblingExtensionSearch(*self.ignoredExts)

    def _may_be_served(self, found: FilePath[Any]) -> bool:
        if not self._hidden and os.fsdecode(found.basename()).startswith("."):
            return False
        if self._bounds is None:
            return True
        bounds, target = (
            os.path.realpath(os.fsdecode(self._bounds)),
            os.path.realpath(os.fsdecode(found.path)),
        )
        return os.path.commonpath((bounds, target)) == bounds

    def listNames(self) -> list[Any]:
        """Return the names in this directory, sorted; none when it is no directory."""
        if not self.isdir():
            return []
        return [
            name
            for name in sorted(self.listdir())
            if self._may_be_served(self.clonePath(os.path.join(self.path, name)))
        ]

    def listEntities(self) -> list[Any]:
        """Return the names in this directory, and what serves each."""
        return [(name, self.createSimilarFile(os.path.join(self.path, name))) for name in self.listNames()]

    # The answer.

    def getFileSize(self) -> int:
        """Return the size of the file in bytes."""
        return self.getsize()

    def openForReading(self) -> IO[bytes]:
        """Open the file."""
        return self.open()

    def redirect(self, request: Any) -> bytes:
        """Send the client to the same path with a slash at its end, as this is a directory."""
        return redirectTo(url_with_slash(request), request)

    def render_GET(self, request: Any) -> Any:
        """Answer with the file, with the parts of it that are asked for, or with 304."""
        request.setHeader(b"accept-ranges", b"bytes")
        self.restat(False)
        if self.type is None:
            self.type, self.encoding = getTypeAndEncoding(
                os.fsdecode(self.basename()), self.contentTypes, self.contentEncodings, self.defaultType
            )
        if self.isdir():
            return self.redirect(request)
        # Opening a pipe would wait for who writes to it, and a device has no end.
        if not self.isfile():
            return self.childNotFound.render(request)
        try:
            file = self.openForReading()
        except PermissionError:
            return self.forbidden.render(request)
        producer = None
        try:
            if CACHED in (request.setETag(self._etag()), request.setLastModified(self.getModificationTime())):
                return b""
            producer = self.makeProducer(request, file)
        finally:
            if producer is None or request.method == b"HEAD":
                file.close()
        return b"" if request.method == b"HEAD" else self._send(request, producer)

    def _send(self, request: Any, producer: StaticProducer) -> Any:
        """Send what a producer stands for, in the quickest way that there is (benchmarks: web file)."""
        file, begun = producer.fileObject, False
        if type(producer) is SingleRangeStaticProducer:
            begun = send_quickly(request, file, producer.offset, producer.size)
        elif type(producer) is NoRangeStaticProducer and (size := producer.promised_bytes) is not None:
            if size > producer.bufferSize:
                begun = send_quickly(request, file, None, size)
            elif answers_quickly(request):
                with file:
                    data = file.read(size)
                if len(data) == size:
                    return data
                request.loseConnection()  # it has less than was promised a moment ago
                begun = True
        if not begun:
            producer.start()
        return NOT_DONE_YET

    render_HEAD = render_GET

    def _etag(self) -> bytes:
        status = self._stat()
        return b'"%x-%x"' % (status.st_mtime_ns, status.st_size)

    def _setContentHeaders(self, request: Any, size: int | None = None) -> None:
        request.setHeader(b"content-length", b"%d" % (self.getFileSize() if size is None else size))
        if self.type:
            request.setHeader(b"content-type", _as_bytes(self.type))
        if self.encoding:
            request.setHeader(b"content-encoding", _as_bytes(self.encoding))

    def makeProducer(self, request: Any, fileForReading: IO[bytes]) -> StaticProducer:
        """Set status and headers for what a request asks for, and return what sends it."""
        wanted = self._wanted_ranges(request)
        if wanted is None:
            self._setContentHeaders(request)
            request.setResponseCode(OK)
            whole = NoRangeStaticProducer(request, fileForReading)
            whole.promised_bytes = self.getFileSize()
            return whole
        size = self.getFileSize()
        parts = [part for part in (satisfiable(one, size) for one in wanted) if part is not None]
        if not parts:
            request.setResponseCode(REQUESTED_RANGE_NOT_SATISFIABLE)
            request.setHeader(b"content-range", b"bytes */%d" % size)
            self._setContentHeaders(request, 0)
            if len(wanted) > 1:
                return MultipleRangeStaticProducer(request, fileForReading, [])
            return SingleRangeStaticProducer(request, fileForReading, 0, 0)
        request.setResponseCode(PARTIAL_CONTENT)
        if len(wanted) > 1:
            return MultipleRangeStaticProducer(request, fileForReading, self._multipart(request, parts, size))
        ((offset, length),) = parts
        request.setHeader(b"content-range", b"bytes %d-%d/%d" % (offset, offset + length - 1, size))
        self._setContentHeaders(request, length)
        return SingleRangeStaticProducer(request, fileForReading, offset, length)

    def _parseRangeHeader(self, range: bytes) -> list[Range]:
        return parse_range_header(range)

    def _wanted_ranges(self, request: Any) -> list[Range] | None:
        """Return the ranges that a request asks for, None for the whole file."""
        value = request.getHeader(b"range")
        # RFC 9110 section 14.2: parts are defined for GET only.
        if value is None or request.method == b"HEAD" or not self._is_as_known(request):
            return None
        try:
            ranges = self._parseRangeHeader(value)
        except ValueError:
            classic.msg(f"Ignoring malformed Range header {value.decode('ascii', 'backslashreplace')!r}")
            return None
        size = self.getFileSize()
        parts = [part for part in (satisfiable(one, size) for one in ranges) if part is not None]
        return None if len(parts) > 1 and costs_more_than_all(parts, size) else ranges

    def _is_as_known(self, request: Any) -> bool:
        """Tell whether the file is still the one of which the client has a part.

        Source: RFC 9110 section 13.1.5.
        """
        condition = request.getHeader(b"if-range")
        if condition is None:
            return True
        if condition.startswith((b'"', b"W/")):
            return bool(condition == self._etag())
        try:
            return stringToDatetime(condition) == -int(-self.getModificationTime() // 1)
        except ValueError:
            return False

    def _multipart(
        self, request: Any, parts: Sequence[tuple[int, int]], size: int
    ) -> list[tuple[bytes, int, int]]:
        """Set the headers of an answer of several parts, and return what comes before each, its offset and its size."""
        boundary = token_hex(_BOUNDARY_BYTES).encode()
        kind = _as_bytes(self.type or "application/octet-stream")
        info = [
            (
                b"\r\n--%b\r\nContent-type: %b\r\nContent-range: bytes %d-%d/%d\r\n\r\n"
                % (boundary, kind, offset, offset + length - 1, size),
                offset,
                length,
            )
            for offset, length in parts
        ]
        info.append((b"\r\n--%b--\r\n" % boundary, 0, 0))
        request.setHeader(b"content-type", b'multipart/byteranges; boundary="%b"' % boundary)
        request.setHeader(b"content-length", b"%d" % sum(len(before) + length for before, _, length in info))
        return info


class ASISProcessor(Resource):
    """Serves a file that has status and headers in it, as it is; for `File.processors`.

    Args:
        path: of the file.
        registry: what the processors keep in common.
    """

    def __init__(self, path: Any, registry: Registry | None = None) -> None:
        super().__init__()
        self.path = path
        self.registry = registry or Registry()

    def render(self, request: Any) -> Any:
        """Answer any method; no headers are written besides those in the file."""
        request.startedWriting = 1
        return File(self.path, registry=self.registry).render(request)
