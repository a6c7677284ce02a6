"""Change where a request leads to before it is followed.  Floor 4.

Twisted: `twisted.web.rewrite`.  There `alias` and `tildeToUsers` compare text with bytes, so that they do nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage._publish import publish
from selvage.web._resource import Resource

__all__ = ["RewriterResource", "alias", "tildeToUsers"]


class RewriterResource(Resource):
    """Has rules change the path of each request, and then answers as another resource does.

    Args:
        orig: the resource.
        rewriteRules: functions of the request, called in order; they change its `postpath` and `path`.
    """

    def __init__(self, orig: Any, *rewriteRules: Callable[[Any], object]) -> None:
        super().__init__()
        self.resource = orig
        self.rewriteRules = list(rewriteRules)

    def _rewrite(self, request: Any) -> None:
        for rule in self.rewriteRules:
            rule(request)

    def getChild(self, path: bytes, request: Any) -> Any:
        """Take the segment back, apply the rules, and go on from the resource."""
        request.postpath.insert(0, path)
        request.prepath.pop()
        self._rewrite(request)
        if self.resource.isLeaf or not request.postpath:
            return self.resource
        path = request.postpath.pop(0)
        request.prepath.append(path)
        return self.resource.getChildWithDefault(path, request)

    def render(self, request: Any) -> Any:
        """Apply the rules, and answer as the resource does."""
        self._rewrite(request)
        return self.resource.render(request)


def _set_path(request: Any) -> None:
    request.path = b"/" + b"/".join([*request.prepath, *request.postpath])


def tildeToUsers(request: Any) -> None:
    """Rule: `/~name` means `/users/name`."""
    if request.postpath and request.postpath[0].startswith(b"~"):
        request.postpath[:1] = [b"users", request.postpath[0][1:]]
        _set_path(request)


def _segments(path: str | bytes) -> list[bytes]:
    encoded = path.encode("utf-8") if isinstance(path, str) else path
    return encoded.strip(b"/").split(b"/")


def alias(aliasPath: str | bytes, sourcePath: str | bytes) -> Callable[[Any], None]:
    """Return a rule by which a path means another one, with all that is below it.

    Links that the resource makes from where it is lead to the other path.

    Args:
        aliasPath: what is asked for, such as `"a/b"`.
        sourcePath: what that means.
    """
    asked, meant = _segments(aliasPath), _segments(sourcePath)

    def rewriter(request: Any) -> None:
        if request.postpath[: len(asked)] == asked:
            request.postpath[: len(asked)] = meant
            _set_path(request)

    return rewriter


publish(globals())
