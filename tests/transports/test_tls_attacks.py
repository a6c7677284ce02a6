"""What strangers do to a server with TLS: each ends in a named error, nothing is left, and the others are served.

The numbers are those of the project's list of attacks.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from typing import Any

import pytest

from selvage.errors import ConnectionClosed, ConnectionLost, HandshakeError, HandshakeTimeoutError, TLSError
from selvage.transports.tls import MAX_HANDSHAKES

from .certificates import HOST, OpenSSLContext, client_context, openssl_server_context, server_context
from .helpers import Peer, Recording, TLSPeer, end, turn

DESCRIPTORS = "/proc/self/fd"


async def listening(reactor: Any, context: Any = None, **options: Any) -> tuple[Any, Recording]:
    factory = Recording()
    port = reactor.listenSSL(0, factory, context or server_context(), interface="127.0.0.1", **options)
    return port, factory


async def raw(port: Any) -> TLSPeer:
    """A peer that has not begun the handshake."""
    return TLSPeer((await Peer.connect(port)).sock, client_context(), server_hostname=HOST)


def hello(peer: TLSPeer) -> bytes:
    """The first flight of its handshake."""
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.do_handshake()
    return peer._outgoing.read()


async def served(port: Any, factory: Recording) -> None:
    """An honest client is served."""
    number = len(factory.protocols)
    peer = await (await raw(port)).shake()
    server = await factory.next(number)
    await peer.send(b"question")
    assert await server.got(8) == b"question"
    server.transport.write(b"answer")
    assert await peer.read(6) == b"answer"
    peer.close()
    assert isinstance(await server.lost(), ConnectionClosed)


# --- 105: exceptions in callbacks of the library ------------------------------------------------------------------------


def test_attack_105_exception_in_a_callback_is_fatal_and_reported(reactor, run, reports):
    """pyOpenSSL once went on with the handshake (CVE-2026-27448)."""

    def choose(connection: Any) -> None:
        raise ZeroDivisionError

    context = openssl_server_context()
    context.set_tlsext_servername_callback(choose)

    async def main():
        port, factory = await listening(reactor, OpenSSLContext(context))
        peer = await raw(port)
        with pytest.raises((ssl.SSLError, OSError)):
            await peer.shake()
        server = await factory.next()
        assert isinstance(await server.lost(), HandshakeError)
        assert server.events == ["made", "lost"]
        assert [type(report.failure.value) for report in reports] == [ZeroDivisionError]
        reports.clear()
        await end(port, peer)

    run(main)


def test_attack_105_exception_in_a_callback_of_the_standard_library_is_fatal(reactor, run, reports):
    context = server_context()

    def choose(connection: Any, name: Any, given: Any) -> None:
        raise ZeroDivisionError

    context.sni_callback = choose

    async def main():
        port, factory = await listening(reactor, context)
        peer = await raw(port)
        with pytest.raises((ssl.SSLError, OSError)):
            await peer.shake()
        server = await factory.next()
        assert isinstance(await server.lost(), HandshakeError)
        assert server.events == ["made", "lost"]
        assert [type(report.failure.value) for report in reports] == [ZeroDivisionError]
        reports.clear()
        await end(port, peer)

    run(main)


# --- 107: data before the end of the handshake ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["standard", "openssl"])
def test_attack_107_nothing_is_delivered_before_the_end_of_the_handshake(reactor, run, kind):
    context = server_context() if kind == "standard" else OpenSSLContext(openssl_server_context())

    async def main():
        port, factory = await listening(reactor, context)
        peer = await raw(port)
        await Peer.send(peer, hello(peer) + b"\x17\x03\x03\x00\x05hello")
        server = await factory.next()
        assert isinstance(await server.lost(), HandshakeError)
        assert server.events == ["made", "lost"]
        await end(port, peer)

    run(main)


# --- 108: handshakes that cost ----------------------------------------------------------------------------------------------


def test_attack_108_slow_handshake_ends(reactor, run):
    async def main():
        port, factory = await listening(reactor, handshake_timeout=0.05)
        peer = await raw(port)
        first = hello(peer)
        server = None
        for byte in first[:10]:
            await Peer.send(peer, bytes([byte]))
            server = await factory.next()
            await turn()
        assert isinstance(await server.lost(), HandshakeTimeoutError)
        await served(port, factory)
        await end(port, peer)

    run(main)


def test_attack_108_the_oldest_of_too_many_handshakes_makes_room(reactor, run):
    assert MAX_HANDSHAKES >= 100

    async def main():
        port, factory = await listening(reactor, max_handshakes=3)
        peers = [await raw(port) for _ in range(3)]
        servers = [await factory.next(number) for number in range(3)]
        await peers[0].shake()
        await turn(3)
        peers.append(await raw(port))
        await factory.next(3)
        assert [len(server.reasons) for server in servers] == [0, 0, 0], "one has finished"
        peers.append(await raw(port))
        await factory.next(4)
        error = await servers[1].lost()
        assert isinstance(error, HandshakeError)
        assert "3 at once" in str(error)
        await peers[2].shake()
        assert not servers[2].reasons
        await served(port, factory)
        for server in factory.protocols:
            if not server.reasons:
                server.transport.abortConnection()
                await server.lost()
        assert len(port.shaking) == 0
        await end(port, *peers)

    run(main)


def test_attack_108_a_peer_that_makes_tls_speak_and_does_not_listen_is_cut_off(reactor, run):
    async def main():
        port, factory = await listening(reactor)
        peer = await (await raw(port)).shake()
        server = await factory.next()
        engine = server.transport._transport.engine
        engine.take = lambda: b"a refusal" * 20_000  # more than what OpenSSL would say to a thousand requests
        with pytest.raises((OSError, asyncio.TimeoutError)):
            async with asyncio.timeout(30):
                while not server.reasons:
                    await peer.send(b"x")
                    await turn()
                raise OSError
        assert "does not read" in str(server.reasons[0].value)
        await end(port, peer)

    run(main)


def test_a_peer_whose_address_is_forgotten_can_fail_as_well(reactor, run, monkeypatch):
    async def main():
        port, factory = await listening(reactor)
        peer = await raw(port)
        server = await factory.next()
        monkeypatch.setattr(type(server.transport), "getPeer", lambda self: 1 / 0)
        await garbage(peer)
        error = await server.lost()
        assert isinstance(error, HandshakeError)
        assert error.peer == ""
        monkeypatch.undo()
        await end(port, peer)

    run(main)


# --- 111: contexts that change under those who use them ---------------------------------------------------------------------


def test_attack_111_a_context_is_only_read(reactor, run):
    facts = (
        "options",
        "verify_mode",
        "verify_flags",
        "minimum_version",
        "maximum_version",
        "check_hostname",
        "num_tickets",
    )

    async def main():
        context = server_context()
        before = [getattr(context, name) for name in facts]
        port, factory = await listening(reactor, context)
        await served(port, factory)
        assert [getattr(context, name) for name in facts] == before
        await end(port)

    run(main)


# --- All of them, again and again -------------------------------------------------------------------------------------------


async def garbage(peer: TLSPeer) -> None:
    await Peer.send(peer, bytes(range(200)))


async def half_a_hello(peer: TLSPeer) -> None:
    await Peer.send(peer, hello(peer)[:50])
    peer.leave()


async def huge_record(peer: TLSPeer) -> None:
    await Peer.send(peer, b"\x16\x03\x01\xff\xff" + b"\0" * 300)


async def damaged_record(peer: TLSPeer) -> None:
    await peer.shake()
    peer.tls.write(b"x")
    sealed = bytearray(peer._outgoing.read())
    sealed[-1] ^= 1
    await Peer.send(peer, bytes(sealed))


async def cut_off(peer: TLSPeer) -> None:
    await peer.shake()
    await peer.send(b"part")
    peer.leave()


async def goodbye_and_never_gone(peer: TLSPeer) -> None:
    await peer.shake()
    peer.say_goodbye()


HOSTILE = [garbage, half_a_hello, huge_record, damaged_record, cut_off, goodbye_and_never_gone]


@pytest.mark.parametrize("kind", ["standard", "openssl"])
def test_nothing_is_left_of_hostile_peers(reactor, run, monkeypatch, kind):
    """Descriptors, tasks and connections are counted; each hears of its end once; the reactor goes on."""
    monkeypatch.setattr("selvage.transports._tls_transport.CLOSE_TIMEOUT_S", 0.02)
    context = server_context() if kind == "standard" else OpenSSLContext(openssl_server_context())

    async def main():
        port, factory = await listening(reactor, context)
        await served(port, factory)
        await turn(5)
        counted: list[tuple[int, int, int]] = []
        for _ in range(4):
            for attack in HOSTILE:
                number = len(factory.protocols)
                peer = await raw(port)
                await attack(peer)
                server = await factory.next(number)
                assert isinstance(await server.lost(), ConnectionClosed)
                assert server.events.count("lost") == 1
                peer.leave()
                await turn(3)
            descriptors = len(os.listdir(DESCRIPTORS)) if os.path.isdir(DESCRIPTORS) else 0
            counted.append((descriptors, len(asyncio.all_tasks()), len(reactor._transport_engine().open)))
        assert len(set(counted[1:])) == 1, counted
        await served(port, factory)
        await end(port)

    run(main)


@pytest.mark.slow
def test_a_gibibyte_to_a_slow_reader_takes_little_memory(reactor, run):
    """What waits is bounded by the producer's pauses, not by how much there is to send."""
    import resource

    from .test_producers import Push

    piece, count = b"x" * 65536, 16384

    async def main():
        port, factory = await listening(reactor)
        peer = await (await raw(port)).shake()
        server = await factory.next()
        producer = Push(server.transport, piece, count)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        producer.go()
        server.transport.loseConnection()
        got, turns = 0, 0
        while data := await peer.recv():
            got += len(data)
            turns += 1
            if turns % 50 == 0:
                await turn(20)  # the server has more turns than it needs to fill what would fill
        assert got == len(piece) * count
        assert producer.most <= server.transport.bufferSize + len(piece)
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown_kib < 32 * 1024
        peer.close()
        await server.lost()
        await end(port, peer)

    run(main, 200)


def test_errors_of_tls_are_losses():
    """Who knows nothing of TLS reconnects for the same reasons as ever."""
    assert issubclass(TLSError, ConnectionLost)
