"""`selvage web`, and programs of others that talk to it: curl, and frameworks that it hosts."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
                found = re.search(r"port=(\d+)", line)
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


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "give one of"),
        (["--path", ".", "--wsgi", "a:b"], "give one of"),
        (["--asgi", "nowhere:app"], "there is no module 'nowhere'"),
        (["--asgi", "json:nothing"], "the module 'json' has no 'nothing'"),
        (["--asgi", "json"], "is to be MODULE:NAME"),
        (["--path", ".", "--listen", "tcp:99999"], "selvage web:"),
    ],
)
def test_mistakes_are_named(tmp_path, arguments, words):
    done = subprocess.run(
        [sys.executable, "-m", "selvage", "web", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode in (1, 2) and words in done.stderr, done.stderr
