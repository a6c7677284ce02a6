"""The demonstration, run as a person runs it: as a process."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from rich.console import Console

import selvage
from selvage.demo._story import Story
from selvage.demo._web import items_service
from selvage.reactor import get_reactor
from selvage.web.server import Site

COMMAND = [sys.executable, "-m", "selvage", "demo"]
PATIENCE_S = 30
PAGE = Path(__file__).with_name("page.mjs")

pytestmark = pytest.mark.slow


def plain() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "120", "NO_COLOR": "1"}


def play(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, env=plain(), check=False
    )


def test_once_ends_with_status_0_and_all_as_told() -> None:
    done = play("--once", "--port", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    outcomes = done.stdout.partition("What happened")[2].partition("What went wrong")[0]
    assert outcomes.count("as told") == 14
    assert " no " not in outcomes


def test_every_failure_is_shown_with_its_traceback_and_the_storm_is_counted() -> None:
    told = play("--once", "--port", "0").stdout
    assert told.count("a failure reached the hub") == 6
    assert told.count("builtins.LookupError: no sensor") == 2
    assert told.count("builtins.RuntimeError: this handler has a bug") == 1
    assert told.count("in lineReceived") == 1
    assert told.count("in parse") == 1
    assert "1,004 failures reached the hub" in told


def test_it_ends_with_what_went_wrong_and_one_story_in_full() -> None:
    scenes, groups, end = re.split("What went wrong|One story in full", play("--once", "--port", "0").stdout)
    assert re.search(
        r"1,000 +LookupError: no sensor 0 +Unhandled error in a delayed call +[0-9a-f]{16}", groups
    )
    assert re.findall(r"^ +([\d,]+) +(\w+):", groups, re.MULTILINE) == [
        ("1", "ZeroDivisionError"),
        ("1,000", "LookupError"),
        ("1", "OrderError"),
        ("1", "ValueError"),
        ("1", "RuntimeError"),
    ]
    places = [
        end.index(word)
        for word in ("in price_of", "in read_price", "three fifty", "direct cause", "in total")
    ]
    assert places == sorted(places)
    assert end.rstrip().endswith("OrderError: no total for tea, salt")


def test_output_to_a_pipe_has_no_terminal_codes() -> None:
    assert "\x1b" not in play("--once", "--port", "0").stdout


def test_port_in_use_is_named_and_is_no_traceback() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = play("--once", "--port", str(port))
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stdout and "--port" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_serves_on_until_interrupted() -> None:
    process = subprocess.Popen(
        [*COMMAND, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=plain()
    )
    try:
        assert process.stdout is not None
        port = 0
        for line in process.stdout:
            if found := re.search(r"^line echo +on 127\.0\.0\.1:(\d+)", line):
                port = int(found[1])
            if "Ctrl-C" in line:
                break
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
            client.sendall(b"still there?\r\n")
            assert client.recv(100) == b"still there?\r\n"
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, rest
    assert "Traceback" not in rest


@pytest.mark.external("node")
def test_the_page_of_items_does_what_its_visitor_asks_for() -> None:
    """The script of the page, run by node on the service itself."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")

    async def main() -> str:
        site = Site(items_service(Story(Console(file=io.StringIO()))).resource())
        port = get_reactor().listenTCP(0, site, interface="127.0.0.1")
        url = f"http://127.0.0.1:{port.getHost().port}"
        process = await asyncio.create_subprocess_exec(
            "node", str(PAGE), url, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        told, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        await port.stopListening()
        await site.finish_requests(0)
        return told.decode()

    assert selvage.run(main).splitlines() == [
        "created: 1: nut, 2: <b>bolt</b>",
        "changed: 1: screw, 2: <b>bolt</b>",
        "deleted: 1: screw",
        "refused: 1: screw An item has a name, which is text.",
        "refused to change: 1: screw An item has a name, which is text.",
        "taken: 1: screw, 3: washer",
    ]


def test_the_rest_service_as_a_client_sees_it() -> None:
    process = subprocess.Popen(
        [*COMMAND, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=plain()
    )
    try:
        assert process.stdout is not None
        url = ""
        for line in process.stdout:
            if found := re.search(r"^REST service on (http://127\.0\.0\.1:\d+)", line):
                url = found[1]
            if "Ctrl-C" in line:
                break
        assert talk(url) == [
            ("POST", 201, {"number": 2, "name": "nut"}),
            ("GET", 200, {"name": "nut"}),
            ("PUT", 200, {"name": "bolt"}),
            ("PUT", 422, "An item has a name, which is text."),
            ("GET", 200, {"2": {"name": "bolt"}}),
            ("DELETE", 204, None),
            ("GET", 404, "There is no item 2."),
            ("GET", 500, "Internal Server Error"),
            ("GET", 200, {"/items": 200, "/fail": 500}),
        ]
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0 and "ZeroDivisionError" in rest, rest


def talk(url: str) -> list[tuple[str, int, Any]]:
    """Ask the service, and return what was asked how, the status, and the body or what it says is wrong."""
    answers: list[tuple[str, int, Any]] = []
    for method, path, content in [
        ("POST", "/items", {"name": "nut"}),
        ("GET", "/items/2", None),
        ("PUT", "/items/2", {"name": "bolt"}),
        ("PUT", "/items/2", {"name": 7}),
        ("GET", "/items", None),
        ("DELETE", "/items/2", None),
        ("GET", "/items/2", None),
        ("GET", "/fail", None),
        ("GET", "/together?path=/items&path=/fail", None),
    ]:
        data = None if content is None else json.dumps(content).encode()
        request = Request(f"{url}{path}", data, {"Content-Type": "application/json"}, method=method)
        try:
            with urlopen(request, timeout=PATIENCE_S) as answer:
                text = answer.read()
                answers.append((method, answer.status, json.loads(text) if text else None))
        except HTTPError as error:
            with error:
                problem = json.loads(error.read())
            answers.append((method, error.code, problem.get("detail", problem["title"])))
    return answers
