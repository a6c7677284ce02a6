"""ASGI applications as resources: HTTP, WebSocket, and what they do when they start and stop.  Floor 4.

    from selvage.web.asgi import ASGIResource

    reactor.listenTCP(8080, Site(ASGIResource(application)), interface="127.0.0.1")

Source: the ASGI specification 3.0, HTTP & WebSocket 2.4, lifespan 2.0.
"""

from selvage._publish import publish
from selvage.web.asgi._lifespan import LifespanFailed as LifespanFailed
from selvage.web.asgi._resource import ASGIResource as ASGIResource

__all__ = ["ASGIResource", "LifespanFailed"]

publish(globals())
