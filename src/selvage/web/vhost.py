"""Several sites on one port, told apart by the name that the client asked for.  Floor 4.

Twisted: `twisted.web.vhost`.
"""

from __future__ import annotations

from typing import Any

from selvage._publish import publish
from selvage.web._resource import Resource, no_resource
from selvage.web._roots import Homogenous

__all__ = ["NameVirtualHost", "VHostMonsterResource", "VirtualHostCollection"]


class VirtualHostCollection(Homogenous):
    """The hosts of a `NameVirtualHost`, as a collection that a program can be configured with.

    Args:
        nvh: has the hosts.
    """

    entityType = Resource

    def __init__(self, nvh: NameVirtualHost) -> None:
        super().__init__()
        self.nvh = nvh

    def listStaticEntities(self) -> Any:
        """Return names and what is served for each."""
        return self.nvh.listStaticEntities()

    def getStaticEntity(self, name: bytes) -> Any:
        """Return what is served for a name, None for nothing."""
        return self.nvh.getStaticEntity(name)

    def reallyPutEntity(self, name: bytes, entity: Any) -> None:
        """Serve something for a name."""
        self.nvh.addHost(name, entity)

    def delEntity(self, name: bytes) -> None:
        """Serve a name no more."""
        self.nvh.removeHost(name)


class NameVirtualHost(Resource):
    """Serves by the Host header what was added for that name.

    What the client says there is its own choice: it says what it wants to see, and proves nothing.
    """

    #: What is served for all other names, and to clients who give none; a page for 404 by default.
    default: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.hosts: dict[bytes, Any] = {}

    def listStaticEntities(self) -> Any:
        """Return what was put under a segment, for every host."""
        return list(super().listStaticEntities()) + list(self.hosts.items())

    def getStaticEntity(self, name: bytes) -> Any:
        """Return what was put under a segment, or else what was added for a host."""
        return super().getStaticEntity(name) or self.hosts.get(name)

    def addHost(self, name: bytes, resrc: Any) -> None:
        """Serve a resource for a name.

        Args:
            name: as bytes, without a port; case does not matter.
            resrc: the root of what is served.
        """
        self.hosts[name.lower()] = resrc

    def removeHost(self, name: bytes) -> None:
        """Serve a name no more.

        Raises:
            KeyError: nothing was added for it.
        """
        del self.hosts[name.lower()]

    def _getResourceForRequest(self, request: Any) -> Any:
        header: bytes = request.getHeader(b"host") or b""
        # An address of IPv6 has colons of its own, and stands in brackets.
        end = header.find(b"]") + 1
        host = header[: header.find(b":", end)] if b":" in header[end:] else header
        found = self.hosts.get(host.lower().rstrip(b"."), self.default)
        # The page does not repeat the name (CVE-2022-39348).
        return no_resource() if found is None else found

    _stands_for = _getResourceForRequest

    def render(self, request: Any) -> Any:
        """Answer as the resource for the name does."""
        return self._getResourceForRequest(request).render(request)

    def getChild(self, path: bytes, request: Any) -> Any:
        """Return what the resource for the name has below it; that resource itself if it takes the whole path."""
        found = self._getResourceForRequest(request)
        if found.isLeaf:
            request.postpath.insert(0, request.prepath.pop(-1))
            return found
        return found.getChildWithDefault(path, request)


class _HostResource(Resource):
    """Takes the name, and perhaps the port, that the next segment has for those that the client asked for."""

    def __init__(self, secure: bool = False) -> None:
        super().__init__()
        self._secure = secure

    def getChild(self, path: bytes, request: Any) -> Any:
        """Begin anew at the root of the site, with what is left of the path."""
        host, colon, digits = path.partition(b":")
        if not colon:
            port = 443 if self._secure else 80
        elif digits.isdigit() and int(digits) <= 0xFFFF:
            port = int(digits)
        else:
            return no_resource()
        request.setHost(host, port)
        _, mark, query = request.uri.partition(b"?")
        request.path = b"/" + b"/".join(request.postpath)
        request.uri = request.path + mark + query
        request.prepath[:] = []
        return request.site.getResourceFor(request)


class VHostMonsterResource(Resource):
    """Lets a proxy in front say what the client asked it for, in the path: `/vhost/https/example.org:8443/path`.

    Whoever reaches it can say so; put it where only the proxy does.
    """

    def getChild(self, path: bytes, request: Any) -> Any:
        """Take the first segment for the scheme."""
        if path not in (b"http", b"https"):
            return no_resource()
        secure = path == b"https"
        request.isSecure = lambda: secure
        return _HostResource(secure)


publish(globals())
