"""The client against servers that others have written: nginx, http.server, aiohttp, uvicorn; and against itself with treq."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import selvage
from selvage.defer import Deferred, gatherResults
from selvage.endpoints import AddressForbiddenError, is_public_address
from selvage.web.client import (
    Agent,
    BrowserLikeRedirectAgent,
    Client,
    ContentDecoderAgent,
    GzipDecoder,
    HTTPConnectionPool,
    RequestError,
    readBody,
)
from tests.endpoints.test_real_proxies import microsocks, start as start, tinyproxy
from tests.foreign import free_port, wait_until_listening

pytestmark = pytest.mark.slow

TEXT = b"".join(b"%d bottles of beer on the wall\n" % n for n in range(50_000))


def everything_there(folder: Path) -> None:
    (folder / "hello.txt").write_bytes(b"hello")
    (folder / "large.txt").write_bytes(TEXT)
    (folder / "large.txt.gz").write_bytes(gzip.compress(TEXT))


@pytest.fixture(
    params=[
        pytest.param("nginx", marks=pytest.mark.external("nginx")),
        "http.server",
        "http.server 1.1",
        "aiohttp",
        "uvicorn",
    ]
)
def server(request, tmp_path) -> Iterator[str]:
    """A server of static files; yields its URL."""
    folder = tmp_path / "files"
    folder.mkdir()
    everything_there(folder)
    port = free_port()
    command = COMMANDS[request.param](folder, tmp_path, port)
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed (apt-get install {command[0]})")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    try:
        wait_until_listening(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def nginx(folder: Path, tmp: Path, port: int) -> list[str]:
    configuration = tmp / "nginx.conf"
    # Started by root it would give its rights up, and could not read the folder of this test.
    user = "" if os.geteuid() else "user root;"
    configuration.write_text(
        f"""
        {user} daemon off; worker_processes 1; pid {tmp}/pid; error_log {tmp}/error.log;
        events {{ worker_connections 100; }}
        http {{
            access_log off; root {folder}; gzip on; gzip_types text/plain; default_type text/plain;
            types {{ text/plain txt; }}
            client_body_temp_path {tmp}/body; proxy_temp_path {tmp}/proxy; fastcgi_temp_path {tmp}/f;
            uwsgi_temp_path {tmp}/u; scgi_temp_path {tmp}/s;
            server {{ listen 127.0.0.1:{port}; location /moved {{ return 302 /hello.txt; }} }}
        }}
        """
    )
    return ["nginx", "-c", str(configuration), "-p", str(tmp), "-e", f"{tmp}/error.log"]


def http_server(folder: Path, tmp: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", str(folder)]


def http_server_1_1(folder: Path, tmp: Path, port: int) -> list[str]:
    return [*http_server(folder, tmp, port), "--protocol", "HTTP/1.1"]


def aiohttp(folder: Path, tmp: Path, port: int) -> list[str]:
    program = tmp / "program.py"
    program.write_text(
        "from aiohttp import web\n"
        "app = web.Application()\n"
        f"app.add_routes([web.static('/', {str(folder)!r})])\n"
        f"web.run_app(app, host='127.0.0.1', port={port})\n"
    )
    return [sys.executable, str(program)]


def uvicorn(folder: Path, tmp: Path, port: int) -> list[str]:
    (tmp / "program.py").write_text(
        "from starlette.applications import Starlette\n"
        "from starlette.middleware.gzip import GZipMiddleware\n"
        "from starlette.staticfiles import StaticFiles\n"
        "app = Starlette()\n"
        "app.add_middleware(GZipMiddleware)\n"
        f"app.mount('/', StaticFiles(directory={str(folder)!r}))\n"
    )
    return [sys.executable, "-m", "uvicorn", "--port", str(port), "--log-level", "error", "program:app"]


COMMANDS = {
    "nginx": nginx,
    "http.server": http_server,
    "http.server 1.1": http_server_1_1,
    "aiohttp": aiohttp,
    "uvicorn": uvicorn,
}


def test_the_pleasant_client_with_real_servers(server):
    async def main():
        async with Client(proxy=False, max_per_host=4) as client:
            answers = await gatherResults([client.get(f"{server}/hello.txt") for _ in range(20)])
            assert {answer.content for answer in answers} == {b"hello"}
            assert (await client.get(f"{server}/large.txt")).content == TEXT
            head = await client.head(f"{server}/large.txt")
            assert (head.status, head.content) == (200, b"")
            assert (await client.get(f"{server}/nothing")).status == 404
            digest, most = hashlib.sha256(), 0
            async with client.stream(
                "GET", f"{server}/large.txt", headers={"Accept-Encoding": "identity"}
            ) as r:
                async for piece in r.chunks():
                    digest.update(piece)
                    most = max(most, len(piece))
            assert digest.digest() == hashlib.sha256(TEXT).digest()
            assert (await client.get(f"{server}/hello.txt")).text == "hello"

    selvage.run(main)


def test_agents_with_real_servers(server):
    async def main():
        reactor = selvage.get_reactor()
        pool = HTTPConnectionPool(reactor)
        agent = BrowserLikeRedirectAgent(
            ContentDecoderAgent(Agent(reactor, pool=pool), [(b"gzip", GzipDecoder)])
        )

        async def get(path: bytes) -> bytes:
            response = await agent.request(b"GET", server.encode() + path)
            return await readBody(response)

        for _ in range(3):
            assert await get(b"/hello.txt") == b"hello"
        bodies = await gatherResults([Deferred.fromCoroutine(get(b"/large.txt")) for _ in range(3)])
        assert bodies == [TEXT] * 3
        await pool.closeCachedConnections()

    selvage.run(main)


def test_proxies(server, start, tmp_path):
    """By HTTP, asked for each URL and for tunnels, and by SOCKS5."""
    socks = microsocks(start, "-u", "user", "-P", "secret")
    web = tinyproxy(start, tmp_path, "BasicAuth user secret")

    async def main():
        for proxy in (f"socks5://user:secret@127.0.0.1:{socks}", f"http://user:secret@127.0.0.1:{web}"):
            async with Client(proxy=proxy) as client:
                assert (await client.get(f"{server}/hello.txt")).content == b"hello"
        async with Client(proxy=f"socks5://user:wrong@127.0.0.1:{socks}") as client:
            with pytest.raises(RequestError, match="ProxyAuthenticationError") as caught:
                await client.get(f"{server}/hello.txt")
            assert caught.value.stage == "connect"
            assert "wrong" not in str(caught.value)

    selvage.run(main)


def test_a_server_that_is_not_there():
    async def main():
        async with Client(proxy=False) as client:
            with pytest.raises(RequestError) as caught:
                await client.get(f"http://127.0.0.1:{free_port()}/")
            assert caught.value.stage == "connect"
            with pytest.raises(RequestError) as caught:
                await client.get("http://nothing.invalid/")
            assert caught.value.stage == "resolve"

    selvage.run(main)


def test_attack_080_addresses_are_looked_at_after_the_look_up():
    """A name of the stranger's choice that stands for this machine, redirections included."""
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        here.listen()
        port = here.getsockname()[1]

        async def main():
            async with Client(address_filter=is_public_address) as client:
                for host in ("localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
                    with pytest.raises(RequestError) as caught:
                        await client.get(f"http://{host}:{port}/")
                    assert isinstance(caught.value.__cause__, AddressForbiddenError)
                    assert caught.value.stage == "resolve"

        selvage.run(main)
        here.setblocking(False)
        with pytest.raises(BlockingIOError):
            here.accept()


@pytest.mark.needs_twisted
def test_treq_works_on_it(tmp_path):
    """The library that most programs of Twisted make requests with, in a process of its own."""
    port = free_port()
    server = tmp_path / "server.py"
    server.write_text(
        "from aiohttp import web\n"
        "async def echo(request):\n"
        "    return web.json_response({'method': request.method, 'args': dict(request.query),\n"
        "        'form': {k: getattr(v, 'filename', v) for k, v in (await request.post()).items()},\n"
        "        'cookies': dict(request.cookies), 'auth': request.headers.get('Authorization')})\n"
        "async def moved(request):\n"
        "    response = web.HTTPFound('/echo'); response.set_cookie('a', 'b'); raise response\n"
        "app = web.Application()\n"
        "app.add_routes([web.route('*', '/echo', echo), web.get('/moved', moved)])\n"
        f"web.run_app(app, host='127.0.0.1', port={port})\n"
    )
    program = tmp_path / "program.py"
    program.write_text(
        f"url = 'http://127.0.0.1:{port}/'\n"
        "import treq\n"
        "from twisted.internet.defer import ensureDeferred\n"
        "from twisted.internet.task import react\n"
        "async def main(reactor):\n"
        "    got = await treq.json_content(await treq.get(url + 'echo', params={'x': ['1']}))\n"
        "    assert (got['method'], got['args']) == ('GET', {'x': '1'}), got\n"
        "    got = await treq.json_content(await treq.post(url + 'echo', data={'f': 'v'}, auth=('u', 'p')))\n"
        "    assert (got['form'], got['auth']) == ({'f': 'v'}, 'Basic dTpw'), got\n"
        "    from io import BytesIO\n"
        "    got = await treq.json_content(await treq.put(url + 'echo', files={'f': ('n.txt', BytesIO(b'x' * 99999))}))\n"
        "    assert got['form'] == {'f': 'n.txt'}, got\n"
        "    answer = await treq.get(url + 'moved')\n"
        "    got = await answer.json()\n"
        "    assert answer.code == 200 and [r.code for r in answer.history()] == [302], got\n"
        "    chunks = []\n"
        "    await treq.collect(await treq.get(url + 'echo', unbuffered=True), chunks.append)\n"
        "    assert b'GET' in b''.join(chunks)\n"
        "    import twisted.web.client\n"
        "    print(twisted.web.client.Agent.__module__)\n"
        "react(lambda reactor: ensureDeferred(main(reactor)))\n"
    )
    process = subprocess.Popen([sys.executable, str(server)], stdout=subprocess.DEVNULL)
    try:
        wait_until_listening(port, process)
        command = [sys.executable, "-W", "ignore", "-m", "selvage", "twisted", str(program)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=50)
    finally:
        process.terminate()
        process.wait()
    assert done.stdout == "selvage.web.client\n", done.stderr


def test_many_requests_leave_nothing_behind(server):
    """Descriptors, connections and timers."""

    async def main():
        reactor = selvage.get_reactor()

        async def some() -> None:
            async with Client(proxy=False, max_per_host=8) as client:
                await gatherResults([client.get(f"{server}/hello.txt") for _ in range(50)])

        await some()
        before = len(os.listdir("/proc/self/fd"))
        calls = len(reactor.getDelayedCalls())
        for _ in range(3):
            await some()
        assert len(os.listdir("/proc/self/fd")) <= before
        assert len(reactor.getDelayedCalls()) == calls

    selvage.run(main)
