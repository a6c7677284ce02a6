"""curl as a client of a site: versions, ranges and resuming, uploads, conditions, compression, cookies, and through our proxy."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from selvage.reactor import deferToThread, get_reactor
from selvage.web.http import HTTPFactory
from selvage.web.proxy import Proxy
from selvage.web.server import Limits
from tests.foreign import PATIENCE_S, program, run
from tests.transports.certificates import authority, certificate

from .application import LARGE, MIB, STREAM, TEXT, serving

pytestmark = [pytest.mark.slow, pytest.mark.external("curl"), pytest.mark.selvage(timeout=120)]

#: The versions, and what makes curl speak them.
VERSIONS = {
    "HTTP/1.1": ["--http1.1"],
    "HTTP/2": ["--http2"],
    "HTTP/2 in clear": ["--http2-prior-knowledge"],
}


class Curl:
    """Runs curl against a site."""

    def __init__(self, served: Any, url: str, options: list[Any]) -> None:
        self.served = served
        self.url = url
        self._command = [program("curl"), "-sS", "--noproxy", "*", *options]

    async def __call__(self, path: str, *options: Any) -> bytes:
        """Ask, and return what curl prints."""
        done = await deferToThread(run, *self._command, *options, self.url + path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def status(self, path: str, *options: Any) -> int:
        return int(await self(path, "-o", "/dev/null", "-w", "%{http_code}", *options))


@pytest.fixture(params=VERSIONS)
def asking(request: Any, tmp_path: Path) -> Any:
    """A site, and curl that speaks this version to it."""

    @asynccontextmanager
    async def begin(**site: Any) -> Any:
        version, files, pem, root = (
            request.param,
            tmp_path / "files",
            tmp_path / "site.pem",
            tmp_path / "root.pem",
        )
        files.mkdir()
        pem.write_bytes(certificate().private_key_and_cert_chain_pem.bytes())
        root.write_bytes(authority().cert_pem.bytes())
        secure = version == "HTTP/2"
        kind = f"ssl:0:privateKey={pem}" if secure else "tcp:0"
        async with serving(files, f"{kind}:interface=127.0.0.1", **site) as served:
            scheme = "https" if secure else "http"
            url = f"{scheme}://localhost:{served.number}"
            curl = Curl(served, url, ["--ipv4", "--cacert", root, *VERSIONS[version]])
            assert json.loads(await curl("/who"))["version"] == version.split()[0]
            yield curl

    return begin


async def test_downloads(asking):
    async with asking() as curl:
        assert await curl("/files/large.bin") == LARGE
        assert await curl("/stream") == STREAM
        assert await curl.status("/missing") == 404


@pytest.mark.parametrize(
    "asking", ["HTTP/1.1", "HTTP/2"], indirect=True
)  # curl 7.88 fails at it in clear, anywhere
async def test_several_over_one_connection(asking):
    async with asking() as curl:
        before = curl.served.site.connections
        paths = [f"{curl.url}/{path}" for path in ("files/text.txt", "stream", "missing", "files/large.bin")]
        got = await curl("/hello", *paths)
        assert got.startswith(TEXT + STREAM) and got.endswith(LARGE + b"hello")
        assert curl.served.site.connections == before + 1


async def test_ranges_and_resuming(asking, tmp_path):
    async with asking() as curl:
        assert await curl("/files/large.bin", "-r", "100-199") == LARGE[100:200]
        assert await curl("/files/large.bin", "-r", "-5") == LARGE[-5:]
        assert await curl.status("/files/large.bin", "-r", "0-0,2-2") == 206
        assert await curl.status("/files/large.bin", "-r", f"{len(LARGE)}-") == 416
        part = tmp_path / "part"
        for there in (0, 1, 12_345_678, len(LARGE) - 1):
            part.write_bytes(LARGE[:there])
            await curl("/files/large.bin", "-C", "-", "-o", part)
            assert part.read_bytes() == LARGE


async def test_conditions(asking, tmp_path):
    tag = tmp_path / "tag"
    async with asking() as curl:
        assert await curl("/files/text.txt", "--etag-save", tag) == TEXT
        assert await curl.status("/files/text.txt", "--etag-compare", tag) == 304
        tag.write_text('"another"')
        assert await curl.status("/files/text.txt", "--etag-compare", tag) == 200
        copy = tmp_path / "copy"
        await curl("/files/text.txt", "-R", "-o", copy)  # with the time that the site tells
        assert await curl.status("/files/text.txt", "-z", copy) == 304
        assert await curl.status("/files/text.txt", "-z", "Sat, 03 Feb 2001 10:00:00 GMT") == 200
        assert await curl.status("/files/text.txt", "-z", "-Sat, 03 Feb 2001 10:00:00 GMT") == 412
        assert await curl.status("/files/text.txt", "-H", 'If-Match: "another"') == 412


async def test_uploads(asking, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(LARGE + b"and a bit")
    expected = hashlib.sha256(body.read_bytes()).hexdigest(), body.stat().st_size
    async with asking() as curl:
        for options in (
            [],
            ["-H", "Expect:"],
            ["-H", "Transfer-Encoding: chunked"],
            ["--limit-rate", "100M"],
        ):
            told = json.loads(await curl("/upload", "-T", body, *options))
            assert (told["sha256"], told["size"]) == expected
        told = json.loads(await curl("/upload", "-X", "PUT", "-d", ""))
        assert told["size"] == 0


# Over HTTP/2 curl 7.88 waits for ever when the stream ends as it has stopped to send; see tests/web/test_lingering.py.
@pytest.mark.parametrize("asking", ["HTTP/1.1"], indirect=True)
async def test_an_upload_that_is_refused(asking, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(LARGE)
    async with asking(limits=Limits(body_bytes=MIB)) as curl:
        # It goes on sending, or has to be told; in each case it reads what the matter is.
        for options in ([], ["-H", "Expect:"], ["-H", "Transfer-Encoding: chunked", "-H", "Expect:"]):
            assert await curl.status("/upload", "-T", body, *options) == 413
            assert await curl.status("/refusing", "-T", body, *options) == (
                403 if "chunked" in str(options) else 413
            )
        assert await curl.status("/refusing", "-X", "PUT", "-d", "x") == 403


async def test_forms_with_files(asking, tmp_path):
    names = []
    for number in range(4):
        path = tmp_path / f"größe {number}.bin"
        path.write_bytes(LARGE[: number * MIB])
        names += ["-F", f"file=@{path};type=image/png"]
    async with asking() as curl:
        told = json.loads(await curl("/upload", *names, "-F", "text=Größe", "-F", "text=<-"))
        simple = json.loads(await curl("/upload", "-d", "a=1", "--data-urlencode", "b=&= ü"))
    assert told == {
        "file": [hashlib.sha256(LARGE[: number * MIB]).hexdigest() for number in range(4)],
        "text": [hashlib.sha256(text).hexdigest() for text in ("Größe".encode(), b"")],
    }
    assert simple == {
        name: [hashlib.sha256(text.encode()).hexdigest()] for name, text in {"a": "1", "b": "&= ü"}.items()
    }


async def test_head_compression_and_cookies(asking, tmp_path):
    jar = tmp_path / "jar"
    async with asking() as curl:
        head = await curl("/files/large.bin", "-I")
        assert b"content-length: %d\r\n" % len(LARGE) in head.lower()
        assert await curl("/compressed", "--compressed") == TEXT
        told = await curl("/compressed", "--compressed", "-o", "/dev/null", "-w", "%{size_download}")
        assert int(told) < len(TEXT) / 4
        assert json.loads(await curl("/cookies", "-c", jar, "-b", "a=1; b=2")) == {"a": "1", "b": "2"}
        assert json.loads(await curl("/cookies", "-b", jar)) == {"seen": "yes"}


async def test_an_offer_to_upgrade_to_http2_in_clear_is_declined(tmp_path):
    async with serving(tmp_path) as served:
        url = f"http://127.0.0.1:{served.number}"
        done = await deferToThread(run, program("curl"), "-sS", "--noproxy", "*", "--http2", f"{url}/who")
        assert json.loads(done.stdout)["version"] == "HTTP/1.1"


async def test_through_our_proxy(tmp_path):
    body, files = tmp_path / "body", tmp_path / "files"
    files.mkdir()
    body.write_bytes(LARGE)
    factory = HTTPFactory()
    factory.protocol = Proxy
    port = get_reactor().listenTCP(0, factory, interface="127.0.0.1")
    async with serving(files) as served:
        curl = Curl(served, f"http://127.0.0.1:{served.number}", [])
        through = ["--noproxy", "", "-x", f"http://127.0.0.1:{port.getHost().port}"]
        assert await curl("/hello", *through) == b"hello"
        assert await curl("/files/large.bin", *through) == LARGE
        assert await curl("/files/large.bin", "-r", "100-199", *through) == LARGE[100:200]
        assert await curl("/stream", *through) == STREAM
        for options in ([], ["-H", "Transfer-Encoding: chunked"]):
            told = json.loads(await curl("/upload", "-T", body, *options, *through))
            assert told["sha256"] == hashlib.sha256(LARGE).hexdigest()
        assert (
            b"content-length: %d\r\n" % len(LARGE) in (await curl("/files/large.bin", "-I", *through)).lower()
        )
        assert await curl.status("/missing", *through) == 404
    await port.stopListening()


# --- Under load ----------------------------------------------------------------------------------------------------


@pytest.mark.external("wrk")
@pytest.mark.parametrize(
    "path", ["hello", "files/text.txt", "files/large.bin", "stream", "who", "compressed"]
)
async def test_wrk(path, tmp_path):
    async with serving(tmp_path) as served:
        url = f"http://127.0.0.1:{served.number}/{path}"
        done = await deferToThread(
            run, program("wrk"), "-t1", "-c32", "-d1s", "--timeout", f"{PATIENCE_S}s", url
        )
        told = done.stdout.decode()
        assert done.returncode == 0 and int(re.search(r"(\d+) requests in", told)[1]) > 0, told
        assert "Non-2xx" not in told and "Socket errors" not in told, told
        assert served.site.connections <= 33  # 32, and one to see whether anybody is there


@pytest.mark.external("h2load")
@pytest.mark.parametrize("path", ["hello", "files/text.txt", "files/large.bin", "stream", "who"])
@pytest.mark.parametrize("secure", [False, True], ids=["in clear", "TLS"])
async def test_h2load(path, secure, tmp_path):
    pem, files = tmp_path / "site.pem", tmp_path / "files"
    files.mkdir()
    pem.write_bytes(certificate().private_key_and_cert_chain_pem.bytes())
    count = {"files/large.bin": 20, "stream": 20, "files/text.txt": 100}.get(path, 1000)
    kind, scheme = (f"ssl:0:privateKey={pem}", "https") if secure else ("tcp:0", "http")
    async with serving(files, f"{kind}:interface=127.0.0.1") as served:
        url = f"{scheme}://127.0.0.1:{served.number}/{path}"
        done = await deferToThread(run, program("h2load"), f"-n{count}", "-c4", "-m10", url)
        told = done.stdout.decode()
        assert (
            f"requests: {count} total, {count} started, {count} done, {count} succeeded, 0 failed, 0 errored"
            in told
        )
        assert f"status codes: {count} 2xx" in told
        assert served.site.connections == 4


@pytest.mark.external("h2load")
async def test_h2load_uploads(tmp_path):
    (tmp_path / "body").write_bytes(LARGE[: 256 * 1024])
    files = tmp_path / "files"
    files.mkdir()
    async with serving(files) as served:
        url = f"http://127.0.0.1:{served.number}/upload"
        done = await deferToThread(
            run, program("h2load"), "-n200", "-c4", "-m10", "-d", tmp_path / "body", "-H:method: PUT", url
        )
        assert "status codes: 200 2xx" in done.stdout.decode(), done.stdout
