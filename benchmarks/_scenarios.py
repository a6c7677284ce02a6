"""What is measured: each scenario yields samples of one peer; DESIGN.md's budgets stand beside them."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ._peers import BenchmarkError, native, python, run_json, selvage, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM_UP_S = 0.3
LOAD_S = 1.5
IDLE_CONNECTIONS = 10_000

Samples = dict[str, dict[str, float]]  # row name -> unit -> value; every unit here is "less is better"


@dataclass(frozen=True, slots=True)
class Budget:
    """Selvage has to reach `at_least` times `against`, in `unit` (the ratio of what the two spend)."""

    row: str
    at_least: float
    against: str = "twisted"
    unit: str = "cpu_us"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of measurement: its peers, its budgets, and how to take one sample of one peer."""

    name: str
    peers: dict[str, list[str] | None]
    budgets: list[Budget] = field(default_factory=list)
    rounds: int = 5

    def sample(self, peer: str) -> Samples:
        raise NotImplementedError


class InProcess(Scenario):
    """A program that measures itself and prints nanoseconds per operation."""

    def sample(self, peer: str) -> Samples:
        command = self.peers[peer]
        assert command is not None
        return {name: {"cpu_us": ns / 1e3} for name, ns in run_json(command).items()}


class Start(Scenario):
    """A program that starts a service and ends; how long, and how large it was."""

    def sample(self, peer: str) -> Samples:
        command = self.peers[peer]
        assert command is not None
        start = time.monotonic()
        told = run_json(command)
        return {self.name: {"wall_ms": (time.monotonic() - start) * 1e3, **told}}


@dataclass(frozen=True, slots=True)
class Loaded(Scenario):
    """A server under load from a second process."""

    load: str = "exchange"
    connections: int = 100
    message: bytes = b""
    operations: int = 1  # how many operations one exchange is

    def sample(self, peer: str) -> Samples:
        command = self.peers[peer]
        assert command is not None
        with serving(command) as server, self._message_file() as file:
            self._drive(server.port, WARM_UP_S, file)
            before = server.cpu_ns()
            rate, done = self._drive(server.port, LOAD_S, file)
            spent_us = (server.cpu_ns() - before) / 1e3
        return {
            self.name: {
                "cpu_us": spent_us / (done * self.operations),
                "wall_us": 1e6 / (rate * self.operations),
            }
        }

    @contextlib.contextmanager
    def _message_file(self) -> Iterator[str]:
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.message)
            file.flush()
            yield file.name

    def _drive(self, port: int, seconds: float, file: str) -> tuple[float, int]:
        command = native("load", self.load, str(port), str(self.connections), str(seconds), file)
        if command is None:
            raise BenchmarkError("the load generator needs a C compiler (cc)")
        printed = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout.split()
        return float(printed[0]), int(printed[1])


class Opened(Loaded):
    """Connections opened and held: the cost of each, and the memory that an idle one takes."""

    def sample(self, peer: str) -> Samples:
        command = self.peers[peer]
        assert command is not None
        with serving(command) as server, self._message_file() as file:
            self._hold(server.port, 500, file).close()  # the first few grow tables that all later ones share
            time.sleep(0.5)
            memory, cpu = server.resident_bytes(), server.cpu_ns()
            held = self._hold(server.port, self.connections, file)
            spent_us = (server.cpu_ns() - cpu) / 1e3
            taken = server.resident_bytes() - memory
            rate = held.rate
            held.close()
        return {
            self.name: {"cpu_us": spent_us / self.connections, "wall_us": 1e6 / rate},
            "idle connection": {"bytes": taken / self.connections},
        }

    def _hold(self, port: int, count: int, file: str) -> Held:
        command = native("load", "hold", str(port), str(count), "0", file)
        if command is None:
            raise BenchmarkError("the load generator needs a C compiler (cc)")
        return Held(command)


class Held:
    """A load process that keeps its connections open until it is closed."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        printed = self.process.stdout.readline().split()
        if not printed:
            self.close()
            raise BenchmarkError("the load could not open its connections")
        self.rate = float(printed[0])

    def close(self) -> None:
        self.process.communicate()


def _servers(mode: str) -> dict[str, list[str] | None]:
    peers: dict[str, list[str] | None] = {"C epoll": native("server", mode)}
    if mode == "echo":
        peers["uvloop"] = python("uvloop_server.py")
    else:
        peers["asyncio streams"] = python("streams_server.py", mode)
    return {
        **peers,
        "twisted": python("twisted_server.py", mode),
        "selvage": selvage("twisted_server.py", mode),
    }


def _results() -> list[Scenario]:
    return [
        InProcess(
            "results",
            {
                "asyncio": python("asyncio_results.py"),
                "twisted": python("twisted_results.py"),
                "selvage": selvage("twisted_results.py"),
            },
            [
                Budget("Deferred with 4 callbacks", 2.0),
                Budget("raise in a callback, trap", 2.5),
                Budget("Failure() in except", 2.0),
                Budget("Failure() in except, 50 deep", 2.0),
                Budget("getTraceback of 20 frames", 0.7),
                Budget("inlineCallbacks, 2 yields", 2.0),
                Budget("coroutine, 2 awaits", 1.4),
                Budget("coroutine, await pending", 1.4),
                Budget("gatherResults of 10", 2.0),
                Budget("DeferredList of 10", 2.0),
            ],
        ),
        InProcess(
            "timers",
            {
                "uvloop": python("uvloop_timers.py"),
                "twisted": python("twisted_timers.py"),
                "selvage": selvage("twisted_timers.py"),
            },
            [
                Budget("timers: schedule", 1.5),
                Budget("timers: fire", 2.0),
                Budget("timers: cancel", 1.2),
            ],
        ),
        Start(
            "start",
            {
                "uvloop": python("uvloop_start.py"),
                "twisted": python("twisted_start.py"),
                "selvage": selvage("twisted_start.py"),
            },
            [
                Budget("start", 204 / 100, unit="wall_ms"),
                Budget("start", 44 / 28, unit="resident_mib"),
            ],
        ),
    ]


def _transports() -> list[Scenario]:
    line = b"x" * 62 + b"\r\n"
    frame = struct.pack("!I", 60) + b"x" * 60
    return [
        Loaded(
            "echo",
            _servers("echo"),
            [Budget("echo", 0.97, against="uvloop")],
            connections=100,
            message=b"x" * 64,
        ),
        Loaded(
            "lines",
            _servers("lines"),
            [Budget("lines", 2.0)],
            connections=50,
            message=line * 16,
            operations=16,
        ),
        Loaded(
            "frames",
            _servers("frames"),
            [Budget("frames", 2.0)],
            connections=50,
            message=frame * 16,
            operations=16,
        ),
        Loaded(
            "connect",
            _servers("echo"),
            [Budget("connect", 1.35)],
            load="churn",
            connections=20,
            message=b"x" * 64,
        ),
        Opened(
            "open 10,000",
            _servers("echo"),
            [
                Budget("open 10,000", 1.3),
                Budget("idle connection", 1 / 1.3, against="uvloop", unit="bytes"),
            ],
            rounds=3,
            connections=IDLE_CONNECTIONS,
            message=b"x" * 64,
        ),
    ]


def all_scenarios() -> list[Scenario]:
    """Every scenario, those over sockets first."""
    if not Path("/proc/self/schedstat").exists():
        raise BenchmarkError("the benchmarks read the kernel's /proc: they run on Linux only")
    return [*_transports(), *_results()]
