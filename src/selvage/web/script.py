"""Files that are programs: `.rpy` makes a resource, `.epy` writes to the request.  Floor 4.

Put the former among the processors of a `File`: ``file.processors[".rpy"] = ResourceScript``.

Twisted: `twisted.web.script`.
"""

from __future__ import annotations

import os
from types import CodeType
from typing import Any

from selvage._publish import publish
from selvage.failure import Failure, report
from selvage.paths import FilePath, InsecurePath
from selvage.web._resource import Resource, error_page, no_resource
from selvage.web._sentinels import NOT_DONE_YET
from selvage.web._status import INTERNAL_SERVER_ERROR, NOT_FOUND
from selvage.web.static import Registry
from selvage.web.template._failure_page import formatFailure

__all__ = [
    "AlreadyCached",
    "CacheScanner",
    "PythonScript",
    "ResourceScript",
    "ResourceScriptDirectory",
    "ResourceScriptWrapper",
    "ResourceTemplate",
    "rpyNoResource",
]

rpyNoResource = """<p>You forgot to assign to the variable "resource" in your script. For example:</p>
<pre>
# MyCoolWebApp.rpy

import mygreatresource

resource = mygreatresource.MyGreatResource()
</pre>
"""

_FAILED = b"<html><head><title>500</title></head><body><h1>The script failed</h1></body></html>"


class AlreadyCached(Exception):
    """Ends a script whose resource is known from an earlier run."""


class CacheScanner:
    """What a script calls to say that its resource is to be kept: `cache()` at its beginning.

    Args:
        path: of the script.
        registry: keeps it.
    """

    doCache = 0

    def __init__(self, path: str, registry: Registry) -> None:
        self.path = path
        self.registry = registry

    def cache(self) -> None:
        """Take the resource of an earlier run, or keep that of this one.

        Raises:
            AlreadyCached: there is one; the script ends here.
        """
        known = self.registry.getCachedPath(self.path)
        if known is not None:
            raise AlreadyCached(known)
        self.recache()

    def recache(self) -> None:
        """Keep the resource of this run."""
        self.doCache = 1


def _compiled(path: Any) -> CodeType:
    with open(path, "rb") as file:
        return compile(file.read(), os.fsdecode(path), "exec")


def ResourceScript(path: Any, registry: Registry) -> Any:
    """Run a script, and return what it calls `resource`.

    The script has the names `registry`, `cache` and `recache` besides `__file__`.
    """
    path = os.fsdecode(path)
    scanner = CacheScanner(path, registry)
    missing = error_page(INTERNAL_SERVER_ERROR, "Whoops! Internal Error", rpyNoResource)
    names = {
        "__file__": path,
        "resource": missing,
        "registry": registry,
        "cache": scanner.cache,
        "recache": scanner.recache,
    }
    try:
        exec(_compiled(path), names)
    except AlreadyCached as known:
        return known.args[0]
    resource = names["resource"]
    if scanner.doCache and resource is not missing:
        registry.cachePath(path, resource)
    return resource


def ResourceTemplate(path: Any, registry: Registry) -> Any:
    """Run a template of Quixote (`.ptl`), and return what it calls `resource`.

    Raises:
        ImportError: Quixote is not installed.
    """
    from quixote import ptl_compile  # type: ignore[import-not-found, unused-ignore]

    names = {
        "__file__": os.fsdecode(path),
        "resource": error_page(INTERNAL_SERVER_ERROR, "Whoops! Internal Error", rpyNoResource),
        "registry": registry,
    }
    with open(path, encoding="utf-8") as file:
        exec(ptl_compile.compile_template(file, path), names)
    return names["resource"]


class ResourceScriptWrapper(Resource):
    """Answers as the resource of a script does, which is run anew for each request.

    Args:
        path: of the script.
        registry: what scripts keep in common.
    """

    def __init__(self, path: Any, registry: Registry | None = None) -> None:
        super().__init__()
        self.path = path
        self.registry = registry or Registry()

    def render(self, request: Any) -> Any:
        """As the resource does."""
        return ResourceScript(self.path, self.registry).render(request)

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """As the resource does."""
        return ResourceScript(self.path, self.registry).getChildWithDefault(path, request)


class ResourceScriptDirectory(Resource):
    """Serves the scripts in a directory, each by its name.

    Args:
        pathname: the directory.
        registry: what scripts keep in common.
    """

    def __init__(self, pathname: Any, registry: Registry | None = None) -> None:
        super().__init__()
        self.path = pathname
        self.registry = registry or Registry()

    def getChild(self, path: Any, request: Any) -> Any:
        """Return the resource of a script, or what serves a directory; a page for 404 when there is neither."""
        try:
            found = FilePath(self.path).child(path)
        except InsecurePath:
            return no_resource()
        if found.isdir():
            return ResourceScriptDirectory(found.path, self.registry)
        if found.isfile():
            return ResourceScript(found.path, self.registry)
        return no_resource()

    def render(self, request: Any) -> Any:
        """Answer 404: a directory of scripts is not listed."""
        return no_resource().render(request)


class PythonScript(Resource):
    """Runs a script for each request, which has it as `request` and writes the answer to it.

    What it fails with reaches the hub; the client sees it only when the site has `displayTracebacks`.

    Args:
        filename: of the script.
        registry: what scripts keep in common; it has it as `registry`.
    """

    isLeaf = True

    def __init__(self, filename: Any, registry: Any) -> None:
        # Not that of Resource: a leaf has no children.
        self.filename = filename
        self.registry = registry

    def render(self, request: Any) -> Any:
        """Answer any method."""
        names = {"request": request, "__file__": os.fsdecode(self.filename), "registry": self.registry}
        try:
            exec(_compiled(self.filename), names)
        except FileNotFoundError:
            if os.path.exists(self.filename):
                self._fail(request)
            else:
                request.setResponseCode(NOT_FOUND)
                request.write(no_resource("File not found.").render(request))
        except Exception:
            self._fail(request)
        request.finish()
        return NOT_DONE_YET

    def _fail(self, request: Any) -> None:
        failure = Failure()
        report(failure, "A script failed", source="web", request=request, script=self.filename)
        if not getattr(request, "startedWriting", False):
            request.setResponseCode(INTERNAL_SERVER_ERROR)
        tell = getattr(getattr(request, "site", None), "displayTracebacks", False)
        request.write(formatFailure(failure) if tell else _FAILED)


publish(globals())
