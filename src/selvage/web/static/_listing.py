"""What is in a directory, as a page.  Floor 4.

Twisted: `twisted.web.static.DirectoryLister`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote, unquote

from selvage.web._resource import Resource
from selvage.web.static._types import SystemTypes, formatFileSize, getTypeAndEncoding

__all__ = ["DirectoryLister"]

_TEMPLATE = """<!DOCTYPE html>
<html>
<head>
<title>%(header)s</title>
<style>
body { margin: 2em auto; max-width: 60em; font: 15px/1.5 system-ui, sans-serif; }
table { width: 100%%; border-collapse: collapse; }
th { text-align: left; border-bottom: 2px solid #777; }
td, th { padding: 0.2em 0.6em; }
.odd { background-color: #f4f4f4; }
</style>
</head>

<body>
<h1>%(header)s</h1>

<table>
    <thead>
        <tr>
            <th>Filename</th>
            <th>Size</th>
            <th>Content type</th>
            <th>Content encoding</th>
        </tr>
    </thead>
    <tbody>
%(tableContent)s
    </tbody>
</table>

</body>
</html>
"""

_LINE = """<tr class="%(class)s">
    <td><a href="%(href)s">%(text)s</a></td>
    <td>%(size)s</td>
    <td>%(type)s</td>
    <td>%(encoding)s</td>
</tr>
"""


def _shown(name: str) -> str:
    """Return a name for people, escaped; bytes of it that are no UTF-8 are shown by a sign."""
    return escape(os.fsencode(name).decode("utf-8", "replace"))


class DirectoryLister(Resource):
    """Lists a directory.

    Args:
        pathname: the directory.
        dirs: the names to list; all by default.
        contentTypes: types by extension.
        contentEncodings: encodings by extension.
        defaultType: of files whose extension is unknown.
    """

    #: The page, with places for `header` and `tableContent`.
    template = _TEMPLATE
    #: One line of the table, with places for `class`, `href`, `text`, `size`, `type` and `encoding`.
    linePattern = _LINE

    contentTypes: Any = SystemTypes()

    def __init__(
        self,
        pathname: Any,
        dirs: Sequence[str] | None = None,
        contentTypes: Mapping[str, str] | None = None,
        contentEncodings: Mapping[str, str] | None = None,
        defaultType: str = "text/html",
    ) -> None:
        super().__init__()
        if contentTypes is not None:
            self.contentTypes = contentTypes
        self.contentEncodings = (
            {".gz": "gzip", ".bz2": "bzip2"} if contentEncodings is None else contentEncodings
        )
        self.defaultType = defaultType
        self.dirs = dirs
        self.path = pathname

    def _getFilesAndDirectories(
        self, directory: Sequence[Any]
    ) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        """Return what is to be said of directories and of files; what is neither, or cannot be looked at, is left out."""
        dirs, files = [], []
        for name in map(os.fsdecode, directory):
            path = os.path.join(os.fsdecode(self.path), name)
            href = quote(os.fsencode(name))
            if os.path.isdir(path):
                dirs.append(
                    {
                        "text": _shown(name) + "/",
                        "href": href + "/",
                        "size": "",
                        "type": "[Directory]",
                        "encoding": "",
                    }
                )
                continue
            kind, encoding = getTypeAndEncoding(
                name, self.contentTypes, self.contentEncodings, self.defaultType
            )
            try:
                size = os.stat(path).st_size
            except OSError:
                continue  # a link that leads nowhere, or a file that has just been removed
            files.append(
                {
                    "text": _shown(name),
                    "href": href,
                    "size": formatFileSize(size),
                    "type": f"[{escape(kind)}]",
                    "encoding": f"[{escape(encoding)}]" if encoding else "",
                }
            )
        return dirs, files

    def _buildTableContent(self, elements: Sequence[Mapping[str, str]]) -> list[str]:
        """Return the lines of the table."""
        return [
            self.linePattern % {**element, "class": "even" if number % 2 else "odd"}
            for number, element in enumerate(elements)
        ]

    def render(self, request: Any) -> bytes:
        """Answer any method."""
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        directory = sorted(os.listdir(self.path)) if self.dirs is None else self.dirs
        dirs, files = self._getFilesAndDirectories(directory)
        page = self.template % {
            "header": "Directory listing for " + escape(unquote(request.uri.decode("ascii", "replace"))),
            "tableContent": "".join(self._buildTableContent(dirs + files)),
        }
        return page.encode()

    def __repr__(self) -> str:
        return f"<DirectoryLister of {self.path!r}>"
