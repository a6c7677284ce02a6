"""Endpoints that are no sockets: a child process, and this process's own standard input and output.  Floor 3."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from selvage import _events
from selvage.addresses import _ProcessAddress
from selvage.defer import Deferred, execute, fail, succeed
from selvage.errors import ConnectionDone, NoProtocol, ProcessDone
from selvage.failure import Failure
from selvage.interfaces import (
    IConsumer,
    IProcessTransport,
    IPushProducer,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
    ITransport,
    implementer,
)
from selvage.protocols import ProcessProtocol
from selvage.transports.stdio import PipeAddress, StandardIO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selvage.interfaces import IProtocolFactory

__all__ = [
    "ProcessEndpoint",
    "StandardErrorBehavior",
    "StandardIOEndpoint",
    "_ProcessEndpointTransport",
    "_WrapIProtocol",
]


class StandardErrorBehavior(Enum):
    """What to do with what a child process writes to its standard error.

    Twisted: `twisted.internet.endpoints.StandardErrorBehavior`.
    """

    #: Mention it to the log.
    LOG = "log"
    #: Forget it.
    DROP = "drop"


@implementer(IProcessTransport, IConsumer, IPushProducer, ITransport)
class _ProcessEndpointTransport:
    """A process's transport as a stream: bytes go to its standard input.

    It has the methods of the interfaces and no other attribute of the process's transport, which differ by platform.
    """

    def __init__(self, process: Any) -> None:
        self._process = process

    @property
    def pid(self) -> Any:
        """The process's number."""
        return self._process.pid

    def write(self, data: bytes) -> None:
        """Write to the process's standard input."""
        self._process.writeToChild(0, data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Write the joined pieces to the process's standard input."""
        self._process.writeToChild(0, b"".join(data))

    def writeToChild(self, childFD: int, data: bytes) -> None:
        """As `IProcessTransport.writeToChild`."""
        self._process.writeToChild(childFD, data)

    def closeStdin(self) -> None:
        """As `IProcessTransport.closeStdin`."""
        self._process.closeStdin()

    def closeStdout(self) -> None:
        """As `IProcessTransport.closeStdout`."""
        self._process.closeStdout()

    def closeStderr(self) -> None:
        """As `IProcessTransport.closeStderr`."""
        self._process.closeStderr()

    def closeChildFD(self, descriptor: int) -> None:
        """As `IProcessTransport.closeChildFD`."""
        self._process.closeChildFD(descriptor)

    def signalProcess(self, signalID: Any) -> None:
        """As `IProcessTransport.signalProcess`."""
        self._process.signalProcess(signalID)

    def loseConnection(self) -> None:
        """Close all pipes to the process."""
        self._process.loseConnection()

    def getHost(self) -> Any:
        """Return the process's address."""
        return self._process.getHost()

    def getPeer(self) -> Any:
        """Return the process's address."""
        return self._process.getPeer()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """As `IConsumer.registerProducer`."""
        self._process.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """As `IConsumer.unregisterProducer`."""
        self._process.unregisterProducer()

    def pauseProducing(self) -> None:
        """Read no more of what the process writes."""
        self._process.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on reading what the process writes."""
        self._process.resumeProducing()

    def stopProducing(self) -> None:
        """Stop reading what the process writes, for good."""
        self._process.stopProducing()


class _WrapIProtocol(ProcessProtocol):
    """Makes a stream of a process: what it writes to its standard output is received.

    Args:
        proto: the protocol to serve.
        executable: for messages.
        errFlag: a `StandardErrorBehavior`.
    """

    def __init__(self, proto: Any, executable: Any, errFlag: Any) -> None:
        self.protocol = proto
        self.executable = executable
        self.errFlag = errFlag

    def makeConnection(self, process: Any) -> None:
        """Give the protocol its transport."""
        self.transport = _ProcessEndpointTransport(process)
        self.protocol.makeConnection(self.transport)

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Deliver standard output; log standard error, or drop it."""
        if childFD == 1:
            self.protocol.dataReceived(data)
        elif childFD == 2 and self.errFlag is StandardErrorBehavior.LOG:
            _events.emit(
                "selvage.endpoints.ProcessEndpoint",
                "info",
                "Process {executable!r} wrote stderr unhandled by {protocol}: {data}",
                log_source=self,
                executable=self.executable,
                protocol=self.protocol,
                data=data,
            )

    def processEnded(self, reason: Failure) -> None:
        """Tell the protocol of the end: clean for exit status 0, as it is (`ProcessTerminated`) for any other."""
        done = reason.value
        if isinstance(done, ProcessDone) and done.exitCode == 0:
            reason = Failure(ConnectionDone(str(done)))
        self.protocol.connectionLost(reason)


@implementer(IStreamClientEndpoint)
class ProcessEndpoint:
    """A program to start and talk to over its standard input and output.

    Args:
        reactor: an `IReactorProcess`.
        errFlag: what to do with the program's standard error.
        executable: and all others as for `reactor.spawnProcess`.

    Twisted: `twisted.internet.endpoints.ProcessEndpoint`.
    """

    def __init__(
        self,
        reactor: Any,
        executable: Any,
        args: Any = (),
        env: Any = {},  # noqa: B006 - never changed, and part of the signature that programs know
        path: Any = None,
        uid: int | None = None,
        gid: int | None = None,
        usePTY: bool | int = 0,
        childFDs: Any = None,
        errFlag: StandardErrorBehavior = StandardErrorBehavior.LOG,
    ) -> None:
        self._reactor = reactor
        self._executable = executable
        self._args = args
        self._env = env
        self._path = path
        self._uid = uid
        self._gid = gid
        self._usePTY = usePTY
        self._childFDs = childFDs
        self._errFlag = errFlag
        self._spawnProcess = reactor.spawnProcess

    def __repr__(self) -> str:
        return f"<ProcessEndpoint {self._executable!r}>"

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Start the program.

        Fires with the protocol, at once.
        Fails with what `spawnProcess` raises, or `NoProtocol`.
        """
        try:
            protocol = protocolFactory.buildProtocol(_ProcessAddress())
            if protocol is None:
                raise NoProtocol()
            self._spawnProcess(
                _WrapIProtocol(protocol, self._executable, self._errFlag),
                self._executable,
                self._args,
                self._env,
                self._path,
                self._uid,
                self._gid,
                self._usePTY,
                self._childFDs,
            )
        except Exception:
            return fail(Failure())
        return succeed(protocol)


@implementer(IStreamServerEndpoint)
class StandardIOEndpoint:
    """This process's standard input and output as one connection.

    Args:
        reactor: the reactor.

    Twisted: `twisted.internet.endpoints.StandardIOEndpoint`.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    _stdio = StandardIO

    def __repr__(self) -> str:
        return "<StandardIOEndpoint>"

    def listen(self, stdioProtocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Connect a protocol to standard input and output.

        Fires with the transport, at once.
        Fails with what making it raises.
        """

        def connect() -> Any:
            return self._stdio(stdioProtocolFactory.buildProtocol(PipeAddress()), reactor=self._reactor)

        return execute(connect)
