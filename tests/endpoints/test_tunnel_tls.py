"""TLS to a proxy, and TLS through it to the target: each verifies whom it talks to."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

PROGRAM = r"""
import datetime, socket, subprocess, sys, time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from selvage.endpoints import SOCKS5ClientEndpoint
from twisted.internet import defer, ssl, task
from twisted.internet.endpoints import (
    HostnameEndpoint, TCP4ServerEndpoint, connectProtocol, wrapClientTLS, wrapServerTLS
)
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.portforward import ProxyFactory


def certificate(name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ssl.PrivateCertificate.loadPEM(made.public_bytes(pem) + private)


class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


class Client(Protocol):
    def __init__(self):
        self.ended = defer.Deferred()
        self.received = b""

    def connectionMade(self):
        self.transport.write(b"x" * 100_000)

    def dataReceived(self, data):
        self.received += data
        if len(self.received) == 100_000:
            self.transport.loseConnection()

    def connectionLost(self, reason):
        self.ended.callback(len(self.received))


async def main(reactor, socks):
    target, gate = certificate("localhost"), certificate("proxy.test")
    def listen(own, factory):
        return wrapServerTLS(own.options(), TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")).listen(factory)
    served = await listen(target, Factory.forProtocol(Echo))
    front = await listen(gate, ProxyFactory("127.0.0.1", socks))

    def tls(name, authority, over):
        trust = ssl.trustRootFromCertificates([authority])
        return wrapClientTLS(ssl.optionsForClientTLS(name, trustRoot=trust), over)

    for proxy_name, target_name in (("proxy.test", "localhost"), ("other.test", "localhost"), ("proxy.test", "other.test")):
        raw = HostnameEndpoint(reactor, "127.0.0.1", front.getHost().port)
        tunnel = SOCKS5ClientEndpoint(reactor, tls(proxy_name, gate, raw), "localhost", served.getHost().port)
        client = Client()
        try:
            await connectProtocol(tls(target_name, target, tunnel), client)
        except Exception as error:
            print(type(error).__name__, "other.test" in str(error))
        else:
            print(await client.ended)


with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
process = subprocess.Popen(["microsocks", "-i", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
try:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    task.react(lambda reactor: defer.ensureDeferred(main(reactor, port)))
finally:
    process.kill()
    process.wait()
"""


@pytest.mark.slow
@pytest.mark.external("microsocks")
def test_attack_076_the_proxy_and_the_target_are_both_verified() -> None:
    if shutil.which("microsocks") is None:
        pytest.skip("microsocks is not installed (apt-get install microsocks)")
    done = subprocess.run(
        [sys.executable, "-m", "selvage", "twisted", "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    good, wrong_proxy, wrong_target = done.stdout.splitlines()
    assert good == "100000", done.stderr
    assert wrong_proxy == "ProxyConnectionError True", done.stderr
    # The tunnel stands; what fails is the TLS within it.
    assert wrong_target == "0", done.stderr
