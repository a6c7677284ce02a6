# Guide 5.3.1. Mended: what `StaticSite` stood on was lost in print, the root returned nothing, and there were no items.
"""A RESTful service: items that can be listed, created, read, changed and deleted: `usage: rest_service.py PORT`."""

import json
import sys
from itertools import count

from twisted.internet import reactor
from twisted.web import resource, server


def as_json(request, value, code=200):
    request.setResponseCode(code)
    request.setHeader(b"content-type", b"application/json")
    return json.dumps(value).encode() + b"\n"


def change(request, items, name, code):
    """Keep what the client sent under a name."""
    try:
        items[name] = json.loads(request.content.read())
    except ValueError:
        return as_json(request, {"error": "the body is no JSON"}, 400)
    return as_json(request, {"name": name, "item": items[name]}, code)


class Hello(resource.Resource):
    isLeaf = True

    def render_GET(self, request):
        return b"Hello, world!"


class Items(resource.Resource):
    def __init__(self):
        super().__init__()
        self.items = {}
        self.numbers = count(1)  # a name is given once, also when its item is gone

    def getChild(self, path, request):
        if path == b"":
            return self
        return Item(self.items, path.decode("utf-8", "replace"))

    def render_GET(self, request):
        return as_json(request, self.items)

    def render_POST(self, request):
        name = str(next(self.numbers))
        answer = change(request, self.items, name, 201)
        if name in self.items:
            request.setHeader(b"location", b"/items/" + name.encode())
        return answer


class Item(resource.Resource):
    isLeaf = True

    def __init__(self, items, name):
        super().__init__()
        self.items = items
        self.name = name

    def render(self, request):
        if self.name not in self.items:
            return as_json(request, {"error": "no such item"}, 404)
        return super().render(request)

    def render_GET(self, request):
        return as_json(request, self.items[self.name])

    def render_PUT(self, request):
        return change(request, self.items, self.name, 200)

    def render_DELETE(self, request):
        return as_json(request, self.items.pop(self.name))


if __name__ == "__main__":
    root = resource.Resource()
    root.putChild(b"", Hello())
    root.putChild(b"items", Items())
    reactor.listenTCP(int(sys.argv[1]), server.Site(root), interface="127.0.0.1")
    print("Serving", flush=True)
    reactor.run()
