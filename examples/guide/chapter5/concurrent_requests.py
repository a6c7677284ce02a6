# Guide 5.3.2. Mended: imports were missing, bytes and text mixed up, errors reached nobody, and nothing was concurrent.
"""A page that asks several others at once and says what each of them answered: `usage: concurrent_requests.py PORT URL...`."""

import sys

from twisted.internet import reactor
from twisted.internet.defer import DeferredList
from twisted.web.client import Agent, HTTPConnectionPool, readBody
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

pool = HTTPConnectionPool(reactor)
agent = Agent(reactor, connectTimeout=5, pool=pool)


def fetch(url):
    """Fires with a line about one URL, whatever becomes of it."""

    def answered(response):
        return readBody(response).addCallback(lambda body: f"{url}: {response.code}, {len(body)} bytes")

    def failed(failure):
        return f"{url}: failed ({failure.type.__name__})"

    asking = agent.request(b"GET", url.encode("ascii"))
    asking.addCallback(answered)
    asking.addTimeout(5, reactor)
    asking.addErrback(failed)
    return asking


class ConcurrentRequests(Resource):
    isLeaf = True

    def __init__(self, urls):
        super().__init__()
        self.urls = urls

    def render_GET(self, request):
        asking = DeferredList([fetch(url) for url in self.urls])

        def write(results):
            request.setHeader(b"content-type", b"text/plain; charset=utf-8")
            request.write("".join(f"{line}\n" for _, line in results).encode())
            request.finish()

        here = [True]

        def gone(_):
            # Nobody wants the page any more: give up what is still being asked.
            here.clear()
            asking.cancel()

        asking.addCallback(lambda results: here and write(results))
        request.notifyFinish().addErrback(gone)
        return NOT_DONE_YET


def main(port, *urls):
    root = Resource()
    root.putChild(b"concurrent", ConcurrentRequests(urls))
    listening = reactor.listenTCP(int(port), Site(root), interface="127.0.0.1")
    print(f"Serving on port {listening.getHost().port}")
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
