"""TLS at endpoints: descriptions to objects, real handshakes over TCP, and what is said of files that cannot be used."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

import selvage
from selvage import _events, endpoints, tls
from selvage.defer import Deferred
from selvage.endpoints import (
    HostnameEndpoint,
    SSL4ClientEndpoint,
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    TCP6ServerEndpoint,
    _loadCAsFromDir,
    clientFromString,
    connectProtocol,
    quoteStringArgument as quoted,
    serverFromString,
    wrapClientTLS,
    wrapServerTLS,
)
from selvage.errors import PeerCertificateError, TLSError
from selvage.failure import Failure
from selvage.protocols import Factory, Protocol
from selvage.reactor import get_reactor
from selvage.testing import MemoryReactorClock


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> Path:
    """A directory with certificates for localhost and a client, and the authority that has signed them."""
    (tmp_path / "roots").mkdir()
    authority.cert_pem.write_to_path(str(tmp_path / "roots" / "root.pem"))
    for name, host in (("server", "localhost"), ("client", "client.example"), ("other", "other.example")):
        made = authority.issue_cert(host, key_type=trustme.KeyType.ECDSA)
        made.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / f"{name}.pem"))
        made.private_key_pem.write_to_path(str(tmp_path / f"{name}.key.pem"))
        made.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}.cert.pem"))
    return tmp_path


# --- Descriptions to objects -----------------------------------------------------------------------------------------


def test_tls_client_verifies_the_host_it_connects_to() -> None:
    reactor = MemoryReactorClock()
    endpoint: Any = clientFromString(reactor, "tls:example.com:443:timeout=7:bindAddress=192.0.2.1")
    hostname = endpoint._wrappedEndpoint
    assert isinstance(hostname, HostnameEndpoint)
    assert (hostname._hostBytes, hostname._port, hostname._timeout) == (b"example.com", 443, 7)
    assert hostname._bindAddress == ("192.0.2.1", 0)
    wrapper = endpoint._wrapperFactory(Factory.forProtocol(Protocol))
    assert wrapper.isClient


def test_tls_client_over_another_endpoint() -> None:
    endpoint: Any = clientFromString(
        MemoryReactorClock(), r"tls:example.com:443:endpoint=tcp\:192.0.2.7\:8443"
    )
    inner = endpoint._wrappedEndpoint
    assert isinstance(inner, TCP4ClientEndpoint)
    assert (inner._host, inner._port) == ("192.0.2.7", 8443)


def test_ssl_client_verifies_only_a_name_it_is_given() -> None:
    plain: Any = clientFromString(MemoryReactorClock(), "ssl:h:443")
    assert isinstance(plain, SSL4ClientEndpoint)
    assert isinstance(plain._sslContextFactory, tls.CertificateOptions)
    assert not plain._sslContextFactory.verify
    named: Any = clientFromString(MemoryReactorClock(), "ssl:h:443:hostname=example.com")
    assert repr(named._sslContextFactory) == "<ClientTLSOptions for example.com>"


def test_tls_server_takes_its_certificates_from_a_directory(files: Path) -> None:
    endpoint: Any = serverFromString(
        MemoryReactorClock(), rf"tls:{quoted(str(files))}:443:backlog=9:interface=\:\:1"
    )
    listening = endpoint.endpoint
    assert isinstance(listening, TCP6ServerEndpoint)
    assert (listening._port, listening._backlog, listening._interface) == (443, 9, "::1")
    assert isinstance(endpoint.connectionCreator, tls.SNIConnectionCreator)
    assert repr(endpoint) == f"<TLSServerEndpoint over {listening!r}>"


def test_ssl_server(files: Path, authority: trustme.CA) -> None:
    endpoint: Any = serverFromString(
        MemoryReactorClock(),
        f"ssl:443:privateKey={files}/server.key.pem:certKey={files}/server.cert.pem:"
        f"extraCertChain={files}/roots/root.pem:dhParameters=dh.pem",
    )
    assert isinstance(endpoint, SSL4ServerEndpoint)
    options = endpoint._sslContextFactory
    assert endpoint._port == 443
    assert [tls.Certificate(each).dumpPEM() for each in options.extraCertChain] == [
        authority.cert_pem.bytes()
    ]
    assert options.dhParameters._dhFile.basename() == "dh.pem"


def test_what_follows_the_certificate_is_its_chain(tmp_path: Path) -> None:
    middle = trustme.CA().create_child_ca()
    made = middle.issue_cert("localhost")
    made.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "fullchain.pem"))
    endpoint: Any = serverFromString(MemoryReactorClock(), f"ssl:443:privateKey={tmp_path}/fullchain.pem")
    chain = endpoint._sslContextFactory.extraCertChain
    assert [tls.Certificate(each).dumpPEM() for each in chain] == [middle.cert_pem.bytes()]


def test_ssl_server_method(files: Path) -> None:
    line = f"ssl:443:privateKey={files}/server.pem:sslmethod="
    endpoint: Any = serverFromString(MemoryReactorClock(), line + "TLSv1_2_METHOD")
    assert endpoint._sslContextFactory.method == 6
    context = endpoint._sslContextFactory.standard_context(False)
    assert context.maximum_version == ssl.TLSVersion.TLSv1_2
    for method in ("SSLv3_METHOD", "TLSv1_2"):
        with pytest.raises(ValueError) as caught:
            serverFromString(MemoryReactorClock(), line + method)
        assert f"'sslmethod' at position {len(line) - 10} of" in str(caught.value)
        assert "has to be one of SSLv23_METHOD, TLSv1_METHOD, TLSv1_1_METHOD, TLSv1_2_METHOD" in str(
            caught.value
        )


def test_authorities_of_a_directory(authority: trustme.CA, tmp_path: Path) -> None:
    """Every `.pem` file once; what cannot be read or is no certificate is skipped, and said to be."""
    other = trustme.CA().cert_pem.bytes()
    root = authority.cert_pem.bytes()
    (tmp_path / "a.pem").write_bytes(root)
    (tmp_path / "same.PEM").write_bytes(root + other)
    (tmp_path / "broken.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")
    (tmp_path / "folder.pem").mkdir()
    (tmp_path / "empty.pem").write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(other)
    said: list[str] = []

    def hear(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        said.append(format.format(**fields))

    _events.subscribe(hear)
    try:
        roots = _loadCAsFromDir(selvage.paths.FilePath(str(tmp_path)))
    finally:
        _events.unsubscribe(hear)
    assert [tls.Certificate(each).dumpPEM() for each in roots._caCerts] == [root]
    assert {line.split(":")[0] for line in said} == {
        f"Only the first of the 2 certificates in {tmp_path}/same.PEM is trusted",
        f"Skipped {tmp_path}/broken.pem",
        f"Skipped {tmp_path}/empty.pem",
        f"Skipped {tmp_path}/folder.pem",
    }


def test_names_that_are_at_home_elsewhere() -> None:
    for name in ("Certificate", "CertificateOptions", "KeyPair", "PrivateCertificate", "optionsForClientTLS"):
        assert getattr(endpoints, name) is getattr(tls, name)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        endpoints.nonsense


def test_a_python_without_ssl(monkeypatch: pytest.MonkeyPatch) -> None:
    from selvage.endpoints import _tls

    monkeypatch.setattr(_tls, "TLSMemoryBIOFactory", None)
    with pytest.raises(NotImplementedError, match="OpenSSL not available: this Python was built without"):
        wrapClientTLS(None, None)  # type: ignore[arg-type]


# --- Files that cannot be used ---------------------------------------------------------------------------------------


def message(make: Callable[[Any, str], Any], description: str) -> str:
    with pytest.raises(ValueError) as caught:
        make(MemoryReactorClock(), description)
    return str(caught.value)


def test_a_file_that_is_not_there(files: Path) -> None:
    for make, description, expected in (
        (
            serverFromString,
            "ssl:443",
            "'certKey' names the file 'server.pem', which cannot be read: No such file or directory (in 'ssl:443')",
        ),
        (
            serverFromString,
            "ssl:443:privateKey=/nowhere/key.pem",
            "'certKey' names the file '/nowhere/key.pem', which cannot be read: No such file or directory",
        ),
        (
            serverFromString,
            f"ssl:443:certKey={files}/server.pem:privateKey=/nowhere/key.pem",
            f"'privateKey' at position {len(f'ssl:443:certKey={files}/server.pem:')} of ",
        ),
        (
            serverFromString,
            f"ssl:443:privateKey={files}/server.pem:extraCertChain=/nowhere/chain.pem",
            "which cannot be read: No such file or directory",
        ),
        (
            serverFromString,
            "tls:/nowhere:443",
            "'path' at position 4 of 'tls:/nowhere:443' names the directory",
        ),
        (
            clientFromString,
            "tls:example.com:443:certificate=/nowhere/c.pem",
            "'certificate' at position 20 of 'tls:example.com:443:certificate=/nowhere/c.pem' names the file "
            "'/nowhere/c.pem', which cannot be read: No such file or directory",
        ),
        (
            clientFromString,
            "tls:example.com:443:trustRoots=/nowhere",
            "'trustRoots' at position 20 of 'tls:example.com:443:trustRoots=/nowhere' names the directory '/nowhere'",
        ),
        (clientFromString, "ssl:h:443:caCertsDir=/nowhere", "'caCertsDir' at position 10 of"),
        (clientFromString, "ssl:h:443:certKey=/nowhere", "'certKey' at position 10 of"),
    ):
        assert expected in message(make, description)  # type: ignore[arg-type]


def test_a_file_without_what_is_needed(files: Path) -> None:
    (files / "empty.pem").write_bytes(b"")
    (files / "nothing").mkdir()
    assert "empty.pem', which cannot be used: there is no certificate in this PEM text" in message(
        serverFromString, f"ssl:443:privateKey={files}/empty.pem"
    )
    assert "server.cert.pem', which cannot be used: there is no private key in this PEM text" in message(
        serverFromString, f"ssl:443:privateKey={files}/server.cert.pem"
    )
    assert "key.pem', which cannot be used: Certificate public and private keys do not match" in message(
        serverFromString, f"ssl:443:privateKey={files}/other.key.pem:certKey={files}/server.cert.pem"
    )
    assert "Specified chain file" in message(
        serverFromString, f"ssl:443:privateKey={files}/server.pem:extraCertChain={files}/empty.pem"
    )
    assert "which has no certificate in a .pem file" in message(
        clientFromString, f"tls:h:443:trustRoots={files}/nothing"
    )
    assert "'privateKey' at position 10 of" in message(
        clientFromString, f"tls:h:443:privateKey={files}/client.key.pem"
    )


def test_a_key_that_is_too_weak_is_refused_before_the_first_connection(tmp_path: Path) -> None:
    weak = tls.KeyPair.generate(size=1024)
    (tmp_path / "weak.pem").write_bytes(weak.selfSignedCert(1, CN="localhost").dumpPEM())
    try:
        serverFromString(MemoryReactorClock(), f"ssl:443:privateKey={tmp_path}/weak.pem")
    except ValueError as error:
        assert "cannot be used for TLS: ee key too small" in str(error)
    else:
        pytest.skip("OpenSSL's security level on this machine allows keys of 1024 bits")


def test_names_that_no_host_has() -> None:
    assert "'hostname' at position 10 of 'ssl:h:443:hostname=a..b' cannot be a host's name" in message(
        clientFromString, "ssl:h:443:hostname=a..b"
    )


# --- Real connections ------------------------------------------------------------------------------------------------


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[union-attr]


class Asking(Protocol):
    """Sends, waits for the same to come back, and closes; fires with the certificate, or with why it ended without."""

    def __init__(self) -> None:
        self.done: Deferred[Any] = Deferred()
        self.received = b""

    def connectionMade(self) -> None:
        self.transport.write(b"hello")  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if self.received == b"hello":
            self.result = tls.Certificate.peerFromTransport(self.transport)
            self.transport.loseConnection()  # type: ignore[union-attr]

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        if hasattr(self, "result"):
            self.done.callback(self.result)
        else:
            self.done.errback(reason)


def ask(listening: str | Any, connecting: Callable[[Any, int], Any]) -> Any:
    """Listen, connect, exchange a word; returns the server's certificate, or raises what the client's connection ended with."""

    async def main() -> Any:
        reactor: Any = get_reactor()
        server = serverFromString(reactor, listening) if isinstance(listening, str) else listening(reactor)
        port = await server.listen(Factory.forProtocol(Echo))
        try:
            protocol: Any = await connectProtocol(connecting(reactor, port.getHost().port), Asking())
            return await getattr(protocol, "wrappedProtocol", protocol).done
        finally:
            await port.stopListening()

    return selvage.run(main)


def ssl_server(files: Path, name: str = "server") -> str:
    return f"ssl:0:privateKey={files}/{name}.pem:interface=127.0.0.1"


def tls_client(files: Path, more: str = "", host: str = "localhost") -> Callable[[Any, int], Any]:
    def make(reactor: Any, port: int) -> Any:
        inner = quoted(f"tcp:127.0.0.1:{port}")
        return clientFromString(reactor, f"tls:{host}:{port}:trustRoots={files}/roots:endpoint={inner}{more}")

    return make


def test_both_by_description(files: Path) -> None:
    assert ask(ssl_server(files), tls_client(files)) == tls.Certificate.loadPEM(
        (files / "server.cert.pem").read_bytes()
    )


def test_the_wrong_host(files: Path) -> None:
    with pytest.raises(PeerCertificateError) as caught:
        ask(ssl_server(files, "other"), tls_client(files))
    assert caught.value.problem == "wrong-host"
    assert "localhost" in str(caught.value)


def test_an_authority_that_nobody_knows(files: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(files / "roots" / "root.pem"))
    with pytest.raises(PeerCertificateError) as caught:
        ask(ssl_server(files), tls_client(files))
    assert caught.value.problem == "unknown-authority"


def test_an_ssl_client_without_a_name_verifies_nothing(files: Path) -> None:
    def connecting(reactor: Any, port: int) -> Any:
        return clientFromString(reactor, f"ssl:127.0.0.1:{port}")

    assert ask(ssl_server(files, "other"), connecting).getSubject() is not None


def test_an_ssl_client_with_a_name(files: Path) -> None:
    def connecting(hostname: str) -> Callable[[Any, int], Any]:
        line = "ssl:127.0.0.1:{port}:hostname={hostname}:caCertsDir={files}/roots"
        return lambda reactor, port: clientFromString(
            reactor, line.format(port=port, hostname=hostname, files=files)
        )

    assert ask(ssl_server(files), connecting("localhost"))
    with pytest.raises(PeerCertificateError):
        ask(ssl_server(files), connecting("other.example"))


def test_a_directory_of_certificates(files: Path) -> None:
    def listening(reactor: Any) -> Any:
        creator = tls.SNIConnectionCreator(tls.autoReloadingDirectoryOfPEMs(files))
        return wrapServerTLS(creator, TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"))

    for host, file in (("localhost", "server"), ("other.example", "other")):
        shown = ask(listening, tls_client(files, host=host))
        assert shown == tls.Certificate.loadPEM((files / f"{file}.cert.pem").read_bytes())
    with pytest.raises(TLSError, match="does not serve the name"):
        ask(listening, tls_client(files, host="nobody.example"))


def test_a_server_that_wants_to_know_the_client(files: Path) -> None:
    root = tls.Certificate.loadPEM((files / "roots" / "root.pem").read_bytes())
    server = tls.PrivateCertificate.loadPEM((files / "server.pem").read_bytes())

    def listening(reactor: Any) -> Any:
        return SSL4ServerEndpoint(reactor, 0, server.options(root), interface="127.0.0.1")

    both = f":certificate={files}/client.cert.pem:privateKey={files}/client.key.pem"
    assert ask(listening, tls_client(files, both)) == server
    assert ask(listening, tls_client(files, f":certificate={files}/client.pem")) == server
    with pytest.raises(TLSError, match="was asked for and not given"):
        ask(listening, tls_client(files))


def test_contexts_of_the_standard_library(files: Path) -> None:
    """Whatever takes options takes an `ssl.SSLContext`; it is verified against the host that is connected to."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(files / "server.pem")
    client = ssl.create_default_context(cafile=files / "roots" / "root.pem")

    def listening(reactor: Any) -> Any:
        return wrapServerTLS(server, TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"))

    def connecting(host: str) -> Callable[[Any, int], Any]:
        return lambda reactor, port: wrapClientTLS(client, HostnameEndpoint(reactor, host, port))

    assert ask(listening, connecting("localhost"))
    with pytest.raises(PeerCertificateError) as caught:
        ask(listening, connecting("127.0.0.1"))
    assert caught.value.problem == "wrong-host"
