"""TLS with programs of others: openssl, curl, and the standard library's blocking sockets."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selvage.errors import ConnectionClosed, ConnectionDone, PeerCertificateError
from selvage.protocols import Protocol
from selvage.protocols.basic import LineReceiver

from .certificates import HOST, authority, certificate, client_context, server_context, trusting_nobody
from .helpers import Recorder, Recording, end

#: Seconds for a program that was started to say something.
PATIENCE_S = 20


@pytest.fixture
def authority_file(tmp_path: Path) -> str:
    authority().cert_pem.write_to_path(tmp_path / "authority.pem")
    return str(tmp_path / "authority.pem")


@pytest.fixture
def certificate_file(tmp_path: Path) -> str:
    certificate().private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    return str(tmp_path / "server.pem")


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


async def call(*command: str, said: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end, and let the loop go on meanwhile."""

    def run_it() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(command, input=said, capture_output=True, timeout=PATIENCE_S, check=False)

    return await asyncio.get_running_loop().run_in_executor(None, run_it)


class Upper(LineReceiver):
    """Answers a line in capitals, and closes."""

    delimiter = b"\n"

    def connectionMade(self):
        self.reasons = []

    def lineReceived(self, line):
        self.sendLine(line.upper())
        self.transport.loseConnection()

    def connectionLost(self, reason):
        self.reasons.append(reason.value)
        self.factory._tell("lost")


@pytest.mark.slow
@pytest.mark.external("openssl")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_as_client(reactor, run, authority_file, version):
    openssl = program("openssl")

    async def main():
        factory = Recording(Upper)
        port = reactor.listenSSL(0, factory, server_context(), interface="127.0.0.1")
        done = await call(
            openssl, "s_client", "-connect", f"127.0.0.1:{port.getHost().port}", "-servername", HOST, "-quiet", version,
            "-CAfile", authority_file, "-verify_return_error", "-verify_hostname", HOST, said=b"hello\n",
        )  # fmt: skip
        assert done.stdout == b"HELLO\n", done.stderr
        assert done.returncode == 0
        await factory.logged(3)
        assert type(factory.protocols[0].reasons[0]) is ConnectionDone
        await end(port)

    run(main, PATIENCE_S)


@pytest.mark.slow
@pytest.mark.external("openssl")
def test_attack_108_renegotiation_is_refused(reactor, run, authority_file):
    """TLS 1.2 lets a client ask for new keys again and again, which costs the server more than the client."""
    openssl = program("openssl")

    async def main():
        factory = Recording(Recorder)
        port = reactor.listenSSL(0, factory, server_context(), interface="127.0.0.1")
        done = await call(
            openssl, "s_client", "-connect", f"127.0.0.1:{port.getHost().port}", "-servername", HOST, "-tls1_2",
            "-CAfile", authority_file, said=b"R\n" * 20,
        )  # fmt: skip
        assert b"RENEGOTIATING" in done.stdout + done.stderr
        assert b"no renegotiation" in done.stdout + done.stderr
        server = await factory.next()
        assert isinstance(await server.lost(), ConnectionClosed)
        again = await call(
            openssl,
            "s_client",
            "-connect",
            f"127.0.0.1:{port.getHost().port}",
            "-tls1_2",
            "-CAfile",
            authority_file,
        )
        assert b"Verify return code: 0 (ok)" in again.stdout
        await (await factory.next(1)).lost()
        await end(port)

    run(main, PATIENCE_S)


@pytest.fixture
def openssl_server(certificate_file: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`openssl s_server`, which sends each line back reversed."""
    openssl = program("openssl")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    with subprocess.Popen(
        [openssl, "s_server", "-accept", f"127.0.0.1:{number}", "-cert", certificate_file, "-rev"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            assert process.stdout is not None
            while line := process.stdout.readline():
                if line.startswith(b"ACCEPT"):
                    break
            yield process, number
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.external("openssl")
def test_openssl_as_server(reactor, run, openssl_server):
    _process, number = openssl_server

    async def main():
        clients = Recording()
        reactor.connectSSL("127.0.0.1", number, clients, client_context(), server_hostname=HOST)
        client = await clients.next()
        client.transport.write(b"hello\n")
        assert await client.got(6) == b"olleh\n"
        assert client.transport.tls_facts.version == "TLSv1.3"
        client.transport.loseConnection()
        assert type(await client.lost()) is ConnectionDone
        suspicious = Recording()
        reactor.connectSSL("127.0.0.1", number, suspicious, client_context(), server_hostname="example.com")
        error = await (await suspicious.next()).lost()
        assert isinstance(error, PeerCertificateError)
        assert error.problem == "wrong-host"

    run(main, PATIENCE_S)


class OneAnswer(Protocol):
    """As much of HTTP as curl needs."""

    def dataReceived(self, data):
        if data.endswith(b"\r\n\r\n"):
            self.transport.write(b"HTTP/1.0 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000)
            self.transport.loseConnection()


@pytest.mark.slow
@pytest.mark.external("curl")
def test_curl(reactor, run, authority_file):
    curl = program("curl")

    async def main():
        port = reactor.listenSSL(0, Recording(OneAnswer), server_context(), interface="127.0.0.1")
        url = f"https://{HOST}:{port.getHost().port}/"
        resolved = f"{HOST}:{port.getHost().port}:127.0.0.1"
        done = await call(
            curl, "--silent", "--show-error", "--cacert", authority_file, "--resolve", resolved, url
        )
        assert done.stdout == b"x" * 100_000, done.stderr
        refused = await call(curl, "--silent", "--show-error", "--resolve", resolved, url)
        assert refused.returncode == 60, refused.stderr  # the authority is not known
        await end(port)

    run(main, PATIENCE_S)


def test_blocking_sockets_of_the_standard_library(reactor, run):
    async def main():
        factory = Recording(Upper)
        port = reactor.listenSSL(0, factory, server_context(), interface="127.0.0.1")

        def talk() -> tuple[bytes, Any]:
            with (
                socket.create_connection(("127.0.0.1", port.getHost().port), PATIENCE_S) as plain,
                client_context().wrap_socket(plain, server_hostname=HOST) as sock,
            ):
                sock.sendall(b"hello\n")
                answer = b""
                while piece := sock.recv(100):
                    answer += piece
                return answer, sock.version()

        assert await asyncio.get_running_loop().run_in_executor(None, talk) == (b"HELLO\n", "TLSv1.3")
        await factory.logged(3)
        await end(port)

    run(main, PATIENCE_S)


def test_streams_of_asyncio(reactor, run):
    """The same loop serves both: one speaks TLS by the loop, the other by Selvage."""

    async def main():
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(5))
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_context())
        clients = Recording()
        reactor.connectSSL(*server.sockets[0].getsockname(), clients, trusting_nobody())
        client = await clients.next()
        client.transport.write(b"hello")
        assert await client.got(5) == b"hello"
        assert type(await client.lost()) is ConnectionDone
        server.close()

    run(main)
