"""Agents and endpoints that tests answer for by hand."""

from __future__ import annotations

from typing import Any

from selvage.defer import Deferred, succeed
from selvage.interfaces import IStreamClientEndpoint, implementer
from selvage.testing import StringTransport
from selvage.web import Headers
from selvage.web.client import Response
from selvage.web.interfaces import IAgent


@implementer(IAgent)
class FakeAgent:
    """Keeps requests; `answer` answers the oldest."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self._waiting: list[Deferred[Any]] = []
        self.transport = StringTransport(lenient=True)

    def request(self, method, uri, headers=None, bodyProducer=None):
        self.requests.append((method, uri, headers, bodyProducer))
        self._waiting.append(Deferred())
        return self._waiting[-1]

    def answer(self, code=200, **headers):
        fields = {name.replace("_", "-").encode(): [value] for name, value in headers.items()}
        response = Response((b"HTTP", 1, 1), code, b"", Headers(fields), self.transport)
        self._waiting.pop(0).callback(response)
        return response


@implementer(IStreamClientEndpoint)
class FakeEndpoint:
    """Connects to string transports; `connections` has the protocols."""

    def __init__(self) -> None:
        self.connections: list[Any] = []

    def __repr__(self) -> str:
        return "<FakeEndpoint>"

    def connect(self, factory):
        protocol = factory.buildProtocol(None)
        protocol.makeConnection(StringTransport(lenient=True))
        self.connections.append(protocol)
        return succeed(protocol)
