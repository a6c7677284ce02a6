"""The TLS machine without any I/O, over both libraries: handshake, data, goodbye, and every way to fail."""

from __future__ import annotations

import pickle
import ssl
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
from hypothesis import given, settings, strategies as st
from OpenSSL import SSL

from selvage.errors import ConnectionLost, HandshakeError, PeerCertificateError, TLSError
from selvage.transports._tls_engine import OpenSSLEngine, StandardEngine
from selvage.transports._tls_errors import tls_error
from selvage.transports._tls_session import ENDED, HANDSHAKE, OPEN, TLSSession

from .certificates import (
    HOST,
    authority,
    certificate,
    client_context,
    openssl_client_context,
    openssl_server_context,
    server_context,
    trusting_nobody,
)


def standard(is_client: bool, context: Any = None, name: str | None = HOST) -> TLSSession:
    context = context or (client_context() if is_client else server_context())
    return TLSSession(StandardEngine(context, is_client, name), lambda: "the peer")


def openssl(is_client: bool, context: Any = None) -> TLSSession:
    context = context or (openssl_client_context() if is_client else openssl_server_context())
    return TLSSession(OpenSSLEngine(SSL.Connection(context, None), is_client), lambda: "the peer")


ENGINES = {"standard": standard, "openssl": openssl}


@pytest.fixture(params=sorted(ENGINES))
def client(request):
    return ENGINES[request.param](True)


@pytest.fixture(params=sorted(ENGINES))
def server(request):
    return ENGINES[request.param](False)


def exchange(client: TLSSession, server: TLSSession, rounds: int = 6) -> tuple[bytes, bytes]:
    """Carry ciphertext both ways; returns what the client and the server read."""
    read = {client: b"", server: b""}
    for _ in range(rounds):
        for source, target in ((client, server), (server, client)):
            data = source.take()
            if data:
                read[target] += target.receive(data)
                if target.state == OPEN:
                    target.flush()
    return read[client], read[server]


def shake(client: TLSSession, server: TLSSession) -> tuple[bytes, bytes]:
    client.begin()
    server.begin()
    return exchange(client, server)


def test_handshake_and_data_both_ways(client, server):
    assert client.state == server.state == HANDSHAKE
    shake(client, server)
    assert client.state == server.state == OPEN
    client.send(b"to the server")
    server.send(b"to the client")
    assert exchange(client, server) == (b"to the client", b"to the server")


def test_what_is_written_before_the_handshake_waits_for_its_end(client, server):
    client.send(b"first ")
    client.send(b"second")
    assert client.waiting == 12
    assert shake(client, server)[1] == b"first second"
    assert client.waiting == 0


def test_facts(client, server):
    shake(client, server)
    facts = client.engine.facts()
    assert facts.version == "TLSv1.3"
    assert facts.cipher == server.engine.facts().cipher
    assert facts.negotiated_protocol is None
    assert facts.peer_certificate == ssl.PEM_cert_to_DER_cert(
        certificate().cert_chain_pems[0].bytes().decode()
    )
    assert server.engine.facts().peer_certificate is None


def test_no_certificate_is_known_before_the_handshake(client):
    assert client.engine.peer_certificate() is None


def test_application_protocol():
    client = standard(True, client_context(protocols=("h2", "http/1.1")))
    server = standard(False, server_context(protocols=("http/1.1",)))
    shake(client, server)
    assert client.engine.negotiated_protocol() == server.engine.negotiated_protocol() == b"http/1.1"


def test_goodbye_closes_one_direction(client, server):
    shake(client, server)
    client.send(b"last")
    client.goodbye()
    client.send(b"too late")
    assert exchange(client, server) == (b"", b"last")
    assert server.peer_ended and not client.peer_ended
    assert client.said_goodbye and not server.said_goodbye
    server.send(b"answer")
    server.goodbye()
    assert exchange(client, server) == (b"answer", b"")
    assert client.peer_ended
    assert client.failure is server.failure is None


def test_goodbye_before_the_handshake_lets_data_leave_first(client, server):
    client.send(b"all there is")
    client.goodbye()
    assert not client.said_goodbye
    assert shake(client, server)[1] == b"all there is"
    assert server.peer_ended


def test_large_write(client, server):
    shake(client, server)
    data = bytes(range(256)) * 8192
    client.send(data)
    assert exchange(client, server)[1] == data


def test_pyopenssl_is_given_what_it_takes_at_once_and_no_more(monkeypatch):
    client, server = openssl(True), openssl(False)
    shake(client, server)
    given = []
    send = SSL.Connection.send
    monkeypatch.setattr(
        SSL.Connection, "send", lambda self, data: given.append(len(data)) or send(self, data)
    )
    client.send(b"x" * 1_000_000)
    # It copies what it is given: all that is left, for each record, would take time that grows with the square.
    assert sum(given) == 1_000_000
    assert exchange(client, server)[1] == b"x" * 1_000_000


@pytest.mark.parametrize(
    "junk",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00" * 64,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\xff\xff" + b"x" * 300,
    ],
)
def test_garbage_instead_of_a_handshake(server, junk):
    server.begin()
    assert server.receive(junk) == b""
    assert server.state == ENDED
    error = server.failure.value
    assert isinstance(error, HandshakeError)
    assert isinstance(error, ConnectionLost)
    assert "the peer" in str(error)


def test_damaged_record_ends_the_session_after_what_came_before_it(client, server):
    shake(client, server)
    client.send(b"good")
    good = client.take()
    client.send(b"bad")
    bad = bytearray(client.take())
    bad[-1] ^= 1
    assert server.receive(good + bytes(bad)) == b"good"
    assert server.state == ENDED
    assert isinstance(server.failure.value, TLSError)
    assert not isinstance(server.failure.value, HandshakeError)
    assert "damaged" in str(server.failure.value)
    assert server.take()  # the alert
    assert server.receive(good) == b""


def test_nothing_is_delivered_before_the_end_of_the_handshake(server):
    """Data that came in the clear is no data (attack 107)."""
    server.begin()
    assert server.receive(b"\x17\x03\x03\x00\x05hello") == b""
    assert server.state == ENDED


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=6), st.data())
def test_every_cut_of_the_same_ciphertext_gives_the_same_plaintext(pieces, data):
    for make in ENGINES.values():
        client, server = make(True), make(False)
        shake(client, server)
        for piece in pieces:
            client.send(piece)
        client.goodbye()
        ciphertext = client.take()
        read = b""
        while ciphertext:
            size = data.draw(st.integers(1, max(1, len(ciphertext))))
            read += server.receive(ciphertext[:size])
            ciphertext = ciphertext[size:]
        assert read == b"".join(pieces)
        assert server.peer_ended
        assert server.failure is None


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=400))
def test_any_input_is_a_handshake_under_way_or_a_named_error(data):
    for make in ENGINES.values():
        server = make(False)
        server.begin()
        assert server.receive(data) == b""
        assert server.state == HANDSHAKE or isinstance(server.failure.value, HandshakeError)


# --- Which certificate error it is ---------------------------------------------------------------------------------


def refused(
    client_context: ssl.SSLContext, server_context: ssl.SSLContext, name: str = HOST
) -> PeerCertificateError:
    client, server = standard(True, client_context, name), standard(False, server_context)
    shake(client, server)
    assert client.state == ENDED
    error = client.failure.value
    assert isinstance(error, PeerCertificateError)
    # The server is told by an alert what the matter is.
    assert isinstance(server.failure.value, TLSError)
    assert "refused our certificate" in str(server.failure.value)
    return error


def context_of(issued: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(made)
    return made


def test_wrong_host():
    error = refused(client_context(), server_context(), "example.com")
    assert error.problem == "wrong-host"
    assert "example.com" in str(error)


def test_unknown_authority():
    assert refused(client_context(trusted=False), server_context()).problem == "unknown-authority"


def test_expired():
    then = datetime.now(UTC) - timedelta(days=1)
    error = refused(client_context(), context_of(authority().issue_cert(HOST, not_after=then)))
    assert error.problem == "expired"
    assert "renew" in str(error)


def test_no_version_in_common():
    old = server_context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    new = client_context()
    new.minimum_version = ssl.TLSVersion.TLSv1_3
    client, server = standard(True, new), standard(False, old)
    shake(client, server)
    assert "no version of TLS in common" in str(server.failure.value)
    assert "no version of TLS in common" in str(client.failure.value)


def test_client_certificate_required():
    strict = server_context()
    strict.verify_mode = ssl.CERT_REQUIRED
    authority().configure_trust(strict)
    strict.maximum_version = ssl.TLSVersion.TLSv1_2
    client, server = standard(True), standard(False, strict)
    shake(client, server)
    assert server.failure.value.problem == "missing"
    assert isinstance(client.failure.value, TLSError)


def test_no_cipher_in_common():
    one, other = server_context(), trusting_nobody()
    for context, ciphers in ((one, "ECDHE-RSA-AES128-GCM-SHA256"), (other, "ECDHE-RSA-AES256-GCM-SHA384")):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    client, server = standard(True, other), standard(False, one)
    shake(client, server)
    assert "cipher" in str(server.failure.value)
    assert "cipher" in str(client.failure.value)


# --- What programs catch --------------------------------------------------------------------------------------------


def test_errors_are_those_of_pyopenssl_too_where_it_is_imported():
    """Programs written for Twisted catch `OpenSSL.SSL.Error`."""
    error = tls_error(ssl.SSLError(1, "wrong version number"), False)
    assert isinstance(error, SSL.Error)
    assert isinstance(error, HandshakeError)
    assert error.args[0][0][-1] == error.why
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is HandshakeError
    assert str(again) == str(error)


def test_a_wrong_host_is_a_verification_error_of_service_identity_too():
    import service_identity

    error = refused(client_context(), server_context(), "example.com")
    assert isinstance(error, service_identity.VerificationError)
    assert pickle.loads(pickle.dumps(error)).problem == "wrong-host"


def test_errors_need_no_pyopenssl(monkeypatch):
    monkeypatch.delitem(sys.modules, "OpenSSL.SSL")
    assert type(tls_error(ssl.SSLError(1, "x"), False)) is HandshakeError
    assert type(tls_error(ssl.SSLError(1, "x"), True)) is TLSError


def test_the_error_of_the_library_is_the_cause():
    cause = ssl.SSLError(1, "x")
    assert tls_error(cause, True).__cause__ is cause
