"""Programs that others have written, for tests that talk to them: where they are, how they run, when they listen."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from typing import Any

import pytest

#: Seconds that a program of others may take on a machine that has other things to do.
PATIENCE_S = 40

# Where distributions keep what only an administrator starts.
_PROGRAM_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


def program(name: str) -> str:
    """The path of a program; skips the test where it is absent."""
    found = shutil.which(name, path=_PROGRAM_PATH)
    if found is None:
        pytest.skip(f"{name} is not installed (apt-get install {name})")
    return found


def run(*command: object, text: bool = False) -> subprocess.CompletedProcess[Any]:
    """Run a program of others to its end; call this in a thread when what it talks to runs in this process."""
    return subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=text,
        timeout=PATIENCE_S,
        check=False,
    )


def free_ports(count: int) -> list[int]:
    """Return ports of this machine on which nothing listens, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def free_port() -> int:
    """Return a port of this machine on which nothing listens."""
    return free_ports(1)[0]


def wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a program listens; call this in a thread when what it needs runs in this one."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert process.poll() is None, f"{process.args!r} has ended"
            assert time.monotonic() < deadline, f"{process.args!r} does not listen"
            time.sleep(0.02)
