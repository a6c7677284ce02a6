"""httpx and aiohttp as clients of a site, over HTTP/1.1 and HTTP/2, with what programs ask of a server every day."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from selvage.defer import ensureDeferred, gatherResults
from selvage.reactor import get_reactor
from selvage.web.http import HTTPFactory
from selvage.web.proxy import Proxy
from tests.foreign import PATIENCE_S
from tests.transports.certificates import certificate, client_context

from .application import LARGE, MIB, STREAM, TEXT, serving, until

httpx = pytest.importorskip("httpx")
aiohttp = pytest.importorskip("aiohttp")

pytestmark = [pytest.mark.slow, pytest.mark.selvage(timeout=120)]

#: More than a few read buffers, on the disk for the server, and under the limit of a body.
UPLOAD_MIB = 50


async def in_pieces(count: int) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number % 256]) * MIB


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def secure(tmp_path: Path) -> str:
    """The description of an endpoint with TLS."""
    pem = tmp_path / "site.pem"
    pem.write_bytes(certificate().private_key_and_cert_chain_pem.bytes())
    return f"ssl:0:privateKey={pem}:interface=127.0.0.1"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.fixture(params=["HTTP/1.1", "HTTP/1.1 over TLS", "HTTP/2"])
def asking(request: Any, files: Path, secure: str) -> Any:
    """A site and a client of httpx that speaks this version to it."""
    version = request.param

    @asynccontextmanager
    async def begin(**options: Any) -> Any:
        description = "tcp:0:interface=127.0.0.1" if version == "HTTP/1.1" else secure
        async with serving(files, description) as served:
            scheme = "http://127.0.0.1" if version == "HTTP/1.1" else "https://localhost"
            async with httpx.AsyncClient(
                base_url=f"{scheme}:{served.number}",
                http2=version == "HTTP/2",
                verify=client_context(),
                trust_env=False,
                timeout=PATIENCE_S,
                **options,
            ) as client:
                yield client, served
                answer = await client.get("/who")
                assert answer.json()["version"] == version.partition(" ")[0]

    return begin


# --- httpx ---------------------------------------------------------------------------------------------------------


async def test_one_connection_is_kept(asking):
    async with asking() as (client, served):
        for _ in range(20):
            assert (await client.get("/hello")).text == "hello"
            assert (await client.get("/missing")).status_code == 404
            assert (await client.post("/hello")).status_code == 405
        assert served.site.connections == 1


async def test_many_at_once(asking):
    async with asking() as (client, served):
        paths = ["/hello", "/files/text.txt", "/compressed", "/stream"] * 10
        answers = await gatherResults([ensureDeferred(client.get(path)) for path in paths])
        expected = {"/hello": b"hello", "/files/text.txt": TEXT, "/compressed": TEXT, "/stream": STREAM}
        assert all(answer.content == expected[path] for path, answer in zip(paths, answers, strict=True))


async def test_ranges_and_conditions(asking):
    async with asking() as (client, _):
        whole = await client.get("/files/large.bin")
        assert (whole.status_code, whole.content) == (200, LARGE)
        etag, changed = whole.headers["etag"], whole.headers["last-modified"]

        for asked, part in [("0-99", LARGE[:100]), ("5000000-", LARGE[5_000_000:]), ("-7", LARGE[-7:])]:
            answer = await client.get("/files/large.bin", headers={"Range": f"bytes={asked}"})
            assert (answer.status_code, answer.content) == (206, part)
        several = await client.get("/files/large.bin", headers={"Range": "bytes=0-0,100-199"})
        assert several.status_code == 206 and several.headers["content-type"].startswith(
            "multipart/byteranges"
        )
        beyond = await client.get("/files/large.bin", headers={"Range": f"bytes={len(LARGE)}-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(LARGE)}")

        resumed = await client.get("/files/large.bin", headers={"Range": "bytes=10-", "If-Range": etag})
        assert (resumed.status_code, resumed.content) == (206, LARGE[10:])
        again = await client.get("/files/large.bin", headers={"Range": "bytes=10-", "If-Range": '"old"'})
        assert (again.status_code, again.content) == (200, LARGE)

        for condition in ({"If-None-Match": etag}, {"If-Modified-Since": changed}):
            answer = await client.get("/files/large.bin", headers=condition)
            assert (answer.status_code, answer.content) == (304, b"")
        changed_since = await client.get("/files/large.bin", headers={"If-None-Match": '"old"'})
        assert changed_since.content == LARGE
        failed = await client.get("/files/large.bin", headers={"If-Match": '"old"'})
        assert failed.status_code == 412
        assert (await client.get("/hello")).text == "hello"


async def test_head(asking):
    async with asking() as (client, served):
        for path, length in [
            ("/hello", 5),
            ("/files/large.bin", len(LARGE)),
            ("/compressed", None),
            ("/stream", None),
        ]:
            answer = await client.head(path, headers={"Accept-Encoding": "identity"})
            assert (answer.status_code, answer.content) == (200, b"")
            if length is not None:
                assert answer.headers["content-length"] == str(length)
            assert (await client.get("/hello")).text == "hello"
        assert served.site.connections == 1


async def test_compressed(asking):
    async with asking() as (client, _):
        answer = await client.get("/compressed", headers={"Accept-Encoding": "gzip"})
        assert (answer.headers["content-encoding"], answer.content) == ("gzip", TEXT)
        assert "accept-encoding" in answer.headers["vary"].lower()
        async with client.stream("GET", "/compressed", headers={"Accept-Encoding": "gzip"}) as raw:
            received = b"".join([piece async for piece in raw.aiter_raw()])
        assert len(received) < len(TEXT) / 4 and gzip.decompress(received) == TEXT
        plain = await client.get("/compressed", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers and plain.content == TEXT


async def test_cookies(asking):
    async with asking() as (client, _):
        assert (await client.get("/cookies", headers={"Cookie": "a=1; b=2"})).json() == {"a": "1", "b": "2"}
        assert client.cookies["seen"] == "yes"
        assert (await client.get("/cookies")).json() == {"seen": "yes"}


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in pieces"])
async def test_uploads(asking, chunked):
    body = b"".join([piece async for piece in in_pieces(UPLOAD_MIB)])
    async with asking() as (client, _):
        headers = {} if chunked else {"Content-Length": str(len(body))}
        told = (await client.put("/upload", content=in_pieces(UPLOAD_MIB), headers=headers)).json()
        assert (told["size"], told["sha256"]) == (len(body), digest(body))
        assert (told["length"] is None) == chunked
        empty = (await client.put("/upload", content=b"")).json()
        assert empty["size"] == 0


async def test_forms_with_files(asking):
    files = [
        (f"file{number}", (f"n{number}.bin", io.BytesIO(LARGE[: number * MIB]), "image/png"))
        for number in range(3)
    ]
    async with asking() as (client, _):
        told = (await client.post("/upload", files=files, data={"text": "Größe", "more": ["1", "2"]})).json()
        simple = (await client.post("/upload?query=1", data={"text": "a&b=c", "more": ["1", "2"]})).json()
    assert told == {
        **{f"file{number}": [digest(LARGE[: number * MIB])] for number in range(3)},
        "text": [digest("Größe".encode())],
        "more": [digest(b"1"), digest(b"2")],
    }
    assert simple == {
        "query": [digest(b"1")],
        "text": [digest(b"a&b=c")],
        "more": [digest(b"1"), digest(b"2")],
    }


# --- aiohttp -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["HTTP/1.1", "HTTP/1.1 over TLS"])
def session(request: Any, files: Path, secure: str) -> Any:
    """A site and a session of aiohttp's client for it."""

    @asynccontextmanager
    async def begin() -> Any:
        plain = request.param == "HTTP/1.1"
        async with serving(files, "tcp:0:interface=127.0.0.1" if plain else secure) as served:
            scheme = "http://127.0.0.1" if plain else "https://localhost"
            connector = aiohttp.TCPConnector(ssl=client_context())
            timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
            async with aiohttp.ClientSession(
                f"{scheme}:{served.number}",
                connector=connector,
                timeout=timeout,
                cookie_jar=aiohttp.CookieJar(unsafe=True),
            ) as client:
                yield client, served

    return begin


async def test_aiohttp_keeps_its_connection(session):
    async with session() as (client, served):
        for _ in range(20):
            async with client.get("/hello") as answer:
                assert (answer.status, await answer.text()) == (200, "hello")
            async with client.head("/files/large.bin") as answer:
                assert (answer.status, answer.content_length) == (200, len(LARGE))
        assert served.site.connections == 1


async def test_aiohttp_downloads(session):
    async with session() as (client, _):
        for path, content in [("/files/large.bin", LARGE), ("/stream", STREAM), ("/compressed", TEXT)]:
            async with client.get(path) as answer:
                assert await answer.read() == content
        async with client.get("/files/large.bin", headers={"Range": "bytes=100-199"}) as answer:
            assert (answer.status, await answer.read()) == (206, LARGE[100:200])
            etag = answer.headers["ETag"]
        async with client.get("/files/large.bin", headers={"If-None-Match": etag}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")


@pytest.mark.parametrize("expect100", [False, True], ids=["at once", "expecting 100"])
async def test_aiohttp_uploads(session, expect100):
    body = b"".join([piece async for piece in in_pieces(UPLOAD_MIB)])
    async with session() as (client, _):
        async with client.put("/upload", data=in_pieces(UPLOAD_MIB), expect100=expect100) as answer:
            told = await answer.json()
        assert (told["size"], told["sha256"], told["coding"]) == (len(body), digest(body), "chunked")
        form = aiohttp.FormData({"text": "Größe"})
        form.add_field("file", io.BytesIO(LARGE), filename="ä.bin", content_type="application/octet-stream")
        async with client.post("/upload", data=form, expect100=expect100) as answer:
            assert await answer.json() == {"text": [digest("Größe".encode())], "file": [digest(LARGE)]}


async def test_aiohttp_leaves_answers_unread(session):
    async with session() as (client, served):
        for path in ("/stream", "/files/large.bin") * 3:
            async with client.get(path) as answer:
                assert await answer.content.readexactly(10)
        await until(lambda: served.site.open == 0)
        async with client.get("/hello") as answer:
            assert await answer.text() == "hello"


async def test_aiohttp_cookies(session):
    async with session() as (client, _):
        async with client.get("/cookies", headers={"Cookie": "a=1"}) as answer:
            assert await answer.json() == {"a": "1"}
        async with client.get("/cookies") as answer:
            assert await answer.json() == {"seen": "yes"}


# --- Through a proxy of our own ------------------------------------------------------------------------------------


@asynccontextmanager
async def proxying() -> Any:
    """Our HTTP proxy while the block runs."""
    factory = HTTPFactory()
    factory.protocol = Proxy
    port = get_reactor().listenTCP(0, factory, interface="127.0.0.1")
    try:
        yield f"http://127.0.0.1:{port.getHost().port}"
    finally:
        await port.stopListening()


async def test_through_our_proxy(files):
    async with serving(files) as served, proxying() as proxy:
        url = f"http://127.0.0.1:{served.number}"
        async with httpx.AsyncClient(proxy=proxy, trust_env=False, timeout=PATIENCE_S) as client:
            assert (await client.get(f"{url}/hello")).text == "hello"
            assert (await client.get(f"{url}/files/large.bin")).content == LARGE
            assert (await client.get(f"{url}/stream")).content == STREAM
            for content in (LARGE, in_pieces(8)):
                told = (await client.put(f"{url}/upload", content=content)).json()
                assert told["size"] == (len(LARGE) if content is LARGE else 8 * MIB)
            assert (await client.head(f"{url}/files/large.bin")).headers["content-length"] == str(len(LARGE))
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{url}/compressed", proxy=proxy) as answer,
        ):
            assert await answer.read() == TEXT
