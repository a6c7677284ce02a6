"""The client and TLS, with servers of Python's `ssl` and nginx: who is believed, and what is agreed."""

from __future__ import annotations

import datetime
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

import selvage
from selvage.defer import gatherResults
from selvage.endpoints import HostnameEndpoint, wrapClientTLS
from selvage.tls import Certificate, trustRootFromCertificates
from selvage.web.client import Agent, BrowserLikePolicyForHTTPS, Client, RequestError, readBody
from tests.endpoints.test_real_proxies import start as start, tinyproxy
from tests.foreign import free_port, wait_until_listening

pytestmark = pytest.mark.slow


def has_tls() -> bool:
    try:
        wrapClientTLS(object(), HostnameEndpoint(selvage.get_reactor(), "h", 1))
    except NotImplementedError:
        return False
    return True


if not has_tls():  # pragma: no cover
    pytest.skip("the endpoints' TLS is not native yet", allow_module_level=True)

AUTHORITY = trustme.CA()
STRANGER = trustme.CA()

# Who answers under which name: the certificate that it shows.
CERTIFICATES = {
    "right": AUTHORITY.issue_cert("localhost", "127.0.0.1"),
    "other host": AUTHORITY.issue_cert("example.com"),
    "unknown authority": STRANGER.issue_cert("localhost", "127.0.0.1"),
    "expired": AUTHORITY.issue_cert(
        "localhost", not_after=datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC)
    ),
}


def policy(*protocols: bytes) -> BrowserLikePolicyForHTTPS:
    root = trustRootFromCertificates([Certificate.loadPEM(AUTHORITY.cert_pem.bytes())])
    return BrowserLikePolicyForHTTPS(root, protocols=protocols)


async def serve(certificate: Any) -> Any:
    """Serve "hello" over https in this process; return the server of aiohttp and its port."""
    from aiohttp import web

    async def hello(request: Any) -> Any:
        return web.Response(text="hello")

    application = web.Application()
    application.add_routes([web.get("/", hello)])
    runner = web.AppRunner(application)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    return runner, runner.addresses[0][1]


def test_both_faces_over_https():
    async def main():
        runner, port = await serve(CERTIFICATES["right"])
        async with Client(policy=policy(), proxy=False) as client:
            for host in ("localhost", "127.0.0.1"):
                assert (await client.get(f"https://{host}:{port}/")).text == "hello"
        response = await Agent(selvage.get_reactor(), policy()).request(
            b"GET", b"https://localhost:%d/" % port
        )
        assert await readBody(response) == b"hello"
        await runner.cleanup()

    selvage.run(main)


@pytest.mark.parametrize("which", ["other host", "unknown authority", "expired"])
def test_attack_076_servers_that_do_not_prove_who_they_are(which):
    async def main():
        runner, port = await serve(CERTIFICATES[which])
        async with Client(policy=policy(), proxy=False) as client:
            with pytest.raises(RequestError) as caught:
                await client.get(f"https://localhost:{port}/?secret", headers={"Cookie": "secret"})
        assert caught.value.stage == "handshake"
        assert "secret" not in str(caught.value)
        await runner.cleanup()

    selvage.run(main)


def test_attack_076_the_platforms_authorities_are_the_default():
    async def main():
        runner, port = await serve(CERTIFICATES["right"])
        async with Client(proxy=False) as client:
            with pytest.raises(RequestError) as caught:
                await client.get(f"https://localhost:{port}/")
        assert caught.value.stage == "handshake"
        await runner.cleanup()

    selvage.run(main)


def test_plain_http_on_a_port_for_tls_and_the_other_way_round():
    async def main():
        runner, port = await serve(CERTIFICATES["right"])
        from selvage.web.resource import Resource
        from selvage.web.server import Site

        plain = selvage.get_reactor().listenTCP(0, Site(Resource()), interface="127.0.0.1")
        async with Client(policy=policy(), proxy=False) as client:
            with pytest.raises(RequestError) as caught:
                await client.get(f"https://localhost:{plain.getHost().port}/")
            assert caught.value.stage == "handshake"
            with pytest.raises(RequestError) as caught:
                await client.get(f"http://localhost:{port}/")
            assert caught.value.stage == "response"
        await plain.stopListening()
        await runner.cleanup()

    selvage.run(main)


def test_attack_074_076_through_a_proxy_it_is_the_server_that_proves_itself(start, tmp_path):
    web = tinyproxy(start, tmp_path, "BasicAuth user secret")

    async def main():
        for which, good in (("right", True), ("other host", False)):
            runner, port = await serve(CERTIFICATES[which])
            async with Client(policy=policy(), proxy=f"http://user:secret@127.0.0.1:{web}") as client:
                if good:
                    assert (await client.get(f"https://localhost:{port}/")).text == "hello"
                else:
                    with pytest.raises(RequestError) as caught:
                        await client.get(f"https://localhost:{port}/")
                    assert caught.value.stage == "handshake"
            await runner.cleanup()

    selvage.run(main)


@pytest.fixture
def nginx(tmp_path) -> Iterator[int]:
    """An nginx that speaks HTTP/2; yields its port."""
    program = shutil.which("nginx")
    if program is None:
        pytest.skip("nginx is not installed (apt-get install nginx)")
    port = free_port()
    certificate = CERTIFICATES["right"]
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "pem"))
    (tmp_path / "large").write_bytes(bytes(range(256)) * 20_000)
    user = "" if os.geteuid() else "user root;"
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"""
        {user} daemon off; worker_processes 1; pid {tmp_path}/pid; error_log {tmp_path}/error.log;
        events {{ worker_connections 100; }}
        http {{
            access_log off; root {tmp_path}; {temporary} client_max_body_size 10m;
            server {{
                listen 127.0.0.1:{port} ssl http2; ssl_certificate {tmp_path}/pem; ssl_certificate_key {tmp_path}/pem;
                location /hello {{ return 200 "$server_protocol $request_method"; }}
            }}
        }}
        """
    )
    process = subprocess.Popen(
        [program, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path), "-e", f"{tmp_path}/error.log"],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_listening(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.mark.external("nginx")
def test_http2_with_nginx(nginx: int, tmp_path: Path):
    large = (tmp_path / "large").read_bytes()

    async def main():
        url = f"https://localhost:{nginx}"
        async with Client(policy=policy(b"h2", b"http/1.1"), proxy=False) as client:
            first = await client.get(f"{url}/hello")
            assert (first.http_version, first.text) == ("HTTP/2.0", "HTTP/2.0 GET")
            answers = await gatherResults([client.get(f"{url}/hello") for _ in range(200)])
            assert {answer.text for answer in answers} == {"HTTP/2.0 GET"}
            bodies = await gatherResults([client.get(f"{url}/large") for _ in range(5)])
            assert all(body.content == large for body in bodies)
            assert len(client._connections._all) == 1
            assert (await client.post(f"{url}/hello", data=large)).text == "HTTP/2.0 POST"
            assert (await client.head(f"{url}/large")).headers.getRawHeaders("content-length") == [
                str(len(large))
            ]
        async with Client(policy=policy(b"http/1.1"), proxy=False) as client:
            assert (await client.get(f"{url}/hello")).text == "HTTP/1.1 GET"

    selvage.run(main)
