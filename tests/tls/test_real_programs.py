"""TLS with what others have written: curl, OpenSSL's own client and server, and Python's ssl module under httpx."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

import selvage
from selvage.defer import Deferred
from selvage.endpoints import (
    TCP4ServerEndpoint,
    clientFromString,
    connectProtocol,
    quoteStringArgument,
    wrapServerTLS,
)
from selvage.errors import PeerCertificateError, TLSError
from selvage.failure import Failure
from selvage.protocols import Factory, Protocol
from selvage.reactor import deferToThread, get_reactor
from selvage.tls import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    SNIConnectionCreator,
    autoReloadingDirectoryOfPEMs,
)
from tests.foreign import PATIENCE_S, free_port, run, wait_until_listening

from .conftest import Issue

pytestmark = pytest.mark.slow


curl = pytest.mark.external("curl")
openssl = pytest.mark.external("openssl")


@pytest.fixture(autouse=True)
def needed(request: pytest.FixtureRequest) -> None:
    for mark in request.node.iter_markers("external"):
        if shutil.which(mark.args[0]) is None:
            pytest.skip(f"{mark.args[0]} is not installed")


@pytest.fixture
def root_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "root.pem"
    path.write_bytes(authority.cert_pem.bytes())
    return path


class Answering(Protocol):
    """As much of an HTTP server as curl needs; tells what was negotiated and who asks."""

    received = b""

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if b"\r\n\r\n" in self.received:
            transport: Any = self.transport
            try:
                client = Certificate.peerFromTransport(transport).getSubject().get("commonName", b"?")
            except selvage.errors.CertificateError:
                client = b"nobody"
            body = b"%s %s\n" % (transport.negotiatedProtocol or b"-", client)
            transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
            )
            transport.loseConnection()


def serve(options: Any, ask: Callable[[int], Any]) -> Any:
    """Listen with TLS, and call `ask` with the port in a thread; returns its result."""

    async def main() -> Any:
        endpoint = wrapServerTLS(options, TCP4ServerEndpoint(get_reactor(), 0, interface="127.0.0.1"))
        port = await endpoint.listen(Factory.forProtocol(Answering))
        try:
            return await deferToThread(ask, port.getHost().port)
        finally:
            await port.stopListening()

    return selvage.run(main)


def curled(host: str, root: Path, *more: object) -> Callable[[int], subprocess.CompletedProcess[str]]:
    def ask(port: int) -> subprocess.CompletedProcess[str]:
        name = host.strip("[]")
        return run(
            "curl",
            "-sS",
            "--cacert",
            root,
            "--resolve",
            f"{name}:{port}:127.0.0.1",
            *more,
            f"https://{host}:{port}/",
            text=True,
        )

    return ask


# --- curl as the client ----------------------------------------------------------------------------------------------


@curl
@pytest.mark.parametrize("library", ["standard", "pyOpenSSL"])
def test_curl_and_the_right_host(issue: Issue, root_file: Path, library: str) -> None:
    options = issue("example.com").options()
    if library == "pyOpenSSL":
        options.getContext()
    done = serve(options, curled("example.com", root_file))
    assert (done.returncode, done.stdout) == (0, "- nobody\n"), done.stderr


@curl
def test_curl_and_the_wrong_host(issue: Issue, root_file: Path) -> None:
    done = serve(issue("example.org").options(), curled("example.com", root_file))
    assert done.returncode == 60
    assert "no alternative certificate subject name matches target host name" in done.stderr


@curl
@pytest.mark.parametrize("kind", ["expired", "self-signed"])
def test_curl_and_a_certificate_that_is_not_good(issue: Issue, root_file: Path, kind: str) -> None:
    if kind == "expired":
        pair = issue("example.com", expired=True)
    else:
        own = trustme.CA()
        pair = PrivateCertificate.loadPEM(own.cert_pem.bytes() + own.private_key_pem.bytes())
    done = serve(pair.options(), curled("example.com", root_file))
    assert done.returncode == 60
    assert kind.replace("-", " ") in done.stderr.replace("-", " ")


@curl
def test_curl_and_an_address(issue: Issue, root_file: Path) -> None:
    done = serve(issue("127.0.0.1").options(), curled("127.0.0.1", root_file))
    assert done.returncode == 0, done.stderr


@curl
def test_curl_and_a_name_in_another_script(issue: Issue, root_file: Path) -> None:
    done = serve(issue("xn--bcher-kva.example").options(), curled("xn--bcher-kva.example", root_file))
    assert done.returncode == 0, done.stderr


@curl
def test_curl_and_alpn(issue: Issue, root_file: Path) -> None:
    pair = issue("example.com")
    options = CertificateOptions(
        privateKey=pair.privateKey, certificate=pair, acceptableProtocols=[b"http/1.1"]
    )
    assert serve(options, curled("example.com", root_file)).stdout == "http/1.1 nobody\n"


@curl
def test_curl_and_versions(issue: Issue, root_file: Path) -> None:
    options = issue("example.com").options()
    assert serve(options, curled("example.com", root_file, "--tls-max", "1.2")).returncode == 0
    refused = serve(
        options, curled("example.com", root_file, "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0")
    )
    assert refused.returncode == 35
    assert "alert protocol version" in refused.stderr


@curl
def test_curl_and_client_certificates(
    issue: Issue, root: Certificate, authority: trustme.CA, root_file: Path, tmp_path: Path
) -> None:
    made = authority.issue_cert("client.example", common_name="the client")
    made.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
    stranger = trustme.CA().issue_cert("client.example")
    stranger.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "stranger.pem"))
    options = issue("example.com").options(root)
    known = serve(options, curled("example.com", root_file, "--cert", tmp_path / "client.pem"))
    assert (known.returncode, known.stdout) == (0, "- the client\n"), known.stderr
    unknown = serve(options, curled("example.com", root_file, "--cert", tmp_path / "stranger.pem"))
    assert unknown.returncode != 0
    assert "unknown ca" in unknown.stderr
    none = serve(options, curled("example.com", root_file))
    assert none.returncode != 0
    assert "certificate required" in none.stderr


@curl
def test_curl_and_two_names_that_change(issue: Issue, root_file: Path, tmp_path: Path) -> None:
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    (certificates / "one.pem").write_bytes(issue("one.example").dumpPEM())
    directory = autoReloadingDirectoryOfPEMs(certificates)

    def ask(port: int) -> list[int]:
        codes = [curled(host, root_file)(port).returncode for host in ("one.example", "two.example")]
        (certificates / "two.pem").write_bytes(issue("two.example").dumpPEM())
        directory._looked_at -= 60  # a minute later
        return codes + [curled(host, root_file)(port).returncode for host in ("one.example", "two.example")]

    assert serve(SNIConnectionCreator(directory), ask) == [0, 35, 0, 0]


# --- OpenSSL's client and Python's -----------------------------------------------------------------------------------


@openssl
def test_openssl_s_client(issue: Issue, root_file: Path) -> None:
    pair = issue("example.com")
    options = CertificateOptions(
        privateKey=pair.privateKey, certificate=pair, acceptableProtocols=[b"h2", b"x"]
    )

    def ask(port: int) -> subprocess.CompletedProcess[str]:
        return run(
            *("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "example.com"),
            *("-CAfile", root_file, "-verify_hostname", "example.com", "-verify_return_error"),
            *("-alpn", "x,h2", "-no_ign_eof"),
            text=True,
        )

    said = serve(options, ask).stdout
    assert "Verify return code: 0 (ok)" in said
    assert "ALPN protocol: h2" in said
    assert "TLSv1.3" in said
    assert "Compression: NONE" in said


@openssl
def test_attack_108_openssl_asks_for_another_handshake(issue: Issue) -> None:
    """TLS 1.2 with "R" in the input makes s_client renegotiate."""
    options = issue("example.com").options()

    def ask(port: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2"],
            input="R\n",
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    done = serve(options, ask)
    assert "no renegotiation" in done.stderr


def test_httpx(issue: Issue, root_file: Path) -> None:
    context = ssl.create_default_context(cafile=str(root_file))
    for address, expected in (("127.0.0.1", 200), ("localhost", None)):

        def ask(port: int, address: str = address) -> int | None:
            try:
                answer = httpx.get(
                    f"https://{address}:{port}/", verify=context, timeout=PATIENCE_S, trust_env=False
                )
            except httpx.ConnectError as error:
                assert "Hostname mismatch" in str(error)
                return None
            return answer.status_code

        assert serve(issue("127.0.0.1").options(), ask) == expected


# --- OpenSSL's server ------------------------------------------------------------------------------------------------


class Asking(Protocol):
    """Asks for a page; fires with what was negotiated and the page, or fails as the connection does."""

    def __init__(self) -> None:
        self.done: Deferred[Any] = Deferred()
        self.received = b""

    def connectionMade(self) -> None:
        self.transport.write(b"GET / HTTP/1.0\r\n\r\n")  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        if not self.received:
            self.negotiated = self.transport.negotiatedProtocol  # type: ignore[union-attr]
        self.received += data

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        if self.received:
            self.done.callback((self.negotiated, self.received))
        else:
            self.done.errback(reason)


Serve = Callable[..., int]


@pytest.fixture
def s_server(tmp_path: Path) -> Iterator[Serve]:
    """Start `openssl s_server` with a certificate; returns its port."""
    running: list[subprocess.Popen[bytes]] = []

    def start(pair: PrivateCertificate, *more: object) -> int:
        file = tmp_path / f"server-{len(running)}.pem"
        file.write_bytes(pair.dumpPEM())
        port = free_port()
        process = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(file), "-www"]
            + [str(word) for word in more],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        running.append(process)
        wait_until_listening(port, process)
        return port

    yield start
    for process in running:
        process.kill()
        process.wait()


def fetch(port: int, root: Path, host: str = "example.com", more: str = "") -> tuple[bytes | None, bytes]:
    """Connect by a description and ask for a page."""
    trust = root.parent / "trust"
    trust.mkdir(exist_ok=True)
    (trust / "root.pem").write_bytes(root.read_bytes())

    async def main() -> Any:
        inner = quoteStringArgument(f"tcp:127.0.0.1:{port}")
        name = quoteStringArgument(host)
        endpoint = clientFromString(
            get_reactor(), f"tls:{name}:{port}:trustRoots={trust}:endpoint={inner}{more}"
        )
        protocol: Any = await connectProtocol(endpoint, Asking())
        return await protocol.done

    result: tuple[bytes | None, bytes] = selvage.run(main)
    return result


@openssl
@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("example.com", "example.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("xn--bcher-kva.example", "bücher.example"),
    ],
)
def test_openssl_s_server(s_server: Serve, issue: Issue, root_file: Path, name: str, host: str) -> None:
    _, page = fetch(s_server(issue(name)), root_file, host)
    assert page.startswith(b"HTTP/1.0 200")


@openssl
def test_openssl_s_server_that_is_not_who_it_should_be(
    s_server: Serve, issue: Issue, root_file: Path
) -> None:
    own = trustme.CA()
    for pair, problem in (
        (issue("example.org"), "wrong-host"),
        (issue("127.0.0.1"), "wrong-host"),
        (issue("example.com", expired=True), "expired"),
        (PrivateCertificate.loadPEM(own.cert_pem.bytes() + own.private_key_pem.bytes()), "self-signed"),
        (
            PrivateCertificate.loadPEM(own.issue_cert("example.com").private_key_and_cert_chain_pem.bytes()),
            "unknown-authority",
        ),
    ):
        with pytest.raises(PeerCertificateError) as caught:
            fetch(s_server(pair), root_file)
        assert caught.value.problem == problem
        assert "example.com" in str(caught.value)


@openssl
def test_openssl_s_server_that_wants_to_know_the_client(
    s_server: Serve, issue: Issue, root_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "client.pem").write_bytes(issue("client.example").dumpPEM())
    port = s_server(issue("example.com"), "-Verify", "1", "-verify_return_error", "-CAfile", root_file)
    _, page = fetch(port, root_file, more=f":certificate={tmp_path}/client.pem")
    assert page.startswith(b"HTTP/1.0 200")
    with pytest.raises(TLSError, match="was asked for and not given"):
        fetch(port, root_file)
