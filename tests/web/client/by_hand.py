"""The pleasant client, whose connections tests answer for by hand."""

from __future__ import annotations

import pytest

from selvage.defer import Deferred, fail
from selvage.failure import Failure
from selvage.tasks import Clock
from selvage.testing import StringTransport
from selvage.web.client import Client, RequestError

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def response(code=200, body=b"", **headers):
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return b"HTTP/1.1 %d X\r\n%bContent-Length: %d\r\n\r\n%b" % (code, fields.encode(), len(body), body)


class FakeRouter:
    """Connects to string transports; keeps the routes that were asked for."""

    def __init__(self):
        self.routes = []
        self.connections = []
        self.failures = []
        self.pending = None
        self.secure = False

    def endpoint_for(self, route, resolved):
        self.routes.append(route)
        self.resolved = resolved
        return self

    def connect(self, factory):
        if self.failures:
            return fail(self.failures.pop(0))
        self.factory = factory
        if self.pending is not None:
            return self.pending
        self.resolved()
        connection = factory.buildProtocol(None)
        connection.makeConnection(StringTransport(lenient=True))
        self.connections.append(connection)
        done = Deferred()
        done.callback(connection)
        return done


class Fixture:
    def __init__(self, **options):
        self.clock = Clock()
        options.setdefault("proxy", False)
        self.client = Client(reactor=self.clock, **options)
        self.router = self.client._connections._router = FakeRouter()

    def __call__(self, method, url, **options):
        results = []
        deferred = self.client.request(method, url, **options)
        deferred.addBoth(results.append)
        self.deferred = deferred
        return results

    def sent(self, number=-1):
        return self.router.connections[number].transport.value()

    def answer(self, data, number=-1):
        connection = self.router.connections[number]
        connection.transport.clear()
        connection.dataReceived(data)


@pytest.fixture
def it():
    return Fixture()


def failure_of(results, kind=RequestError):
    assert results, "nothing has come"
    assert isinstance(results[0], Failure), results
    assert results[0].type is kind, results[0].getTraceback()
    return results[0].value
