"""TLS on real connections: from the start, begun in the middle, one within the other, and its ends."""

from __future__ import annotations

import gc
import socket
import ssl
import sys
import weakref
from typing import Any

import pytest
from zope.interface import implementer

from selvage.errors import (
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
    HandshakeError,
    HandshakeTimeoutError,
    PeerCertificateError,
    PlaintextBeforeTLSError,
    TLSError,
    TruncatedError,
)
from selvage.interfaces import IHandshakeListener, INegotiated, ISSLTransport, ITLSTransport
from selvage.protocols.basic import LineReceiver

from .certificates import (
    HOST,
    OpenSSLContext,
    client_context,
    openssl_client_context,
    openssl_server_context,
    server_context,
    trusting_nobody,
)
from .helpers import Peer, Recorder, Recording, TLSPeer, end, turn


async def secured(
    reactor: Any, protocol: Any = Recorder, context: Any = None, **options: Any
) -> tuple[Any, Any, Any]:
    """Listen with TLS and connect a raw peer; returns the port, the peer, which has not shaken hands, and the protocol."""
    factory = Recording(protocol)
    port = reactor.listenSSL(0, factory, context or server_context(), interface="127.0.0.1", **options)
    plain = await Peer.connect(port)
    peer = TLSPeer(plain.sock, client_context(), server_hostname=HOST)
    return port, peer, await factory.next()


def test_server(reactor, run):
    async def main():
        port, peer, server = await secured(reactor)
        await peer.shake()
        await peer.send(b"question")
        assert await server.got(8) == b"question"
        server.transport.write(b"answer")
        assert await peer.read(6) == b"answer"
        server.transport.loseConnection()
        assert await peer.rest() == b""
        peer.say_goodbye()
        assert type(await server.lost()) is ConnectionDone
        await end(port, peer)

    run(main)


def test_client_and_server(reactor, run):
    async def main():
        servers, clients = Recording(), Recording()
        port = reactor.listenSSL(0, servers, server_context(protocols=("h2",)), interface="127.0.0.1")
        reactor.connectSSL(
            "127.0.0.1",
            port.getHost().port,
            clients,
            client_context(protocols=("h2", "x")),
            server_hostname=HOST,
        )
        server, client = await servers.next(), await clients.next()
        client.transport.write(b"question")
        assert await server.got(8) == b"question"
        server.transport.write(b"answer")
        assert await client.got(6) == b"answer"
        facts = client.transport.tls_facts
        assert facts == server.transport.tls_facts.__class__(
            "TLSv1.3", facts.cipher, b"h2", facts.peer_certificate, HOST
        )
        assert client.transport.negotiatedProtocol == b"h2"
        assert client.transport.TLS and server.transport.TLS
        assert (
            client.transport.getPeerCertificate().to_cryptography().subject.rfc4514_string().count("trustme")
        )
        assert server.transport.getPeerCertificate() is None
        assert isinstance(client.transport.getHandle(), ssl.SSLObject)
        assert client.transport.extra("cipher") == facts.cipher
        client.transport.loseConnection()
        assert type(await client.lost()) is ConnectionDone
        assert type(await server.lost()) is ConnectionDone
        await end(port)

    run(main)


def test_names_of_tls_are_there_only_with_tls(reactor, run):
    async def main():
        port = reactor.listenTCP(0, servers := Recording(), interface="127.0.0.1")
        peer = await Peer.connect(port)
        server = await servers.next()
        transport = server.transport
        assert ITLSTransport.providedBy(transport)
        assert not ISSLTransport.providedBy(transport)
        assert not transport.TLS
        assert not hasattr(transport, "getPeerCertificate")
        assert not hasattr(transport, "negotiatedProtocol")
        assert transport.tls_facts is None
        transport.startTLS(server_context())
        assert transport.TLS
        assert INegotiated.providedBy(transport)
        assert transport.getPeerCertificate() is None
        assert transport.negotiatedProtocol is None
        transport.abortConnection()
        await server.lost()
        await end(port, peer)

    run(main)


class StartsTLS(LineReceiver):
    """Answers STARTTLS as a mail server does, then echoes lines."""

    def connectionMade(self):
        self.events = ["made"]

    def lineReceived(self, line):
        self.events.append(line)
        if line == b"STARTTLS":
            self.sendLine(b"220 go ahead")
            self.transport.startTLS(server_context())
        else:
            self.sendLine(line)

    def connectionLost(self, reason):
        self.events.append(reason.value)
        self.factory._tell("lost")


def test_start_tls_in_the_middle(reactor, run):
    async def main():
        factory = Recording(StartsTLS)
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        plain = await Peer.connect(port)
        server = await factory.next()
        await plain.send(b"hello\r\nSTARTTLS\r\n")
        assert await plain.read(21) == b"hello\r\n220 go ahead\r\n"
        peer = await TLSPeer(plain.sock, client_context(), server_hostname=HOST).shake()
        await peer.send(b"again\r\n")
        assert await peer.read(7) == b"again\r\n"
        assert server.transport.TLS
        peer.say_goodbye()
        await factory.logged(3)
        assert isinstance(server.events[-1], ConnectionDone)
        await end(port, peer)

    run(main)


def test_attack_085_plaintext_behind_starttls_is_refused(reactor, run):
    """What a stranger put behind the request must not pass for encrypted."""

    async def main():
        factory = Recording(StartsTLS)
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        peer = await Peer.connect(port)
        server = await factory.next()
        await peer.send(b"STARTTLS\r\nMAIL FROM:<evil@example.com>\r\n")
        await factory.logged(3)
        assert server.events[:2] == ["made", b"STARTTLS"]
        assert type(server.events[2]) is PlaintextBeforeTLSError
        assert len(server.events) == 3
        await end(port, peer)

    run(main)


def test_attack_085_plaintext_in_place_of_the_handshake_is_refused(reactor, run):
    async def main():
        factory = Recording(StartsTLS)
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        peer = await Peer.connect(port)
        server = await factory.next()
        await peer.send(b"STARTTLS\r\n")
        await peer.read(14)
        await peer.send(b"MAIL FROM:<evil@example.com>\r\n")
        await factory.logged(3)
        assert server.events[:2] == ["made", b"STARTTLS"]
        assert isinstance(server.events[2], HandshakeError)
        assert "not TLS" in str(server.events[2])
        await end(port, peer)

    run(main)


def test_start_tls_on_both_sides_with_the_roles_swapped(reactor, run):
    async def main():
        servers, clients = Recording(), Recording()
        port = reactor.listenTCP(0, servers, interface="127.0.0.1")
        reactor.connectTCP("127.0.0.1", port.getHost().port, clients)
        server, client = await servers.next(), await clients.next()
        client.transport.write(b"in the clear")
        await server.got(12)
        client.transport.startTLS(server_context(), False)
        server.transport.startTLS(client_context(), False, server_hostname=HOST)
        client.transport.write(b" and secret")
        assert await server.got(23) == b"in the clear and secret"
        assert server.transport.tls_facts.peer_certificate
        server.transport.loseConnection()
        assert type(await client.lost()) is ConnectionDone
        assert type(await server.lost()) is ConnectionDone
        await end(port)

    run(main)


def test_tls_within_tls(reactor, run):
    async def main():
        servers, clients = Recording(), Recording()
        port = reactor.listenSSL(0, servers, server_context(), interface="127.0.0.1")
        reactor.connectSSL("127.0.0.1", port.getHost().port, clients, client_context(), server_hostname=HOST)
        server, client = await servers.next(), await clients.next()
        client.transport.write(b"outer")
        await server.got(5)
        server.transport.startTLS(server_context())
        client.transport.startTLS(client_context(), server_hostname=HOST)
        client.transport.write(b"inner")
        assert await server.got(10) == b"outerinner"
        server.transport.write(b"x" * 1_000_000)
        server.transport.loseConnection()
        assert len(await client.got(1_000_000)) == 1_000_000
        assert type(await client.lost()) is ConnectionDone
        assert type(await server.lost()) is ConnectionDone
        await end(port)

    run(main)


def test_a_bad_context_leaves_the_connection_as_it_was(reactor, run):
    async def main():
        port = reactor.listenTCP(0, servers := Recording(), interface="127.0.0.1")
        peer = await Peer.connect(port)
        server = await servers.next()
        with pytest.raises(ValueError, match="PROTOCOL_TLS_SERVER"):
            server.transport.startTLS(client_context())
        assert not server.transport.TLS
        server.transport.write(b"in the clear")
        assert await peer.read(12) == b"in the clear"
        server.transport.loseConnection()
        server.transport.startTLS(server_context())
        assert not server.transport.TLS
        await server.lost()
        await end(port, peer)

    run(main)


# --- Handshakes ------------------------------------------------------------------------------------------------------


@implementer(IHandshakeListener)
class Listener(Recorder):
    def handshakeCompleted(self):
        self._note(("shaken", self.transport.tls_facts.version))


def test_listener_hears_of_the_handshake_before_data_goes_either_way(reactor, run):
    class Greeter(Listener):
        def connectionMade(self):
            super().connectionMade()
            self.transport.write(b"welcome")

    async def main():
        port, peer, server = await secured(reactor, Greeter)
        assert server.events == ["made"]
        assert server.transport.unsent_bytes() == 7
        await peer.shake()
        await peer.send(b"x")
        await server.got(1)
        assert server.events == ["made", ("shaken", "TLSv1.3"), b"x"]
        assert await peer.read(7) == b"welcome"
        server.transport.abortConnection()
        await server.lost()
        await end(port, peer)

    run(main)


def test_listener_may_break_off_before_anything_is_sent(reactor, run):
    class Suspicious(Listener):
        def connectionMade(self):
            super().connectionMade()
            self.transport.write(b"secret")

        def handshakeCompleted(self):
            super().handshakeCompleted()
            self.transport.abortConnection()

    async def main():
        port, peer, server = await secured(reactor, Suspicious)
        await peer.shake()
        with pytest.raises((OSError, ssl.SSLError)):
            assert await peer.read(6) == b""
            raise ssl.SSLError
        assert type(await server.lost()) is ConnectionAborted
        await end(port, peer)

    run(main)


def test_handshake_goes_on_while_input_is_paused(reactor, run):
    class Pausing(Listener):
        def connectionMade(self):
            super().connectionMade()
            self.transport.pauseProducing()

    async def main():
        port, peer, server = await secured(reactor, Pausing)
        await peer.shake()
        await peer.send(b"early")
        await server.until(lambda: len(server.events) > 1)
        await turn(5)
        assert server.events == ["made", ("shaken", "TLSv1.3")]
        server.transport.resumeProducing()
        assert await server.got(5) == b"early"
        server.transport.abortConnection()
        await server.lost()
        await end(port, peer)

    run(main)


def test_certificate_that_is_not_trusted(reactor, run):
    async def main():
        servers, clients = Recording(), Recording()
        port = reactor.listenSSL(0, servers, server_context(), interface="127.0.0.1")
        reactor.connectSSL("127.0.0.1", port.getHost().port, clients, client_context(False))
        client, server = await clients.next(), await servers.next()
        error = await client.lost()
        assert isinstance(error, PeerCertificateError)
        assert error.problem == "unknown-authority"
        assert "127.0.0.1" in str(error)
        error = await server.lost()
        assert isinstance(error, HandshakeError)
        assert "refused our certificate" in str(error)
        assert client.data == server.data == b""
        await end(port)

    run(main)


@pytest.mark.parametrize("kind", ["standard", "openssl"])
def test_garbage_instead_of_a_handshake(reactor, run, kind):
    async def main():
        factory = Recording()
        port = reactor.listenSSL(0, factory, server_context(), interface="127.0.0.1")
        peer = await Peer.connect(port)
        await peer.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        server = await factory.next()
        error = await server.lost()
        assert isinstance(error, HandshakeError)
        assert "plain HTTP" in str(error)
        assert server.events == ["made", "lost"]
        await end(port, peer)

    run(main)


def test_peer_that_stops_in_the_middle_of_the_handshake(reactor, run):
    async def main():
        port, peer, server = await secured(reactor, handshake_timeout=0.02)
        hello = bytearray()
        try:
            peer.tls.do_handshake()
        except ssl.SSLWantReadError:
            hello += peer._outgoing.read()
        await Peer.send(peer, bytes(hello[:100]))
        error = await server.lost()
        assert type(error).__mro__[1] is HandshakeTimeoutError or type(error) is HandshakeTimeoutError
        assert "0.02 seconds" in str(error)
        await end(port, peer)

    run(main)


def test_handshake_timeout_is_on_by_default_and_can_be_turned_off(reactor, run):
    async def main():
        for options, expected in (({}, True), ({"handshake_timeout": None}, False)):
            port, peer, server = await secured(reactor, **options)
            assert (server.transport._transport._timer is not None) is expected
            await peer.shake()
            await peer.send(b"x")
            await server.got(1)
            assert server.transport._transport._timer is None
            server.transport.abortConnection()
            await server.lost()
            await end(port, peer)

    run(main)


def test_peer_that_leaves_in_the_middle_of_the_handshake(reactor, run):
    async def main():
        port, peer, server = await secured(reactor)
        peer.close()
        error = await server.lost()
        assert isinstance(error, HandshakeError)
        assert "in the middle" in str(error)
        await end(port)

    run(main)


# --- Ends ------------------------------------------------------------------------------------------------------------


def test_attack_109_truncation_is_no_clean_end(reactor, run):
    async def main():
        port, peer, server = await secured(reactor)
        await peer.shake()
        await peer.send(b"part")
        await server.got(4)
        Peer.half_close(peer)
        error = await server.lost()
        assert isinstance(error, TruncatedError)
        assert isinstance(error, ConnectionLost)
        await end(port, peer)

    run(main)


def test_the_peer_s_goodbye_is_a_clean_end_and_is_answered(reactor, run):
    async def main():
        port, peer, server = await secured(reactor)
        await peer.shake()
        server.transport.write(b"x" * 3_000_000)
        await peer.send(b"last words")
        peer.say_goodbye()
        assert len(await peer.rest()) == 3_000_000
        assert type(await server.lost()) is ConnectionDone
        assert server.data == b"last words"
        await end(port, peer)

    run(main)


def test_a_peer_that_does_not_answer_our_goodbye(reactor, run, monkeypatch):
    monkeypatch.setattr("selvage.transports._tls_transport.CLOSE_TIMEOUT_S", 0.02)

    async def main():
        port, peer, server = await secured(reactor)
        await peer.shake()
        server.transport.write(b"x" * 3_000_000)
        server.transport.loseConnection()
        await turn(50)
        assert not server.reasons
        assert len(await peer.read(3_000_000)) == 3_000_000
        assert type(await server.lost()) is ConnectionDone
        await end(port, peer)

    run(main)


def test_what_comes_after_our_goodbye_is_dropped(reactor, run):
    async def main():
        port, peer, server = await secured(reactor)
        await peer.shake()
        await peer.send(b"x")
        await server.got(1)
        server.transport.loseConnection()
        await peer.send(b"unwanted")
        await turn(5)
        assert not server.reasons
        peer.say_goodbye()
        assert type(await server.lost()) is ConnectionDone
        assert server.data == b"x"
        await end(port, peer)

    run(main)


def test_a_peer_that_just_leaves_after_our_goodbye_is_a_clean_end(reactor, run):
    async def main():
        port, peer, server = await secured(reactor)
        await peer.shake()
        await peer.send(b"x")
        await server.got(1)
        server.transport.loseConnection()
        assert await peer.rest() == b""
        peer.close()
        assert type(await server.lost()) is ConnectionDone
        await end(port)

    run(main)


def test_a_damaged_record_ends_the_connection_with_a_named_error(reactor, run):
    async def main():
        port, peer, server = await secured(reactor)
        await peer.shake()
        peer.tls.write(b"good")
        good = peer._outgoing.read()
        peer.tls.write(b"bad")
        bad = bytearray(peer._outgoing.read())
        bad[-1] ^= 1
        await Peer.send(peer, good + bytes(bad))
        error = await server.lost()
        assert isinstance(error, TLSError)
        assert "damaged" in str(error)
        assert server.data == b"good"
        await end(port, peer)

    run(main)


def test_closing_before_the_handshake_sends_what_was_written(reactor, run):
    class Brief(Recorder):
        def connectionMade(self):
            super().connectionMade()
            self.transport.write(b"all there is")
            self.transport.loseConnection()

    async def main():
        port, peer, server = await secured(reactor, Brief)
        await peer.shake()
        assert await peer.rest() == b"all there is"
        peer.say_goodbye()
        assert type(await server.lost()) is ConnectionDone
        await end(port, peer)

    run(main)


def test_a_failing_engine_maker_refuses_that_connection_only(reactor, run, reports):
    class Options:
        failing = True

        def make_tls_engine(self, tlsProtocol: Any, isClient: bool) -> Any:
            if self.failing:
                raise ZeroDivisionError
            from selvage.transports._tls_engine import StandardEngine

            return StandardEngine(server_context(), isClient)

    async def main():
        options, factory = Options(), Recording()
        port = reactor.listenSSL(0, factory, options, interface="127.0.0.1")
        refused = await Peer.connect(port)
        with pytest.raises((OSError, AssertionError)):
            assert await refused.recv()
        assert type(reports.pop().failure.value) is ZeroDivisionError
        options.failing = False
        peer = await TLSPeer((await Peer.connect(port)).sock, client_context(), server_hostname=HOST).shake()
        (await factory.next()).transport.abortConnection()
        await end(port, peer, refused)

    run(main)


def test_a_client_whose_engine_cannot_be_made_fails_to_connect(reactor, run):
    class Options:
        def make_tls_engine(self, tlsProtocol: Any, isClient: bool) -> Any:
            raise ZeroDivisionError

    async def main():
        port = reactor.listenTCP(0, Recording(), interface="127.0.0.1")
        clients = Recording()
        reactor.connectSSL("127.0.0.1", port.getHost().port, clients, Options())
        log = await clients.logged(4)
        assert log[:2] == ["start", "connecting"]
        assert isinstance(log[2], ZeroDivisionError)
        await end(port)

    run(main)


# --- The quick way ------------------------------------------------------------------------------------------------------


class Echo(Recorder):
    def dataReceived(self, data):
        super().dataReceived(data)
        self.transport.write(data[:3])
        self.transport.write(data[3:])


def test_one_frame_lies_between_the_loop_and_data_received(reactor, run):
    frames: list[str] = []

    class Looking(Recorder):
        def dataReceived(self, data):
            frame = sys._getframe(1)
            while frame is not None:
                frames.append(frame.f_code.co_filename)
                frame = frame.f_back
            super().dataReceived(data)

    async def main():
        port, peer, server = await secured(reactor, Looking)
        await peer.shake()
        await peer.send(b"x")
        await server.got(1)
        frames.clear()
        await peer.send(b"y")
        await server.got(2)
        own = [name for name in frames if "selvage" in name and "transports" in name and "tests" not in name]
        assert len(own) == 1
        assert own[0].endswith("_tls_transport.py")
        peer.close()
        await server.lost()
        await end(port, peer)

    run(main)


def test_the_quick_way_does_what_the_careful_way_does(reactor, run):
    class InBetween:
        """Stands for the connection, so that nothing may take a short cut."""

        def __init__(self, connection: Any) -> None:
            self._connection = connection

        def __getattr__(self, name: str) -> Any:
            return getattr(self._connection, name)

    async def main():
        seen = []
        for careful in (False, True):
            port, peer, server = await secured(reactor, Echo)
            await peer.shake()
            if careful:
                server.transport._transport.set_protocol(InBetween(server.transport))
            for piece in (b"abcdef", b"x" * 40_000, b"z"):
                await peer.send(piece)
                assert await peer.read(len(piece)) == piece
            peer.close()
            reason = type(await server.lost())
            seen.append((server.data, server.events[-1], reason))
            await end(port, peer)
        assert seen[0] == seen[1]
        assert seen[0][2] is ConnectionDone

    run(main)


# --- What tells of it --------------------------------------------------------------------------------------------------


def test_port_says_that_it_is_tls(reactor, run):
    async def main():
        port = reactor.listenSSL(0, Recording(), server_context(), interface="127.0.0.1")
        assert port._log_name() == f"TLS Port {port.getHost().port}"
        await port.stopListening()

    run(main)


def test_engines_of_both_libraries_meet(reactor, run):
    async def main():
        from selvage.transports._tls_creators import IOpenSSLContextFactory

        @implementer(IOpenSSLContextFactory)
        class Factory:
            def getContext(self):
                return openssl_client_context()

        servers, clients = Recording(), Recording()
        port = reactor.listenSSL(0, servers, server_context(), interface="127.0.0.1")
        reactor.connectSSL("127.0.0.1", port.getHost().port, clients, Factory())
        server, client = await servers.next(), await clients.next()
        client.transport.write(b"x" * 1_000_000)
        assert len(await server.got(1_000_000)) == 1_000_000
        server.transport.write(b"y" * 1_000_000)
        assert len(await client.got(1_000_000)) == 1_000_000
        assert (
            client.transport.getPeerCertificate().to_cryptography().subject.rfc4514_string().count("trustme")
        )
        client.transport.loseConnection()
        assert type(await server.lost()) is ConnectionDone
        assert type(await client.lost()) is ConnectionDone
        await end(port)

    run(main)


def test_a_context_that_checks_nothing_needs_no_name(reactor, run):
    async def main():
        port = reactor.listenSSL(0, servers := Recording(), server_context(), interface="127.0.0.1")
        reactor.connectSSL("127.0.0.1", port.getHost().port, clients := Recording(), trusting_nobody())
        client, server = await clients.next(), await servers.next()
        client.transport.write(b"x")
        assert await server.got(1) == b"x"
        client.transport.abortConnection()
        assert isinstance(await server.lost(), ConnectionLost)
        await client.lost()
        await end(port)

    run(main)


@pytest.mark.parametrize("kind", ["standard", "openssl"])
def test_nothing_of_a_lost_connection_waits_for_the_garbage_collector(reactor, run, kind):
    context = server_context() if kind == "standard" else OpenSSLContext(openssl_server_context())

    async def main():
        factory = Recording()
        port = reactor.listenSSL(0, factory, context, interface="127.0.0.1")
        gc.collect()
        gc.disable()
        try:
            for ending in ("loseConnection", "abortConnection"):
                peer = await TLSPeer(
                    (await Peer.connect(port)).sock, client_context(), server_hostname=HOST
                ).shake()
                server = await factory.next()
                await peer.send(b"x")
                await server.got(1)
                gone = weakref.ref(server.transport)
                getattr(server.transport, ending)()
                peer.close()
                await server.lost()
                server.transport = None
                server = factory.protocols.clear()
                await turn(5)
                assert gone() is None, gc.get_referrers(gone())
        finally:
            gc.enable()
        await end(port)

    run(main)


def test_no_socket_is_left(reactor, run):
    """Each end closes its descriptor, whoever ends it and however."""

    async def main():
        port, peer, server = await secured(reactor)
        await peer.shake()
        sock = server.transport.socket
        assert sock.family == socket.AF_INET
        server.transport.loseConnection()
        peer.say_goodbye()
        await server.lost()
        assert sock.fileno() == -1
        await end(port, peer)

    run(main)
