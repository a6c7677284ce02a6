"""A site behind nginx and behind HAProxy, as it stands in production."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from selvage.defer import ensureDeferred, gatherResults
from selvage.reactor import deferToThread
from selvage.tasks import Clock
from selvage.web.server import Limits
from tests.foreign import PATIENCE_S, program, run
from tests.transports.certificates import certificate, client_context

from .application import LARGE, MIB, STREAM, TEXT, serving, until
from .fronts import in_front

httpx = pytest.importorskip("httpx")
websockets = pytest.importorskip("websockets")

pytestmark = [pytest.mark.slow, pytest.mark.selvage(timeout=120)]

FRONTS = [
    pytest.param("nginx", marks=pytest.mark.external("nginx")),
    pytest.param("haproxy", marks=pytest.mark.external("haproxy")),
]
both = pytest.mark.parametrize("kind", FRONTS)
haproxy = pytest.mark.external("haproxy")


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    """Make folders, each for one part of the test."""

    def make(name: str) -> Path:
        made = tmp_path / name
        made.mkdir()
        return made

    return make


@pytest.fixture
def site(folder: Any) -> Any:
    return lambda *args, **options: serving(folder("files"), *args, **options)


@pytest.fixture
def front(folder: Any) -> Any:
    return lambda kind, *args: in_front(kind, folder(kind), *args)


def client(**options: Any) -> Any:
    """A client that knows nothing of this machine's proxies."""
    return httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S, verify=client_context(), **options)


@both
async def test_many_requests_over_few_connections(kind, site, front):
    async with site() as served, front(kind, served.number) as proxy, client() as asking:
        for _ in range(5):
            answers = await gatherResults(
                [ensureDeferred(asking.get(f"{proxy.plain}/hello")) for _ in range(20)]
            )
            assert [(answer.status_code, answer.text) for answer in answers] == [(200, "hello")] * 20
        # Never more than there were at once; without keeping them it would be a hundred.
        assert 1 <= served.site.connections <= 20


@both
async def test_forwarded_headers_are_seen_and_not_believed(kind, site, front):
    async with site() as served, front(kind, served.number) as proxy, client() as asking:
        lied = {"X-Forwarded-For": "203.0.113.9"}
        seen = (await asking.get(f"{proxy.plain}/who", headers=lied)).json()
    assert "203.0.113.9" in " ".join(seen["forwarded"])
    assert "127.0.0.1" in " ".join(seen["forwarded"])
    assert (seen["client"], seen["version"], seen["secure"]) == ("127.0.0.1", "HTTP/1.1", False)


@haproxy
@pytest.mark.parametrize(
    "server", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options unique-id,crc32c"]
)
async def test_the_address_of_the_client_by_the_proxy_protocol(site, front, server):
    async with (
        site("haproxy:tcp:0:interface=127.0.0.1") as served,
        front("haproxy", served.number, server) as proxy,
        client(transport=httpx.AsyncHTTPTransport(local_address="127.0.0.5")) as five,
        client(transport=httpx.AsyncHTTPTransport(local_address="127.0.0.6")) as six,
    ):
        seen = [(await asking.get(f"{proxy.plain}/who")).json() for asking in (five, six, five, five)]
        connections = served.site.connections
    assert [each["client"] for each in seen] == ["127.0.0.5", "127.0.0.6", "127.0.0.5", "127.0.0.5"]
    assert seen[0]["connection"] == seen[2]["connection"] == seen[3]["connection"] != seen[1]["connection"]
    assert connections == 2


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body whose length nobody knows before."""
    for start in range(0, len(body), 100_000):
        yield body[start : start + 100_000]


@both
@pytest.mark.parametrize("face", ["plain", "unbuffered", "secure"])
@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in chunks"])
async def test_a_large_upload(kind, site, front, face, chunked):
    async with site() as served, front(kind, served.number) as proxy, client(http2=True) as asking:
        body = in_pieces(LARGE) if chunked else LARGE
        answer = await asking.put(f"{getattr(proxy, face)}/upload", content=body)
        told = answer.json()
        after = await asking.get(f"{getattr(proxy, face)}/hello")
    assert (told["size"], told["sha256"]) == (len(LARGE), hashlib.sha256(LARGE).hexdigest())
    assert (told["coding"] == "chunked") == (told["length"] is None)
    if chunked and face == "unbuffered":
        assert told["coding"] == "chunked"
    assert after.text == "hello"


@both
@pytest.mark.parametrize("face", ["plain", "unbuffered", "secure"])
@pytest.mark.parametrize(
    ("path", "content"), [("files/large.bin", LARGE), ("stream", STREAM)], ids=["file", "stream"]
)
async def test_a_large_download(kind, site, front, face, path, content):
    async with site() as served, front(kind, served.number) as proxy, client(http2=True) as asking:
        answer = await asking.get(f"{getattr(proxy, face)}/{path}")
        assert answer.status_code == 200
        assert answer.content == content
        assert answer.http_version == ("HTTP/2" if face == "secure" else "HTTP/1.1")
        if path != "stream":
            part = await asking.get(f"{getattr(proxy, face)}/{path}", headers={"Range": "bytes=1000-1999"})
            assert (part.status_code, part.content) == (206, content[1000:2000])


@both
async def test_a_client_that_goes_away_takes_its_request_with_it(kind, site, front):
    async with site() as served, front(kind, served.number) as proxy, client() as asking:
        async with asking.stream("GET", f"{proxy.unbuffered}/stream") as answer:
            async for _ in answer.aiter_raw():
                break
        await until(lambda: served.site.open == 0)
        assert (await asking.get(f"{proxy.plain}/hello")).text == "hello"


@both
async def test_many_streams_of_one_h2_connection(kind, site, front):
    async with site() as served, front(kind, served.number) as proxy, client(http2=True) as asking:
        paths = ["hello", "files/text.txt", "who", "compressed"] * 15
        answers = await gatherResults(
            [ensureDeferred(asking.get(f"{proxy.secure}/{path}")) for path in paths]
        )
        assert {(answer.status_code, answer.http_version) for answer in answers} == {(200, "HTTP/2")}
        assert all(
            answer.content == TEXT for answer in answers[1::2] if "json" not in answer.headers["content-type"]
        )


@haproxy
@pytest.mark.parametrize("way", ["over TLS, negotiated", "over TLS, known", "in clear, known"])
async def test_h2_between_proxy_and_site(site, front, folder, way):
    pem = folder("site") / "site.pem"
    pem.write_bytes(certificate().private_key_and_cert_chain_pem.bytes())
    verified = "ssl verify required ca-file authority.pem sni str(localhost)"
    server = {
        "over TLS, negotiated": f"{verified} alpn h2,http/1.1",
        "over TLS, known": f"{verified} alpn h2 proto h2",
        "in clear, known": "proto h2",
    }[way]
    description = "tcp:0" if way == "in clear, known" else f"ssl:0:privateKey={pem}"
    async with (
        site(f"{description}:interface=127.0.0.1") as served,
        front("haproxy", served.number, server) as proxy,
        client(http2=True) as asking,
    ):
        for face in (proxy.plain, proxy.secure):
            seen = (await asking.get(f"{face}/who")).json()
            assert (seen["version"], seen["secure"]) == ("HTTP/2", way != "in clear, known")
            assert (await asking.get(f"{face}/files/large.bin")).content == LARGE
            told = (await asking.put(f"{face}/upload", content=in_pieces(LARGE))).json()
            assert (told["size"], told["sha256"]) == (len(LARGE), hashlib.sha256(LARGE).hexdigest())
        answers = await gatherResults(
            [ensureDeferred(asking.get(f"{proxy.secure}/hello")) for _ in range(50)]
        )
        assert {(answer.status_code, answer.text) for answer in answers} == {(200, "hello")}
        assert served.site.connections < 20


@both
@pytest.mark.parametrize("face", ["plain", "secure"])
async def test_websocket(kind, site, front, face):
    long = "Größe \N{SNOWMAN} " * 20_000
    async with site() as served, front(kind, served.number) as proxy:
        url = getattr(proxy, face).replace("http", "ws", 1)
        secure = {"ssl": client_context()} if face == "secure" else {}
        async with websockets.connect(f"{url}/echo", max_size=None, proxy=None, **secure) as talking:
            for message in ("short", long, b"\x00\xff" * MIB, ""):
                await talking.send(message)
                assert await talking.recv() == message
        assert talking.close_code == 1000
        await until(lambda: served.site.open == 0 or kind == "nginx")


@both
@pytest.mark.external("curl")
async def test_a_client_that_expects_100_continue(kind, site, front, tmp_path):
    (tmp_path / "body").write_bytes(LARGE)
    async with site() as served, front(kind, served.number) as proxy:
        for url in (proxy.plain, proxy.unbuffered):
            done = await deferToThread(
                run, program("curl"), "-sSv", "--noproxy", "*", "--expect100-timeout", PATIENCE_S,
                "-H", "Expect: 100-continue", "-T", tmp_path / "body", f"{url}/upload",
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            assert b"< HTTP/1.1 100" in done.stderr
            assert hashlib.sha256(LARGE).hexdigest().encode() in done.stdout


@both
async def test_what_is_too_large_for_the_site_is_told_as_such(kind, site, front):
    async with (
        site(limits=Limits(body_bytes=MIB)) as served,
        front(kind, served.number) as proxy,
        client() as asking,
    ):
        for face in (proxy.plain, proxy.unbuffered):
            for body in (LARGE, in_pieces(LARGE)):
                answer = await asking.put(f"{face}/upload", content=body)
                assert answer.status_code == 413


@both
async def test_idle_connections_that_the_site_closes_fail_no_request(kind, site, front):
    clock = Clock()
    async with (
        site(reactor=clock, timeout=60) as served,
        front(kind, served.number) as proxy,
        client() as asking,
    ):
        for _ in range(3):
            answers = await gatherResults(
                [ensureDeferred(asking.get(f"{proxy.plain}/hello")) for _ in range(10)]
            )
            assert {answer.status_code for answer in answers} == {200}
            assert served.site.open >= 1
            clock.advance(61)
            # Right away, while the proxy may not have noticed yet; then when it must have.
            assert (await asking.get(f"{proxy.plain}/hello")).status_code == 200
            clock.advance(61)
            await until(lambda: served.site.open == 0)


@both
async def test_the_site_stops_while_the_proxy_holds_connections(kind, site, front):
    async with site() as served, front(kind, served.number) as proxy, client() as asking:
        await gatherResults([ensureDeferred(asking.get(f"{proxy.plain}/hello")) for _ in range(5)])
        begun = [ensureDeferred(asking.get(f"{proxy.plain}/held")) for _ in range(8)]
        await until(lambda: len(served.root.held.waiting) == 8)
        await served.port.stopListening()
        stopped = served.site.finish_requests()
        assert not stopped.called
        served.root.held.release()
        answers = await gatherResults(begun)
        assert {(answer.status_code, answer.text) for answer in answers} == {(200, "finished")}
        await stopped
        assert served.site.open == 0
        # And nobody is there any more, which is for the proxy to say.
        assert (await asking.get(f"{proxy.plain}/hello")).status_code in (502, 503)
