"""Whom the client believes: the authorities that it was given, all of them and no others."""

from __future__ import annotations

from typing import Any

import pytest
import trustme

import selvage
from selvage.interfaces import implementer
from selvage.tls import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from selvage.web.client import (
    Agent,
    BrowserLikePolicyForHTTPS,
    Client,
    HostnameCachingHTTPSPolicy,
    HTTPConnectionPool,
    ResponseNeverReceived,
    readBody,
)
from selvage.web.interfaces import IPolicyForHTTPS
from selvage.web.resource import Resource
from selvage.web.server import Site

GIVEN = trustme.CA(key_type=trustme.KeyType.ECDSA)
OF_THE_PLATFORM = trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture(autouse=True)
def platform(tmp_path, monkeypatch):
    """Have the platform trust the one authority."""
    file = tmp_path / "platform.pem"
    file.write_bytes(OF_THE_PLATFORM.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))


def given_root() -> Any:
    return trustRootFromCertificates([Certificate.loadPEM(GIVEN.cert_pem.bytes())])


def options_of(authority: trustme.CA) -> CertificateOptions:
    """Return a server's options, signed by an authority."""
    made = authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA)
    return PrivateCertificate.loadPEM(made.private_key_and_cert_chain_pem.bytes()).options()


class Hello(Resource):
    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        return b"hello"


async def by_agent(policy: Any, port: int, pool: Any = None) -> bytes:
    agent = Agent(selvage.get_reactor(), policy, pool=pool)
    return await readBody(await agent.request(b"GET", b"https://localhost:%d/" % port))


async def by_client(policy: Any, port: int) -> bytes:
    async with Client(policy=policy, proxy=False) as client:
        return (await client.get(f"https://localhost:{port}/")).content


@implementer(IPolicyForHTTPS)
class Own:
    """A policy of a program's own, on `optionsForClientTLS`."""

    def __init__(self, trustRoot: Any) -> None:
        self._root = trustRoot

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        return optionsForClientTLS(hostname.decode("ascii"), trustRoot=self._root)


def cached(trustRoot: Any) -> Any:
    return HostnameCachingHTTPSPolicy(BrowserLikePolicyForHTTPS(trustRoot))


async def answer_of(ask: Any, policy: Any, authority: trustme.CA) -> Any:
    """Ask a server whose certificate an authority has signed; return what comes back, or the error."""
    site = Site(Hello())
    port = selvage.get_reactor().listenSSL(0, site, options_of(authority), interface="127.0.0.1")
    try:
        return await ask(policy, port.getHost().port)
    except Exception as error:
        return error
    finally:
        await port.stopListening()


def is_refused(answer: Any) -> bool:
    """Tell whether it is an error that names a certificate of an authority that is not known."""
    words = f"{answer} {getattr(answer, 'reasons', '')}"
    return isinstance(answer, Exception) and "unable to get local issuer certificate" in words


@pytest.mark.parametrize("ask", [by_agent, by_client])
@pytest.mark.parametrize("make", [BrowserLikePolicyForHTTPS, cached, Own])
def test_attack_076_a_trust_root_is_not_ignored(ask, make):
    async def main():
        policy = make(given_root())
        assert await answer_of(ask, policy, GIVEN) == b"hello"
        assert is_refused(await answer_of(ask, policy, OF_THE_PLATFORM)), "it was added, not given"

    selvage.run(main)


@pytest.mark.parametrize("ask", [by_agent, by_client])
@pytest.mark.parametrize("make", [BrowserLikePolicyForHTTPS, cached, Own])
def test_attack_076_without_a_trust_root_it_is_the_platforms(ask, make):
    async def main():
        assert await answer_of(ask, make(None), OF_THE_PLATFORM) == b"hello"
        assert is_refused(await answer_of(ask, make(None), GIVEN))

    selvage.run(main)


def test_attack_076_two_policies_are_not_taken_for_each_other():
    """One pool for two agents, and one process for two clients: what the one trusts is nothing to the other."""

    async def main():
        pool = HTTPConnectionPool(selvage.get_reactor())

        def ask(policy: Any, port: int) -> Any:
            return by_agent(policy, port, pool)

        site = Site(Hello())
        server = selvage.get_reactor().listenSSL(0, site, options_of(GIVEN), interface="127.0.0.1")
        port = server.getHost().port
        assert await ask(BrowserLikePolicyForHTTPS(given_root()), port) == b"hello"
        with pytest.raises(ResponseNeverReceived) as caught:
            await ask(BrowserLikePolicyForHTTPS(), port)
        assert is_refused(caught.value)
        await pool.closeCachedConnections()
        await server.stopListening()

    selvage.run(main)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_attack_076_a_proxy_has_to_prove_itself_too(scheme):
    async def ask(policy: Any, port: int) -> Any:
        async with Client(policy=policy, proxy=f"https://localhost:{port}") as client:
            return (await client.get(f"{scheme}://example.com/")).content

    async def main():
        policy = BrowserLikePolicyForHTTPS(given_root())
        refused = await answer_of(ask, policy, OF_THE_PLATFORM)
        assert is_refused(refused) and refused.stage == ("handshake" if scheme == "http" else "connect")
        # Site is no proxy: for a URL of http, which it answers all the same, that shows that it is believed.
        believed = await answer_of(ask, policy, GIVEN)
        assert believed == b"hello" if scheme == "http" else believed.stage == "connect"

    selvage.run(main)
