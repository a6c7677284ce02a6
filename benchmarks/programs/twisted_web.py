"""A Twisted program that serves HTTP: a short text, JSON sent back, a file of 1 MiB.

usage: twisted_web.py hello|json|file PATH

It runs unmodified on Twisted and on Selvage, prints its port, and serves until it is killed.
"""

import json
import sys

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import File


class Hello(Resource):
    isLeaf = True

    def render_GET(self, request):
        return b"Hello, world!"


class Json(Resource):
    isLeaf = True

    def render_POST(self, request):
        request.setHeader(b"content-type", b"application/json")
        return json.dumps(json.loads(request.content.read())).encode()


def root():
    if sys.argv[1] == "file":
        file = File(sys.argv[2])
        file.isLeaf = True
        return file
    return {"hello": Hello, "json": Json}[sys.argv[1]]()


if __name__ == "__main__":
    port = reactor.listenTCP(0, Site(root()), backlog=1024, interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    reactor.run()
