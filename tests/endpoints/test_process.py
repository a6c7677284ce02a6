"""Endpoints over child processes and standard input and output, with stand-ins for both."""

from __future__ import annotations

from typing import Any

import pytest
from zope.interface.verify import verifyObject

from selvage import _events
from selvage.addresses import _ProcessAddress
from selvage.endpoints import ProcessEndpoint, StandardErrorBehavior, StandardIOEndpoint
from selvage.errors import ConnectionDone, ConnectionLost, NoProtocol, ProcessDone, ProcessTerminated
from selvage.failure import Failure
from selvage.interfaces import (
    IConsumer,
    IProcessTransport,
    IPushProducer,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
    ITransport,
)
from selvage.protocols import Factory, Protocol


class Notes(Protocol):
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def dataReceived(self, data: bytes) -> None:
        self.heard.append(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.heard.append(reason)


class Process:
    """Notes what is called on it."""

    pid = 42

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.calls.append((name, *args))


class Reactor:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def spawnProcess(self, processProtocol: Any, *args: Any) -> Any:
        if self.error is not None:
            raise self.error
        self.protocol, self.args, self.process = processProtocol, args, Process()
        processProtocol.makeConnection(self.process)
        return self.process


def connect(reactor: Reactor, factory: Any = None, **options: Any) -> Any:
    results: list[Any] = []
    endpoint = ProcessEndpoint(reactor, b"/bin/x", **options)
    assert verifyObject(IStreamClientEndpoint, endpoint)
    assert repr(endpoint) == "<ProcessEndpoint b'/bin/x'>"
    endpoint.connect(factory or Factory.forProtocol(Notes)).addBoth(results.append)
    return results[0]


def test_starts_the_program_as_told() -> None:
    reactor = Reactor()
    protocol = connect(
        reactor, args=["x"], env={"A": "b"}, path="/", uid=1, gid=2, usePTY=True, childFDs={3: "r"}
    )
    assert reactor.args == (b"/bin/x", ["x"], {"A": "b"}, "/", 1, 2, True, {3: "r"})
    assert isinstance(protocol, Notes)


def test_factory_is_given_the_address_of_a_process() -> None:
    seen: list[Any] = []

    class Seeing(Factory[Any]):
        def buildProtocol(self, addr: Any) -> Any:
            seen.append(addr)
            return Notes()

    connect(Reactor(), Seeing())
    assert isinstance(seen[0], _ProcessAddress)


def test_failures() -> None:
    class Nothing(Factory[Any]):
        def buildProtocol(self, addr: Any) -> None:
            return None

    assert connect(Reactor(OSError("no such program"))).check(OSError)
    assert connect(Reactor(), Nothing()).check(NoProtocol)


def test_output_is_received_and_the_end_told() -> None:
    for ended, told in ((ProcessDone(0), ConnectionDone), (ProcessTerminated(3), ConnectionLost)):
        reactor = Reactor()
        protocol = connect(reactor)
        reactor.protocol.childDataReceived(1, b"out")
        reactor.protocol.childDataReceived(7, b"other")
        reactor.protocol.processEnded(Failure(ended))
        assert protocol.heard[0] == b"out"
        assert protocol.heard[1].check(told)
        assert len(protocol.heard) == 2


def test_an_unclean_end_says_how_the_process_ended() -> None:
    """treq's tests look at the signal."""
    reactor = Reactor()
    protocol = connect(reactor)
    ended = ProcessTerminated(1, signal=9)
    reactor.protocol.processEnded(Failure(ended))
    assert protocol.heard[0].value is ended


@pytest.mark.parametrize(("flag", "said"), [(StandardErrorBehavior.LOG, 1), (StandardErrorBehavior.DROP, 0)])
def test_standard_error_is_logged_or_dropped(flag: StandardErrorBehavior, said: int) -> None:
    reactor = Reactor()
    protocol = connect(reactor, errFlag=flag)
    events: list[Any] = []

    def listen(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        events.append((format.format(**fields), fields["data"]))

    _events.subscribe(listen)
    try:
        reactor.protocol.childDataReceived(2, b"oops")
    finally:
        _events.unsubscribe(listen)
    assert len(events) == said
    if said:
        assert events[0] == (f"Process b'/bin/x' wrote stderr unhandled by {protocol}: b'oops'", b"oops")


def test_transport_is_the_process_as_a_stream() -> None:
    reactor = Reactor()
    transport = connect(reactor).transport
    for interface in (ITransport, IConsumer, IPushProducer, IProcessTransport):
        assert verifyObject(interface, transport)
    transport.write(b"a")
    transport.writeSequence([b"b", b"c"])
    transport.writeToChild(3, b"d")
    transport.signalProcess("TERM")
    transport.closeChildFD(3)
    transport.registerProducer("p", True)
    names = (
        "closeStdin closeStdout closeStderr unregisterProducer pauseProducing resumeProducing stopProducing"
    )
    for name in [*names.split(), "loseConnection", "getHost", "getPeer"]:
        getattr(transport, name)()
    assert reactor.process.calls[:6] == [
        ("writeToChild", 0, b"a"),
        ("writeToChild", 0, b"bc"),
        ("writeToChild", 3, b"d"),
        ("signalProcess", "TERM"),
        ("closeChildFD", 3),
        ("registerProducer", "p", True),
    ]
    assert [call[0] for call in reactor.process.calls[6:]] == [
        *names.split(),
        "loseConnection",
        "getHost",
        "getPeer",
    ]
    assert transport.pid == 42
    with pytest.raises(AttributeError):
        transport.pipes


def test_standard_input_and_output() -> None:
    endpoint: Any = StandardIOEndpoint("reactor")
    assert verifyObject(IStreamServerEndpoint, endpoint)
    assert repr(endpoint) == "<StandardIOEndpoint>"
    endpoint._stdio = lambda protocol, reactor: (protocol, reactor)
    results: list[Any] = []
    endpoint.listen(Factory.forProtocol(Notes)).addBoth(results.append)
    protocol, reactor = results[0]
    assert (type(protocol), reactor) == (Notes, "reactor")


def test_standard_io_endpoint_has_no_other_attributes() -> None:
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        StandardIOEndpoint("reactor").other  # type: ignore[attr-defined]
