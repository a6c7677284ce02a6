"""The demonstration, run as a person runs it: as a process."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "selvage", "demo"]
PATIENCE_S = 30

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
