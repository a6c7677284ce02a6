"""Conversations in Selvage's own protocols, in memory and over the faults of a plan.

Each is begun with a plan, and has `said`, which operations it has begun, with what became of each: a value, or a Failure.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

from selvage.addresses import IPv4Address
from selvage.defer import Deferred, ensureDeferred, succeed
from selvage.errors import ConnectionClosed
from selvage.failure import Failure
from selvage.protocols import ClientFactory, Factory, amp
from selvage.protocols.basic import Int32StringReceiver, LineReceiver, NetstringReceiver
from selvage.protocols.tls import TLSMemoryBIOFactory
from selvage.tasks import Clock, Cooperator
from selvage.testing.faults import FaultPlan
from selvage.web import Headers
from selvage.web.client import (
    Agent,
    BrowserLikePolicyForHTTPS,
    Client,
    FileBodyProducer,
    HTTPConnectionPool,
    RequestError,
    RequestTransmissionFailed,
    ResponseFailed,
    readBody,
)
from selvage.web.http import OK, REQUEST_TIMEOUT
from selvage.web.resource import Resource
from selvage.web.server import NOT_DONE_YET, Site
from selvage.web.websocket import (
    ConnectionRejected,
    WebSocketClientEndpoint,
    WebSocketResource,
    WebSocketViolation,
)
from tests.transports.certificates import HOST, client_context, server_context

# Steps after which a conversation that is not quiet never will be.
STEPS = 20_000


class Conversation:
    """Two programs that talk.

    Attributes:
        said: what became of each operation.
        pairs: the connections.
        clock: that of both programs, and of the plan.
    """

    #: What becomes of each operation where nothing goes wrong.
    complete: list[Any]
    #: What the failure of an operation may be.
    errors: tuple[type[BaseException], ...] = (ConnectionClosed,)
    #: What nobody may have asked for any more where bits have flipped, so that it is reported.
    unasked: tuple[type[BaseException], ...] = ()

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self.clock: Clock = plan.clock
        self.said: list[Any] = []
        #: Lists of what was heard, and what was to be heard.
        self.heard: list[tuple[list[Any], list[Any]]] = []
        self.pairs: list[Any] = []
        self.begin()

    def begin(self) -> None:
        raise NotImplementedError

    def do(self, operation: Deferred[Any]) -> None:
        """Take note of what becomes of an operation."""
        number = len(self.said)
        self.said.append(None)
        operation.addBoth(lambda outcome: self.said.__setitem__(number, outcome))

    def join(self, client: Any, server: Any) -> None:
        self.pairs.append(self.plan.connect(client, server))

    def settle(self) -> None:
        """Move all until nobody has anything left to do; time passes as it is needed."""
        for _ in range(STEPS):
            for pair in list(self.pairs):
                pair.flush()
            calls = self.clock.getDelayedCalls()
            if not calls:
                return
            self.clock.advance(max(0.0, min(call.getTime() for call in calls) - self.clock.seconds()))
        raise AssertionError(f"not quiet: {self.clock.getDelayedCalls()}")


# --- Frames --------------------------------------------------------------------------------------------------------

WORDS = [b"one", b"", b"three" * 10, bytes(range(100, 200)).replace(b"\r", b"").replace(b"\n", b"")]


class _Echoes:
    """The server's side of a protocol of frames, and the client's: says all words at once and hears them again."""

    says: tuple[bytes, ...] = ()

    def connectionMade(self) -> None:
        super().connectionMade()  # type: ignore[misc]
        self.heard: list[bytes] = []
        self.done: Deferred[Any] = Deferred()
        for word in self.says:
            self.send(word)

    def frame(self, word: bytes) -> None:
        if not self.says:
            self.send(word)
            return
        self.heard.append(word)
        if len(self.heard) == len(self.says):
            self.transport.loseConnection()  # type: ignore[attr-defined]

    def connectionLost(self, reason: Failure) -> None:
        self.done.callback(self.heard if self.heard == list(self.says) else reason)


class _Lines(_Echoes, LineReceiver):
    def lineReceived(self, line: bytes) -> None:
        self.frame(line)

    def send(self, word: bytes) -> None:
        self.sendLine(word)


class _Prefixed(_Echoes, Int32StringReceiver):
    def stringReceived(self, string: bytes) -> None:
        self.frame(string)

    def send(self, word: bytes) -> None:
        self.sendString(word)


class _Netstrings(_Echoes, NetstringReceiver):
    stringReceived = _Prefixed.stringReceived  # type: ignore[assignment]
    send = _Prefixed.send


class Frames(Conversation):
    protocol: Any
    complete = [WORDS]

    def begin(self) -> None:
        client, server = self.protocol(), self.protocol()
        client.says = tuple(WORDS)
        self.link(client, server)
        self.heard.append((client.heard, WORDS))
        self.do(client.done)

    def link(self, client: Any, server: Any) -> None:
        self.join(client, server)


class Lines(Frames):
    protocol = _Lines


class Prefixed(Frames):
    protocol = _Prefixed


class Netstrings(Frames):
    protocol = _Netstrings


class LinesOverTLS(Lines):
    def link(self, client: Any, server: Any) -> None:
        self.join(*_secured(client, server, self.clock))


def _secured(client: Any, server: Any, clock: Clock) -> tuple[Any, Any]:
    """Put both sides behind TLS."""

    def only(factory: Factory[Any], protocol: Any) -> Factory[Any]:
        factory.buildProtocol = lambda addr: protocol  # type: ignore[method-assign]
        return factory

    client_tls = TLSMemoryBIOFactory(
        client_context(), True, only(ClientFactory(), client), clock, server_hostname=HOST
    )
    server_tls = TLSMemoryBIOFactory(server_context(), False, only(Factory(), server), clock)
    return client_tls.buildProtocol(None), server_tls.buildProtocol(None)


# --- AMP -----------------------------------------------------------------------------------------------------------


class Odd(Exception):
    """The number is odd."""


class Halve(amp.Command):
    arguments = [(b"number", amp.Integer())]
    response = [(b"half", amp.Integer())]
    errors = {Odd: b"ODD"}


class _Calculator(amp.AMP):
    @Halve.responder
    def halve(self, number: int) -> dict[str, int]:
        if number % 2:
            raise Odd("that is odd")
        return {"half": number // 2}


class Questions(Conversation):
    unasked = (amp.AmpError, KeyError, ValueError)
    complete = [{"half": 2}, "odd", {"half": 500}]

    def begin(self) -> None:
        client = amp.AMP()
        self.join(client, _Calculator())
        self.do(client.callRemote(Halve, number=4))
        self.do(client.callRemote(Halve, number=5).addErrback(lambda f: f.trap(Odd) and "odd"))
        self.do(client.callRemote(Halve, number=1000))


# --- The web -------------------------------------------------------------------------------------------------------


class _Shop(Resource):
    isLeaf = True

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def render_GET(self, request: Any) -> Any:
        if request.path == b"/length":
            return b"a body with a length"
        # In pieces, of which some come later.
        request.write(b"a body ")
        self.clock.callLater(1, self._rest, request, request.notifyFinish())
        return NOT_DONE_YET

    def render_POST(self, request: Any) -> bytes:
        content: bytes = request.content.read()
        return content[::-1]

    def _rest(self, request: Any, finished: Any) -> None:
        finished.addErrback(lambda _: None)
        if not request._disconnected:
            request.write(b"in chunks")
            request.finish()


class TooLate(Exception):
    """The server has waited long enough for a request: status 408."""


def _check(status: int) -> None:
    if status == REQUEST_TIMEOUT:
        raise TooLate
    assert status == OK


class Requests(Conversation):
    """Requests one after another on one connection, which is made again where the client does that."""

    complete = [b"a body with a length", b"!olleh" * 50, b"a body in chunks"]
    errors = (ConnectionClosed, RequestTransmissionFailed, ResponseFailed, TooLate)

    scheme = b"http"

    def begin(self) -> None:
        self.site = Site(_Shop(self.clock), reactor=self.clock)
        self.agent = Agent.usingEndpointFactory(self.clock, self, HTTPConnectionPool(self.clock))
        for method, path, body in [
            (b"GET", b"/length", None),
            (b"POST", b"/", b"hello!" * 50),
            (b"GET", b"/chunks", None),
        ]:
            self.do(ensureDeferred(self.request(method, path, body)))

    async def request(self, method: bytes, path: bytes, body: bytes | None) -> bytes:
        producer = None
        if body is not None:
            cooperator = Cooperator(scheduler=lambda step: self.clock.callLater(0, step))
            producer = FileBodyProducer(BytesIO(body), cooperator=cooperator)
        response = await self.agent.request(method, self.scheme + b"://shop" + path, Headers(), producer)
        _check(response.code)
        return await readBody(response)

    # The parts of an endpoint factory and an endpoint.

    def endpointForURI(self, uri: Any) -> Any:
        return self

    def connect(self, factory: Any) -> Deferred[Any]:
        client = factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 80))
        self.join(client, self.site.buildProtocol(IPv4Address("TCP", "192.0.2.2", 5000)))
        return succeed(client)


@cache
def _policy() -> BrowserLikePolicyForHTTPS:
    return BrowserLikePolicyForHTTPS()  # reads the certificates of the system, which takes a while


class RequestsOfClient(Requests):
    """The same with the pleasant client."""

    errors = (RequestError, TooLate)

    def begin(self) -> None:
        self.client = Client(reactor=self.clock, proxy=False, policy=_policy())
        self.client._connections._router = self  # type: ignore[assignment]
        super().begin()

    async def request(self, method: bytes, path: bytes, body: bytes | None) -> bytes:
        url = f"{self.scheme.decode()}://{HOST}{path.decode()}"
        response = await self.client.request(method.decode(), url, data=body)
        _check(response.status)
        return response.content

    # The part of a router.

    def endpoint_for(self, route: Any, resolved: Callable[[], object]) -> Any:
        return self


class RequestsOverHTTP2(RequestsOfClient):
    """The same over TLS, and all on one connection."""

    scheme = b"https"

    def connect(self, factory: Any) -> Deferred[Any]:
        client_tls, server_tls = (
            TLSMemoryBIOFactory(
                client_context(protocols=("h2",)), True, factory, self.clock, server_hostname=HOST
            ),
            TLSMemoryBIOFactory(server_context(protocols=("h2",)), False, self.site, self.clock),
        )
        client = client_tls.buildProtocol(IPv4Address("TCP", "192.0.2.1", 443))
        self.join(client, server_tls.buildProtocol(IPv4Address("TCP", "192.0.2.2", 5000)))
        return succeed(client.wrappedProtocol)


# --- WebSocket -----------------------------------------------------------------------------------------------------

MESSAGES = ["one", b"two", "three " * 500]


class _Speaker:
    """Sends the messages, one for each echo that it hears, and leaves."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.done: Deferred[Any] = Deferred()

    def negotiationStarted(self, transport: Any) -> None:
        self.transport = transport

    def negotiationFinished(self) -> None:
        self._go_on()

    def textMessageReceived(self, message: Any) -> None:
        self.heard.append(message)
        self._go_on()

    bytesMessageReceived = textMessageReceived

    def pongReceived(self, payload: bytes) -> None: ...

    def _go_on(self) -> None:
        left = MESSAGES[len(self.heard) :]
        if not left:
            self.transport.loseConnection()
        elif isinstance(left[0], str):
            self.transport.sendTextMessage(left[0])
        else:
            self.transport.sendBytesMessage(left[0])

    def connectionLost(self, reason: Failure) -> None:
        self.done.callback(self.heard if self.heard == MESSAGES else reason)


class _Repeater(_Speaker):
    def negotiationFinished(self) -> None: ...

    def textMessageReceived(self, message: str) -> None:
        self.transport.sendTextMessage(message)

    def bytesMessageReceived(self, message: bytes) -> None:
        self.transport.sendBytesMessage(message)

    def connectionLost(self, reason: Failure) -> None: ...


class Messages(Conversation):
    complete = [MESSAGES]
    errors = (ConnectionClosed, ConnectionRejected, WebSocketViolation)

    def begin(self) -> None:
        speaker = _Speaker()
        self.heard.append((speaker.heard, MESSAGES))
        root = Resource()
        root.putChild(b"talk", WebSocketResource(_Programs(_Repeater)))
        self.site = Site(root, reactor=self.clock)
        endpoint = WebSocketClientEndpoint(self, "ws://example.org/talk", reactor=self.clock)
        self.do(endpoint.connect(_Programs(lambda: speaker)).addCallback(lambda _: speaker.done))

    endpointForURI = Requests.endpointForURI
    connect = Requests.connect


class _Programs:
    """A factory of programs."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def buildProtocol(self, asked: Any) -> Any:
        return self._make()


ALL = [
    Lines,
    Prefixed,
    Netstrings,
    LinesOverTLS,
    Questions,
    Requests,
    RequestsOfClient,
    RequestsOverHTTP2,
    Messages,
]
