"""Mistakes of newcomers with ports and connections: each message names the thing, its state and the likely fix."""

from __future__ import annotations

import gc
import socket
from typing import Any

import pytest

import selvage
from selvage.defer import Deferred
from selvage.errors import CannotListenError, ConnectionRefusedError, DNSLookupError
from selvage.protocols import ClientFactory, DatagramProtocol, Factory, Protocol
from selvage.reactor import get_reactor


class Talk(Protocol):
    pass


def in_reactor(function: Any) -> Any:
    """Call a function in a running reactor; whatever it leaves open is an error of the test."""
    try:
        return selvage.run(lambda: function(get_reactor()))
    finally:
        gc.collect(1)  # a socket that nobody closed would complain here; what is old is not ours


def written(write: Any) -> BaseException | None:
    """What a protocol gets that calls `write(transport)`, when it is connected."""
    answer: Deferred[BaseException | None] = Deferred()

    class Writer(Protocol):
        def connectionMade(self) -> None:
            try:
                write(self.transport)
            except Exception as error:
                answer.callback(error)
            else:
                answer.callback(None)

    def main(reactor: Any) -> Any:
        port = reactor.listenTCP(0, Factory.forProtocol(Writer), interface="127.0.0.1")
        reactor.connectTCP("127.0.0.1", port.getHost().port, ClientFactory.forProtocol(Protocol))
        return answer

    error: BaseException | None = in_reactor(main)
    return error


# --- write ---------------------------------------------------------------------------------------------------------


def test_write_of_text_says_to_encode_it() -> None:
    error = written(lambda transport: transport.write("hello"))
    assert type(error) is TypeError
    assert str(error) == "transport.write() takes bytes, not str: encode it first, as in data.encode('utf-8')"


@pytest.mark.parametrize("data", [5, None, ["x"]])
def test_write_of_anything_else_names_its_type(data: Any) -> None:
    error = written(lambda transport: transport.write(data))
    assert type(error) is TypeError
    assert type(data).__name__ in str(error)


@pytest.mark.parametrize("pieces", ["hello", ["hello"], b"hello", [b"a", None]])
def test_write_sequence_of_text_says_to_encode_it(pieces: Any) -> None:
    error = written(lambda transport: transport.writeSequence(pieces))
    assert type(error) is TypeError
    assert "encode text first" in error.__notes__[0]  # Twisted's words are in the message


# --- listening -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", ["8000", None, 80.5])
def test_a_port_has_to_be_a_number(port: Any) -> None:
    with pytest.raises(TypeError, match="a port to listen on is a number from 0 to 65535, not "):
        in_reactor(lambda reactor: reactor.listenTCP(port, Factory.forProtocol(Talk)))


@pytest.mark.parametrize("port", [-1, 65536, 70000])
def test_a_port_out_of_range_is_named(port: int) -> None:
    with pytest.raises(CannotListenError, match=f"Couldn't listen on any:{port}: .*0-65535") as caught:
        in_reactor(lambda reactor: reactor.listenTCP(port, Factory.forProtocol(Talk)))
    assert caught.value.port == port


def test_a_busy_port_is_named_with_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(
            CannotListenError, match=f"Couldn't listen on 127.0.0.1:{port}: .*in use"
        ) as caught:
            in_reactor(
                lambda reactor: reactor.listenTCP(port, Factory.forProtocol(Talk), interface="127.0.0.1")
            )
    assert (caught.value.interface, caught.value.port) == ("127.0.0.1", port)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("given", [Talk, Talk()])
def test_a_protocol_is_no_factory_and_the_message_shows_how_to_make_one(given: Any) -> None:
    with pytest.raises(
        TypeError, match=r"is a protocol, and a factory is needed.*pass Factory.forProtocol\(Talk\)"
    ):
        in_reactor(lambda reactor: reactor.listenTCP(0, given))


@pytest.mark.parametrize("given", [None, 0, "echo"])
def test_what_is_no_factory_is_shown(given: Any) -> None:
    with pytest.raises(TypeError, match=f"{given!r} is no factory: it needs buildProtocol"):
        in_reactor(lambda reactor: reactor.listenTCP(0, given))


@pytest.mark.parametrize("given", [DatagramProtocol, Factory.forProtocol(Talk), None])
def test_datagrams_need_an_instance_of_a_protocol(given: Any) -> None:
    with pytest.raises(
        TypeError, match="datagrams need one protocol, an instance of a DatagramProtocol, not "
    ):
        in_reactor(lambda reactor: reactor.listenUDP(0, given))


# --- connecting ----------------------------------------------------------------------------------------------------


def connecting(host: Any, port: Any) -> Any:
    def main(reactor: Any) -> Any:
        answer: Deferred[Any] = Deferred()

        class Caller(ClientFactory):
            protocol = Talk

            def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
                answer.errback(reason)

        reactor.connectTCP(host, port, Caller())
        return answer

    return in_reactor(main)


def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        number: int = sock.getsockname()[1]
        return number


@pytest.mark.parametrize("host", ["127.0.0.1", b"127.0.0.1", "localhost"])
def test_connecting_to_nothing_is_refused(host: Any) -> None:
    with pytest.raises(ConnectionRefusedError, match="refused by other side: 111: Connection refused"):
        connecting(host, unused_port())


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 300 + ".example"])
def test_a_bad_name_is_a_failed_lookup_that_names_it(host: str) -> None:
    with pytest.raises(DNSLookupError, match=f"DNS lookup failed: .*{host[:70]}"):
        connecting(host, 80)


def test_a_server_factory_cannot_connect_and_the_message_says_why() -> None:
    with pytest.raises(
        TypeError, match="has no startedConnecting.*derive its class from ClientFactory, not from Factory"
    ):
        in_reactor(lambda reactor: reactor.connectTCP("127.0.0.1", 1, Factory.forProtocol(Talk)))
