"""Running the programs of examples/ as processes, with bounded patience."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.foreign import free_port as free_port
from tests.twisted.test_wing import WITHOUT_TWISTED

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "examples" / "guide"

# Seconds until a program that should have said or done something counts as hanging.
PATIENCE_S = 20.0


# What runs a program: Selvage, beside an installed Twisted from which missing modules would come; Selvage where there is
# no Twisted; the installed Twisted.
ALONE = f"""\
{WITHOUT_TWISTED}
from selvage.cli import main
main(["twisted", *sys.argv[1:]])
"""
ENGINES = {"selvage": ["-m", "selvage", "twisted"], "alone": ["-c", ALONE], "twisted": []}


class Program:
    """One running program: its lines as they come, and its end."""

    def __init__(self, path: Path, *args: object, engine: str = "selvage") -> None:
        launcher = ENGINES[engine]
        self.process = subprocess.Popen(
            [sys.executable, *launcher, str(path), *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "LC_ALL": "C"},
        )
        self.lines: list[str] = []
        self._arriving: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._arriving.put(line.rstrip("\n"))
        self._arriving.put(None)

    def wait_for(self, words: str) -> str:
        """Wait for a line that contains `words`, and return it."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            line = self._next(deadline, f"a line with {words!r}")
            assert line is not None, f"the program ended before it said {words!r}; it said {self.lines}"
            if words in line:
                return line

    def finish(self) -> list[str]:
        """Wait for the program's own end, which has to be a good one; return all it said."""
        deadline = time.monotonic() + PATIENCE_S
        while self._next(deadline, "the end") is not None:
            pass
        code = self.process.wait(PATIENCE_S)
        assert code == 0, f"exit code {code} after {self.lines}"
        return self.lines

    def interrupt(self) -> list[str]:
        """End it as Ctrl-C does; return all it said."""
        self.process.send_signal(signal.SIGINT)
        return self.finish()

    def _next(self, deadline: float, what: str) -> str | None:
        try:
            line = self._arriving.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise AssertionError(f"waited in vain for {what}; the program said {self.lines}") from None
        if line is not None:
            self.lines.append(line)
        return line


@contextmanager
def running(path: Path, *args: object, engine: str = "selvage") -> Iterator[Program]:
    """Run a program and see to it that it is over afterwards."""
    program = Program(path, *args, engine=engine)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.process.kill()
        program.process.wait()
        program._reader.join(PATIENCE_S)
        assert program.process.stdout is not None
        program.process.stdout.close()


def dial(port: int) -> socket.socket:
    """Connect to a program, which may still be starting."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, f"nobody listens on port {port}"
            time.sleep(0.02)


def framed(data: bytes) -> bytes:
    """What Int32StringReceiver puts on the wire for one string."""
    return len(data).to_bytes(4, "big") + data


def receive(connection: socket.socket, size: int) -> bytes:
    """Read exactly so many bytes."""
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, f"the connection ended after {data!r}"
        data += piece
    return data
