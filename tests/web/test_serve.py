"""`selvage web`, and programs of others that talk to it: curl, and frameworks that it hosts."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.slow

PATIENCE_S = 40

APPLICATIONS = """
import asyncio
from contextlib import asynccontextmanager

import django
from django.conf import settings
from django.http import JsonResponse
from django.urls import path
from fastapi import FastAPI, WebSocket
from flask import Flask, jsonify, request

@asynccontextmanager
async def lifespan(app):
    print("started", flush=True)
    yield
    print("stopped", flush=True)

fast = FastAPI(lifespan=lifespan)

@fast.get("/items/{number}")
async def item(number: int):
    await asyncio.sleep(0)
    return {"number": number}

@fast.get("/thread")
def thread():
    return {"thread": True}

@fast.post("/echo")
async def echo(content: dict):
    return content

@fast.websocket("/ws")
async def talk(socket: WebSocket):
    await socket.accept()
    await socket.send_text((await socket.receive_text()) * 2)
    await socket.close()

flask = Flask(__name__)

@flask.post("/echo")
def flask_echo():
    return jsonify(request.get_json())

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x")
urlpatterns = [path("hello", lambda request: JsonResponse({"path": request.path}))]
django.setup()

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

django_asgi = get_asgi_application()
django_wsgi = get_wsgi_application()
"""


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run `selvage web`, and give the address of it; interrupt it in the end."""
    command = [sys.executable, "-m", "selvage", "web", *arguments, "--listen", "tcp:0:interface=127.0.0.1"]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            port = None
            while port is None:
                assert process.stdout is not None
                line = process.stdout.readline()
                assert line, process.stderr.read() if process.stderr else ""
                found = re.search(r"serving on .*http://127\.0\.0\.1:(\d+);", line)
                port = found and found[1]
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(PATIENCE_S)
            finally:
                process.kill()


def curl(*arguments: str) -> str:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    done = subprocess.run(
        ["curl", "-sS", "-m", "30", *arguments], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def applications(tmp_path):
    (tmp_path / "applications.py").write_text(APPLICATIONS)
    return tmp_path


JSON = ("-H", "Content-Type: application/json", "-d", '{"a": 1}')


@pytest.mark.external("curl")
def test_a_folder(tmp_path):
    content = bytes(range(256)) * 5000
    (tmp_path / "file.bin").write_bytes(content)
    with serving(tmp_path, "--path", ".") as (url, _):
        for version in ("--http1.1", "--http2-prior-knowledge"):
            curl(version, f"{url}/file.bin", "-o", str(tmp_path / "got"))
            assert (tmp_path / "got").read_bytes() == content
            curl(version, "-r", "10-19", f"{url}/file.bin", "-o", str(tmp_path / "got"))
            assert (tmp_path / "got").read_bytes() == content[10:20]
            assert "file.bin" in curl(version, f"{url}/")
        assert (
            curl("--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", f"{url}/../../etc/passwd") == "404"
        )
        assert curl(
            "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n", f"{url}/x", f"{url}/y"
        ).startswith("404 1")


@pytest.mark.parametrize(
    ("options", "served"),
    [
        ([], ["/data", "/sub/in"]),
        (["--links-out"], ["/data", "/sub/in", "/out", "/outside/secret"]),
        (["--hidden"], ["/data", "/sub/in", "/.git/config"]),
    ],
)
def test_attack_038_a_folder_shows_what_is_meant_for_others(tmp_path, options, served):
    (tmp_path / "secret").write_text("s")
    root = tmp_path / "root"
    for folder in (root / "sub", root / ".git"):
        folder.mkdir(parents=True)
    (root / "data").write_text("d")
    (root / ".git" / "config").write_text("c")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "outside").symlink_to(tmp_path)
    (root / "sub" / "in").symlink_to(root / "data")
    with serving(tmp_path, "--path", "root", *options) as (url, _):
        for path in ("/data", "/sub/in", "/out", "/outside/secret", "/.git/config"):
            if path in served:
                assert urlopen(url + path, timeout=PATIENCE_S).status == 200
            else:
                with pytest.raises(HTTPError, match="404"):
                    urlopen(url + path, timeout=PATIENCE_S)
        listing = urlopen(f"{url}/", timeout=PATIENCE_S).read()
    assert (b"out" in listing, b".git" in listing) == ("/out" in served, "/.git/config" in served)


@pytest.mark.external("curl")
def test_fastapi(applications):
    with serving(applications, "--asgi", "applications:fast") as (url, process):
        for version in ("--http1.1", "--http2-prior-knowledge"):
            assert curl(version, f"{url}/items/7") == '{"number":7}'
            assert curl(version, f"{url}/thread") == '{"thread":true}'
            assert curl(version, *JSON, f"{url}/echo") == '{"a":1}'
            assert "int_parsing" in curl(version, f"{url}/items/x")
        assert "swagger" in curl(f"{url}/docs").lower()
        _talk(url)
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert process.stdout.read().split() == ["stopped"]
        assert process.wait(PATIENCE_S) == 0


def _talk(url: str) -> None:
    from websockets.sync.client import connect

    with connect(url.replace("http", "ws") + "/ws", open_timeout=30) as socket:
        socket.send("hi")
        assert socket.recv(30) == "hihi"


@pytest.mark.external("curl")
@pytest.mark.parametrize("how", ["--wsgi applications:django_wsgi", "--asgi applications:django_asgi"])
def test_django(applications, how):
    with serving(applications, *how.split()) as (url, _):
        assert curl(f"{url}/hello") == '{"path": "/hello"}'
        assert curl("-o", "/dev/null", "-w", "%{http_code}", f"{url}/nowhere") == "404"


@pytest.mark.external("curl")
def test_flask(applications):
    with serving(applications, "--wsgi", "applications:flask") as (url, _):
        assert curl(*JSON, f"{url}/echo").strip() == '{"a":1}'
        assert curl("-o", "/dev/null", "-w", "%{http_code}", f"{url}/echo") == "405"


LASTING = """
import asyncio
import os

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

async def until(name):
    while not os.path.exists(name):
        await asyncio.sleep(0.01)

async def stream(request):
    async def pieces():
        yield b"begun "
        await until("go")
        yield b"ended"
    return StreamingResponse(pieces())

async def later(request):
    async def task():
        await until("go")
        print("background", flush=True)
    return PlainTextResponse("answered", background=BackgroundTask(task))

async def fail(request):
    raise RuntimeError("hunter2")

async def socket(socket):
    await socket.accept(headers=[(b"x-a", b"1")])
    async for _ in socket.iter_text():
        pass
    print("left", flush=True)

async def refuse(socket):
    raise HTTPException(401, "who ?")

app = Starlette(
    routes=[
        Route("/stream", stream), Route("/later", later), Route("/fail", fail),
        WebSocketRoute("/ws", socket), WebSocketRoute("/refuse", refuse),
    ],
)
"""


@pytest.fixture
def lasting(tmp_path):
    (tmp_path / "lasting.py").write_text(LASTING)
    with serving(tmp_path, "--asgi", "lasting:app") as (url, process):
        yield url, process, tmp_path


def test_an_interrupt_lets_an_answer_that_has_begun_be_finished(lasting):
    url, process, folder = lasting
    with urlopen(f"{url}/stream", timeout=PATIENCE_S) as answer:
        assert answer.read(6) == b"begun "
        process.send_signal(signal.SIGINT)
        wait_until_closed(url)
        (folder / "go").touch()
        assert answer.read() == b"ended"
    assert process.wait(PATIENCE_S) == 0


def wait_until_closed(url: str) -> None:
    """Return when nobody is let in any more."""
    host, port = url.removeprefix("http://").split(":")
    while True:
        try:
            socket.create_connection((host, int(port)), PATIENCE_S).close()
        except ConnectionRefusedError:
            return
        except OSError:
            pass  # it was let in by the system, and the port closed before the program was told


def test_an_interrupt_lets_background_tasks_be_finished(lasting):
    url, process, folder = lasting
    with urlopen(f"{url}/later", timeout=PATIENCE_S) as answer:
        assert answer.read() == b"answered"
    process.send_signal(signal.SIGINT)
    wait_until_closed(url)
    (folder / "go").touch()
    assert process.wait(PATIENCE_S) == 0
    assert process.stdout.read() == "background\n"


def test_an_interrupt_says_goodbye_to_websockets(lasting):
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    url, process, _ = lasting
    with connect(url.replace("http", "ws") + "/ws", open_timeout=PATIENCE_S) as talk:
        assert talk.response.headers["x-a"] == "1"
        process.send_signal(signal.SIGINT)
        with pytest.raises(ConnectionClosed) as closed:
            talk.recv(PATIENCE_S)
        assert closed.value.rcvd.code == 1001
    assert process.wait(PATIENCE_S) == 0
    assert process.stdout.read() == "left\n"


WSGI = """
import os
import time

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"begun "
    while not os.path.exists("go"):
        time.sleep(0.01)
    yield b"ended"
"""


def test_an_interrupt_lets_an_answer_of_wsgi_be_finished(tmp_path):
    (tmp_path / "lasting.py").write_text(WSGI)
    with serving(tmp_path, "--wsgi", "lasting:app") as (url, process):
        with urlopen(url, timeout=PATIENCE_S) as answer:
            assert answer.read(6) == b"begun "
            process.send_signal(signal.SIGINT)
            wait_until_closed(url)
            (tmp_path / "go").touch()
            assert answer.read() == b"ended"
        assert process.wait(PATIENCE_S) == 0


def test_a_second_interrupt_does_not_wait(lasting):
    url, process, folder = lasting
    with urlopen(f"{url}/stream", timeout=PATIENCE_S) as answer:
        assert answer.read(6) == b"begun "
        process.send_signal(signal.SIGINT)
        wait_until_closed(url)
        process.send_signal(signal.SIGINT)
        # Nothing lets the answer end.
        assert process.wait(20) == 0
    assert not (folder / "go").exists()


def test_a_starlette_application_that_fails_or_refuses(lasting):
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    url, process, _ = lasting
    with pytest.raises(HTTPError) as failed:
        urlopen(f"{url}/fail", timeout=PATIENCE_S)
    assert failed.value.code == 500 and b"hunter2" not in failed.value.read()
    with pytest.raises(InvalidStatus) as refused:
        connect(url.replace("http", "ws") + "/refuse", open_timeout=PATIENCE_S)
    assert refused.value.response.status_code == 401 and refused.value.response.body == b"who ?"
    process.send_signal(signal.SIGINT)
    assert "hunter2" in process.stderr.read()


def refusal(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run `selvage web`, which ends by itself; return its status and what it complains of."""
    done = subprocess.run(
        [sys.executable, "-m", "selvage", "web", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


MISTAKEN = """
number = 5

class Klass: ...

def wsgi(environ, start_response): ...

class Flask:
    def __call__(self, environ, start_response): ...

flask = Flask()

async def asgi(scope, receive, send): ...

from selvage.web.routes import App

own = App()
"""

STARTING = """
async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database at db:5432"})
"""


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "give one of --path, --wsgi, --asgi and --app, such as --path ."),
        (["--path", ".", "--wsgi", "a:b"], "give one of --path and --wsgi, not all"),
        (["--path", "nowhere"], "'nowhere' does not exist"),
        (["--app", "mistaken:Klass", "--hidden"], "--hidden and --links-out are about the files of --path"),
        (["--asgi", "nowhere:app"], "there is no module 'nowhere', neither in "),
        (["--asgi", "nowhere.inner:app"], "there is no module 'nowhere'"),
        (["--asgi", "mistaken:asg"], "the module 'mistaken' has no 'asg'; did you mean 'asgi'?"),
        (["--asgi", "mistaken"], "is to be MODULE:NAME, such as mistaken:app"),
        (["--asgi", "mistaken.py:asgi"], "names a file: write the module, as in mistaken:asgi"),
        (["--asgi", "mistaken:number"], "is of the type int, and no application"),
        (["--asgi", "mistaken:wsgi"], "as ASGI has it: write --wsgi mistaken:wsgi"),
        (["--asgi", "mistaken:flask"], "as ASGI has it: write --wsgi mistaken:flask"),
        (["--wsgi", "mistaken:asgi"], "as ASGI has it: write --asgi mistaken:asgi"),
        (["--wsgi", "mistaken:number"], "is of the type int"),
        (["--wsgi", "mistaken:own"], "it cannot be called: write --app mistaken:own"),
        (["--path", ".", "--listen", "tcp:0", "--listen", "tpc:80"], "did you mean 'tcp'?"),
        (["--app", "mistaken:Klass"], "is a class, not an App, a Resource or a Site"),
        (["--path", ".", "--listen", "tcp:99999"], "has to be from 0 to 65535, not 99999"),
        (["--path", ".", "--listen", "tpc:80"], "did you mean 'tcp'?"),
        (["--path", ".", "--listen", "8080"], "write tcp:8080:interface=127.0.0.1"),
        (["--path", ".", "--listen", "ssl:0:privateKey=key.pem"], "which cannot be read"),
    ],
)
def test_mistakes_are_named_with_the_likely_fix(tmp_path, arguments, words):
    (tmp_path / "mistaken.py").write_text(MISTAKEN)
    status, told = refusal(tmp_path, *arguments)
    assert (status, words in told) == (2, True), told
    assert "Traceback" not in told and told.startswith("Usage: ")


def test_a_module_that_fails_is_told_without_lines_of_ours(tmp_path):
    (tmp_path / "broken.py").write_text("import nosuchlibrary\n")
    status, told = refusal(tmp_path, "--wsgi", "broken:app")
    assert status == 1 and told.startswith("Error: the module 'broken' cannot be imported\nTraceback")
    assert told.count("  File ") == 1 and "No module named 'nosuchlibrary'" in told


def test_an_application_that_cannot_start_ends_the_program(tmp_path):
    (tmp_path / "starting.py").write_text(STARTING)
    status, told = refusal(tmp_path, "--asgi", "starting:app", "--listen", "tcp:0:interface=127.0.0.1")
    assert (status, told) == (
        1,
        "selvage web: the application failed in startup: no database at db:5432\n",
    )


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, told = refusal(tmp_path, "--path", ".", "--listen", f"tcp:{port}:interface=127.0.0.1")
    assert status == 1 and told.count("\n") == 1
    assert f"127.0.0.1:{port}" in told and "choose another place with --listen" in told


def test_one_of_several_places_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        places = [f"--listen=tcp:{each}:interface=127.0.0.1" for each in (0, port)]
        status, told = refusal(tmp_path, "--path", ".", *places)
    assert status == 1
    assert told.splitlines()[-1].startswith(f"selvage web: Couldn't listen on 127.0.0.1:{port}")


OWN = """
from selvage.web.routes import App
from selvage.web.server import Site

app = App()
site = Site(app.resource())

@app.route("/")
def home(request):
    return "at home"
"""


@pytest.mark.parametrize("name", ["app", "site", "site.resource"])
def test_applications_of_selvage(tmp_path, name):
    (tmp_path / "own.py").write_text(OWN)
    with serving(tmp_path, "--app", f"own:{name}") as (url, _), urlopen(url, timeout=PATIENCE_S) as answer:
        assert answer.read() == b"at home"


def test_several_places(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    second = f"unix:{tmp_path / 'second.sock'}"
    with serving(tmp_path, "--app", "own:app", "--listen", second) as (url, _):
        with urlopen(url, timeout=PATIENCE_S) as answer:
            assert answer.read() == b"at home"
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_S)
            client.connect(str(tmp_path / "second.sock"))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert client.makefile("rb").read().endswith(b"at home")
