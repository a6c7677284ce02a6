"""Transports that keep what is written."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from selvage.addresses import IPv4Address
from selvage.errors import ConnectionDone
from selvage.interfaces import IConsumer, IPushProducer, ITransport, IUDPTransport
from selvage.protocols import Protocol
from selvage.testing import (
    FakeDatagramTransport,
    StringIOWithoutClosing,
    StringTransport,
    StringTransportWithDisconnection,
)


@pytest.mark.parametrize("interface", [ITransport, IConsumer, IPushProducer])
def test_provides_its_interfaces(interface):
    assert verifyObject(interface, StringTransport())


def test_keeps_what_is_written_until_cleared():
    transport = StringTransport()
    transport.write(b"one ")
    transport.writeSequence([b"two ", b"three"])
    assert transport.value() == transport.io.getvalue() == b"one two three"
    transport.clear()
    assert transport.value() == b""


def test_refuses_text():
    transport = StringTransport()
    with pytest.raises(TypeError, match="Data must be bytes, not str: 'text'"):
        transport.write("text")
    with pytest.raises(TypeError):
        transport.writeSequence(["text"])
    assert transport.value() == b""


def test_remembers_how_it_was_closed():
    transport = StringTransport()
    assert (transport.connected, transport.disconnecting, transport.disconnected) == (True, False, False)
    transport.loseConnection()
    assert (transport.disconnecting, transport.disconnected) == (True, False)
    transport.abortConnection()
    assert (transport.disconnecting, transport.disconnected) == (True, True)


def test_addresses():
    assert isinstance(StringTransport().getHost(), IPv4Address)
    assert isinstance(StringTransport().getPeer(), IPv4Address)
    host, peer = object(), object()
    transport = StringTransport(host, peer)
    assert transport.getHost() is host
    assert transport.getPeer() is peer


def test_takes_one_producer_at_a_time():
    transport = StringTransport()
    with pytest.raises(RuntimeError, match="unless one is registered"):
        transport.unregisterProducer()
    transport.registerProducer("producer", True)
    assert (transport.producer, transport.streaming) == ("producer", True)
    with pytest.raises(RuntimeError, match="'producer' is registered"):
        transport.registerProducer("other", False)
    transport.unregisterProducer()
    assert (transport.producer, transport.streaming) == (None, None)


def test_producer_states():
    transport = StringTransport()
    assert transport.producerState == "producing"
    transport.pauseProducing()
    assert transport.producerState == "paused"
    transport.resumeProducing()
    assert transport.producerState == "producing"
    transport.stopProducing()
    assert transport.producerState == "stopped"
    for method in (transport.pauseProducing, transport.resumeProducing):
        with pytest.raises(RuntimeError, match="stopped"):
            method()


@pytest.mark.parametrize("end", ["loseConnection", "abortConnection"])
def test_pausing_after_the_end_is_refused_unless_lenient(end):
    strict, lenient = StringTransport(), StringTransport(lenient=True)
    getattr(strict, end)()
    getattr(lenient, end)()
    for method in ("pauseProducing", "resumeProducing"):
        with pytest.raises(RuntimeError, match="loseConnection"):
            getattr(strict, method)()
        getattr(lenient, method)()
    assert lenient.producerState == "producing"


@pytest.mark.parametrize("end", ["loseConnection", "abortConnection"])
def test_with_disconnection_tells_the_protocol_once(end):
    class Lost(Protocol):
        def connectionLost(self, reason):
            seen.append(reason.type)

    seen = []
    transport = StringTransportWithDisconnection()
    transport.protocol = Lost()
    getattr(transport, end)()
    transport.loseConnection()
    assert seen == [ConnectionDone]
    assert not transport.connected


def test_a_file_that_cannot_be_closed():
    file = StringIOWithoutClosing(b"text")
    file.close()
    assert file.read() == b"text"


def test_datagrams_are_kept_with_their_address():
    transport = FakeDatagramTransport()
    assert verifyObject(IUDPTransport, transport)
    transport.write(b"a")
    transport.write(b"b", ("127.0.0.1", 1))
    assert transport.written == [(b"a", transport.noAddr), (b"b", ("127.0.0.1", 1))]
    transport.setBroadcastAllowed(True)
    assert transport.getBroadcastAllowed()
    transport.connect("127.0.0.1", 1)
    assert transport.getHost().type == "UDP"
    assert transport.stopListening() is None
