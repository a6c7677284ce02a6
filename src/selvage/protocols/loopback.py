"""Two protocols joined in one process, for tests: in memory, over TCP, over a UNIX socket.  Floor 3.

    done = loopbackAsync(server, client)   # fires when both have heard of the end

Twisted: `twisted.protocols.loopback`.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from selvage._publish import publish
from selvage.defer import Deferred, gatherResults, maybeDeferred
from selvage.errors import ConnectionDone
from selvage.failure import Failure
from selvage.interfaces import IAddress, IConsumer, ITransport, implementer
from selvage.protocols._factory import ClientFactory, Factory
from selvage.protocols._wrapping import ProtocolWrapper, WrappingFactory

__all__ = [
    "LoopbackClientFactory",
    "LoopbackRelay",
    "collapsingPumpPolicy",
    "identityPumpPolicy",
    "loopbackAsync",
    "loopbackTCP",
    "loopbackUNIX",
]


class _LoopbackQueue:
    """What one side has written and the other has not received; None stands for the end."""

    def __init__(self) -> None:
        self._queue: deque[bytes | None] = deque()
        #: The writing side has closed.
        self.disconnect = False
        #: Called when something is put in.
        self.notify: Callable[[], object] | None = None

    def put(self, value: bytes | None) -> None:
        """Append what was written."""
        self._queue.append(value)
        if self.notify is not None:
            self.notify()

    def get(self) -> bytes | None:
        """Take what was written first."""
        return self._queue.popleft()

    def __bool__(self) -> bool:
        return bool(self._queue)


@implementer(IAddress)
class _LoopbackAddress:
    """The address of a connection that goes nowhere."""


@implementer(ITransport, IConsumer)
class _LoopbackTransport:
    """Puts what is written into a queue, until both sides have nothing more to say."""

    #: Never true, as in Twisted: a side that has closed still receives what the other had to say.
    disconnecting = False
    producer: Any = None
    streaming: Any = False

    def __init__(self, queue: _LoopbackQueue) -> None:
        self.q = queue

    def write(self, data: bytes) -> None:
        """Send."""
        if not isinstance(data, bytes):
            raise TypeError(f"write() takes bytes, not {type(data).__name__}")
        self.q.put(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send the joined pieces."""
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        """Close when all is received."""
        if not self.q.disconnect:
            self.q.disconnect = True
            self.q.put(None)

    def abortConnection(self) -> None:
        """Close."""
        self.loseConnection()

    def getPeer(self) -> _LoopbackAddress:
        """Return an address."""
        return _LoopbackAddress()

    def getHost(self) -> _LoopbackAddress:
        """Return an address."""
        return _LoopbackAddress()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take a producer; a pull producer is asked for its first data at once."""
        if self.producer is not None:
            raise RuntimeError(f"Cannot register {producer!r}: {self.producer!r} was never unregistered")
        self.producer = producer
        self.streaming = streaming
        self._pollProducer()

    def unregisterProducer(self) -> None:
        """Let go of the producer."""
        self.producer = None

    def _pollProducer(self) -> None:
        """Ask a pull producer for more."""
        if self.producer is not None and not self.streaming:
            self.producer.resumeProducing()


PumpPolicy = Callable[[_LoopbackQueue, Any], object]


def identityPumpPolicy(queue: _LoopbackQueue, target: Any) -> None:
    """Deliver each piece as it was written."""
    while queue:
        data = queue.get()
        if data is None:
            break
        target.dataReceived(data)


def collapsingPumpPolicy(queue: _LoopbackQueue, target: Any) -> None:
    """Deliver all pieces joined to one."""
    pieces: list[bytes] = []
    while queue:
        data = queue.get()
        if data is None:
            break
        pieces.append(data)
    if pieces:
        target.dataReceived(b"".join(pieces))


class _Loop:
    """Carries bytes between two protocols: at once as long as there are any, else when somebody writes, a turn later."""

    def __init__(self, server: Any, client: Any, policy: PumpPolicy) -> None:
        self.done: Deferred[None] = Deferred()
        self._policy = policy
        to_client, to_server = _LoopbackQueue(), _LoopbackQueue()
        # Who wrote, what, and who receives it.
        self._ways: tuple[tuple[Any, _LoopbackQueue, Any], ...] = (
            (server, to_client, client),
            (client, to_server, server),
        )
        self._awake = False
        self._over = False
        for queue in (to_client, to_server):
            queue.notify = self._wake
        # Until the first round is over nobody has to be woken.
        self._awake = True
        server.makeConnection(_LoopbackTransport(to_client))
        client.makeConnection(_LoopbackTransport(to_server))
        self._turn()

    def _wake(self) -> None:
        if not self._awake and not self._over:
            from selvage.reactor import get_reactor

            self._awake = True
            get_reactor().callLater(0, self._turn)

    def _turn(self) -> None:
        if self._over:
            return  # something was written in the very turn that ended it
        self._awake = True
        try:
            self._carry()
            if not any(queue.disconnect for _, queue, _ in self._ways):
                self._awake = False
                return
            for source, _, _ in self._ways:
                source.connectionLost(Failure(ConnectionDone()))
        except Exception:
            self._end()
            self.done.errback(Failure())
        else:
            self._end()
            self.done.callback(None)

    def _end(self) -> None:
        """Let go of the protocols, so that they are free as soon as the program lets go of them."""
        self._over = True
        for _, queue, _ in self._ways:
            queue.notify = None
        self._ways = ()

    def _carry(self) -> None:
        """Deliver in rounds, until both queues are empty; or one side has closed: then what is under way comes in."""
        while any(queue for _, queue, _ in self._ways):
            self._round()
            if any(queue.disconnect for _, queue, _ in self._ways):
                self._round()
                return

    def _round(self) -> None:
        for source, queue, target in self._ways:
            if queue:
                self._policy(queue, target)
                if not queue:
                    source.transport._pollProducer()


def loopbackAsync(server: Any, client: Any, pumpPolicy: PumpPolicy = identityPumpPolicy) -> Deferred[None]:
    """Join two protocols in memory.

    Args:
        server: and client: the protocols.
        pumpPolicy: called with a queue of what was written and the protocol that is to receive it.

    Fires with None when one side has closed and both have heard of it.
    Fails with what a hook of the protocols raised.
    """
    return _Loop(server, client, pumpPolicy).done


class LoopbackRelay:
    """A transport that holds what is written until `clearBuffer`.

    Args:
        target: the protocol that receives it.
        logFile: a text file in which deliveries are recorded, or None.
    """

    buffer = b""
    #: 1 when it is to close, -1 when it has.
    shouldLose = 0
    disconnecting = 0
    producer: Any = None

    def __init__(self, target: Any, logFile: Any = None) -> None:
        self.target = target
        self.logFile = logFile

    def write(self, data: bytes) -> None:
        """Hold `data`."""
        self.buffer += data

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Hold the joined pieces."""
        self.write(b"".join(iovec))

    def clearBuffer(self) -> None:
        """Deliver what was written; then the end, if it was closed."""
        if self.shouldLose == -1:
            return
        if self.producer is not None:
            self.producer.resumeProducing()
        data, self.buffer = self.buffer, b""
        if data:
            if self.logFile is not None:
                self.logFile.write(f"loopback receiving {data!r}\n")
            self.target.dataReceived(data)
        if self.shouldLose == 1:
            self.shouldLose = -1
            self.target.connectionLost(Failure(ConnectionDone()))

    def loseConnection(self) -> None:
        """Close at the next `clearBuffer`."""
        if self.shouldLose != -1:
            self.shouldLose = 1

    def getHost(self) -> str:
        """Return "loopback"."""
        return "loopback"

    def getPeer(self) -> str:
        """Return "loopback"."""
        return "loopback"

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take a producer; each `clearBuffer` asks it for more."""
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Let go of the producer."""
        self.producer = None

    def logPrefix(self) -> str:
        """Return a name with the target's class in it."""
        return f"Loopback({type(self.target).__name__!r})"


class LoopbackClientFactory(ClientFactory[Any]):
    """Gives out one protocol; `deferred` fires when its connection is over."""

    def __init__(self, protocol: Any) -> None:
        self.disconnected = 0
        self.deferred: Deferred[None] = Deferred()
        self.protocol = protocol

    def buildProtocol(self, addr: Any) -> Any:
        """Give out the protocol."""
        return self.protocol

    def clientConnectionLost(self, connector: Any, reason: Failure) -> None:
        """Fire."""
        self.disconnected = 1
        self.deferred.callback(None)

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """Fail."""
        self.deferred.errback(reason)


class _OneConnection(Factory[Any]):
    def __init__(self, instance: Any) -> None:
        self._instance = instance

    def buildProtocol(self, addr: Any) -> Any:
        return self._instance


class _TellsTheEnd(WrappingFactory[Any]):
    """Wraps the server's one protocol; `ended` fires when its connection is over."""

    class protocol(ProtocolWrapper):
        def connectionLost(self, reason: Any = None) -> None:
            super().connectionLost(reason)
            self.factory.ended.callback(None)

    def __init__(self, wrappedFactory: Any, noisy: bool) -> None:
        super().__init__(wrappedFactory)
        self.noisy = wrappedFactory.noisy = noisy
        self.ended: Deferred[None] = Deferred()


def _loop_over(
    server: Any, client: Any, noisy: bool, listen: Callable[[Any], Any], connect: Callable[[Any, Any], Any]
) -> Deferred[Any]:
    """Join two protocols over a port; `listen` gets the server's factory, `connect` the port and the client's."""
    server_factory = _TellsTheEnd(_OneConnection(server), noisy)
    port = listen(server_factory)
    client_factory = LoopbackClientFactory(client)
    client_factory.noisy = noisy
    connect(port, client_factory)
    both = gatherResults([server_factory.ended, client_factory.deferred], consumeErrors=True)
    return both.addBoth(lambda result: maybeDeferred(port.stopListening).addCallback(lambda _: result))


def loopbackTCP(server: Any, client: Any, port: int = 0, noisy: bool = True) -> Deferred[Any]:
    """Join two protocols over TCP.

    Args:
        server: and client: the protocols.
        port: to listen on; 0 lets the system choose.
        noisy: whether the factories' beginning and end are mentioned to the log.

    Fires when both connections are over.
    """
    from selvage.reactor import get_reactor

    reactor: Any = get_reactor()
    return _loop_over(
        server,
        client,
        noisy,
        lambda factory: reactor.listenTCP(port, factory, interface="127.0.0.1"),
        lambda listening, factory: reactor.connectTCP("127.0.0.1", listening.getHost().port, factory),
    )


def loopbackUNIX(server: Any, client: Any, noisy: bool = True) -> Deferred[Any]:
    """Join two protocols over a UNIX socket in a temporary folder; otherwise as `loopbackTCP`."""
    from selvage.reactor import get_reactor

    reactor: Any = get_reactor()
    folder = tempfile.TemporaryDirectory()
    path = os.path.join(folder.name, "socket")

    def clean(result: Any) -> Any:
        folder.cleanup()
        return result

    try:
        done = _loop_over(
            server,
            client,
            noisy,
            lambda factory: reactor.listenUNIX(path, factory),
            lambda listening, factory: reactor.connectUNIX(path, factory),
        )
    except BaseException:
        folder.cleanup()
        raise
    return done.addBoth(clean)


publish(globals())
