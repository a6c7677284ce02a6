"""What is measured: each scenario yields samples of one peer; DESIGN.md's budgets stand beside them."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ._peers import (
    BenchmarkError,
    Server,
    allow_descriptors,
    certificate,
    has_package,
    native,
    python,
    run_json,
    selvage,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM_UP_S = 0.3
LOAD_S = 1.5
IDLE_CONNECTIONS = 10_000
SUBSCRIBERS = 5_000
OWN_DESCRIPTORS = 16  # more than any server opens for itself once it has said where it listens
PATIENCE_S = 30  # a server that takes longer to close what its peers have closed has lost track of it

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


class Children(Scenario):
    """A program that measures itself while it starts others, and prints what each of them took."""

    def sample(self, peer: str) -> Samples:
        command = self.peers[peer]
        assert command is not None
        told: Any = run_json(command)
        return {row: dict(units) for row, units in told.items()}


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
    family: str = "tcp"  # or "unix", "udp"

    def sample(self, peer: str) -> Samples:
        with self._serving(peer) as server, self._message_file() as file:
            self._drive(server, WARM_UP_S, file)
            before = server.cpu_ns()
            load = self._drive(server, LOAD_S, file)
            spent_us = (server.cpu_ns() - before) / 1e3
        return {self.name: self._units(load, spent_us, self.operations)}

    @staticmethod
    def _units(load: Printed, spent_us: float, operations: int = 1) -> dict[str, float]:
        return {
            "cpu_us": spent_us / (load.done * operations),
            "wall_us": 1e6 / (load.rate * operations),
            "load_busy": load.busy,
        }

    @contextlib.contextmanager
    def _serving(self, peer: str) -> Iterator[Server]:
        command = self.peers[peer]
        assert command is not None
        # Both sides hold this many, and a few of their own.
        allow_descriptors(self.connections + 200)
        with tempfile.TemporaryDirectory() as folder:
            path = [f"{folder}/socket"] if self.family == "unix" else []
            with serving([*command, *path]) as server:
                yield server

    @contextlib.contextmanager
    def _message_file(self) -> Iterator[str]:
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.message)
            file.flush()
            yield file.name

    def _load(self, mode: str, server: Server, connections: int, seconds: float, file: str) -> list[str]:
        address = f"udp:{server.address}" if self.family == "udp" else server.address
        command = native("load", mode, address, str(connections), str(seconds), file)
        if command is None:
            raise BenchmarkError("the load generator needs a C compiler (cc)")
        return command

    def _drive(self, server: Server, seconds: float, file: str) -> Printed:
        command = self._load(self.load, server, self.connections, seconds, file)
        return Printed.of(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout)


class OverTLS(Loaded):
    """A server with TLS under load from a second process."""

    @contextlib.contextmanager
    def _serving(self, peer: str) -> Iterator[Server]:
        command = self.peers[peer]
        assert command is not None
        with tempfile.TemporaryDirectory() as folder, serving([*command, certificate(folder)]) as server:
            yield server

    def _load(self, mode: str, server: Server, connections: int, seconds: float, file: str) -> list[str]:
        command = native("tls_load", mode, server.address, str(connections), str(seconds), file)
        if command is None:
            raise BenchmarkError("the load generator needs a C compiler (cc) and OpenSSL's headers")
        return command


class Opened(Loaded):
    """Connections opened, held and closed: the cost of each, and the memory that an idle one takes."""

    def sample(self, peer: str) -> Samples:
        with self._serving(peer) as server, self._message_file() as file:
            # The first few grow tables that all later ones share.
            few = server.descriptors() + OWN_DESCRIPTORS
            self._hold(server, 500, file).close()
            self._wait_until_closed(server, few)
            memory, cpu = server.resident_bytes(), server.cpu_ns()
            held = self._hold(server, self.connections, file)
            opening_us = (server.cpu_ns() - cpu) / 1e3
            taken = server.resident_bytes() - memory
            cpu = server.cpu_ns()
            held.close()
            self._wait_until_closed(server, few)
            closing_us = (server.cpu_ns() - cpu) / 1e3
        return {
            self.name: self._units(held.opened, opening_us),
            "idle connection": {"bytes": taken / self.connections},
            "close all": {"cpu_us": closing_us / self.connections},
        }

    def _hold(self, server: Server, count: int, file: str) -> Held:
        return Held(self._load("hold", server, count, 0, file))

    def _wait_until_closed(self, server: Server, few: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while server.descriptors() > few:
            if time.monotonic() > deadline:
                raise BenchmarkError(
                    f"{server.descriptors() - few} connections are open {PATIENCE_S} s later"
                )
            time.sleep(0.05)
        # Closed is not done with: what a turn of the loop leaves for the next.
        time.sleep(0.3)


class Published(Loaded):
    """One message to everybody, again and again; an operation is one delivery."""

    def sample(self, peer: str) -> Samples:
        with self._serving(peer) as server, self._message_file() as file:
            held = Held(self._load("publish", server, self.connections, 0, file))
            held.ask(str(WARM_UP_S))
            before = server.cpu_ns()
            load = held.ask(str(LOAD_S))
            spent_us = (server.cpu_ns() - before) / 1e3
            held.close()
        return {self.name: self._units(load, spent_us)}


class Held:
    """A load process that keeps its connections open until it is closed."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.opened = self._answer("the load could not open its connections")

    def ask(self, line: str) -> Printed:
        """Hand it a line and wait for what it prints."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return self._answer("the load gave up")

    def close(self) -> None:
        self.process.communicate()

    def _answer(self, otherwise: str) -> Printed:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.close()
            raise BenchmarkError(otherwise)
        return Printed.of(line)


class Printed(NamedTuple):
    """What the load tells of one drive."""

    rate: float
    done: int
    busy: float  # the share of the time that the load itself was on a processor

    @classmethod
    def of(cls, line: bytes) -> Printed:
        rate, done, busy = line.split()
        return cls(float(rate), int(done), float(busy))


def _tls_servers() -> dict[str, list[str] | None]:
    return {
        "uvloop": python("tls_protocol_server.py", "uvloop"),
        "asyncio": python("tls_protocol_server.py", "asyncio"),
        "twisted": python("tls_twisted_server.py"),
        "selvage": selvage("tls_twisted_server.py"),
        "selvage, ssl.SSLContext": python("tls_selvage_server.py"),
    }


def _servers(mode: str) -> dict[str, list[str] | None]:
    peers: dict[str, list[str] | None] = {"C epoll": native("server", mode)}
    if mode in ("lines", "frames"):
        peers["asyncio streams"] = python("streams_server.py", mode)
    else:
        peers["uvloop"] = python("protocol_server.py", "uvloop", mode)
    if mode in ("publish", "datagrams"):
        peers["asyncio"] = python("protocol_server.py", "asyncio", mode)
    return {
        **peers,
        "twisted": python("twisted_server.py", mode),
        "selvage": selvage("twisted_server.py", mode),
    }


class Clients(Scenario):
    """A client that measures itself against one and the same server."""

    def sample(self, peer: str) -> Samples:
        command = self.peers[peer]
        assert command is not None
        with serving(python("http_hello.py")) as server:
            told = run_json([*command, server.address])
        return {name: {"cpu_us": ns / 1e3} for name, ns in told.items()}


def _clients() -> list[Scenario]:
    return [
        Clients(
            "client",
            {
                "aiohttp": python("asyncio_client.py", "aiohttp") if has_package("aiohttp") else None,
                "httpx": python("asyncio_client.py", "httpx") if has_package("httpx") else None,
                "twisted": python("twisted_client.py", "agent"),
                "treq on twisted": python("twisted_client.py", "treq") if has_package("treq") else None,
                "treq on selvage": selvage("twisted_client.py", "treq") if has_package("treq") else None,
                "selvage Client": python("selvage_client.py"),
                "selvage": selvage("twisted_client.py", "agent"),
            },
            [Budget("client, 32 in flight", 2.3)],
        ),
    ]


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
                Budget("getTraceback of 20 places", 1.0),
                Budget("raise, Failure(), getTraceback", 1.0),
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
        Children(
            "trial",
            {"twisted": python("twisted_trial.py"), "selvage": selvage("twisted_trial.py")},
            [Budget("trial: 2,000 tests", 1.0)],
        ),
        Children(
            "trial with workers",
            {
                "twisted": python("twisted_trial.py", "2"),
                "selvage -j 1": selvage("twisted_trial.py", "1"),
                "selvage": selvage("twisted_trial.py", "2"),
            },
            # Two workers wait half as long as one; starting them takes its part of that.
            [Budget("trial: tests that wait", 1.2, against="selvage -j 1", unit="wall_us")],
            rounds=3,
        ),
        Children(
            "processes",
            {
                "uvloop": python("asyncio_processes.py"),
                "twisted": python("twisted_processes.py"),
                "selvage": selvage("twisted_processes.py"),
            },
            # What the system takes to start one is most of it, for everybody.
            [Budget("processes", 0.85), Budget("getProcessOutput", 0.85)],
        ),
        InProcess(
            "log",
            {
                "standard logging": python("standard_log.py"),
                "twisted": python("twisted_log.py"),
                "selvage": selvage("twisted_log.py"),
            },
            [
                Budget("log event to a file", 1.5),
                Budget("log event, disabled", 3.0),
                Budget("log event, disabled, class's logger", 3.0),
                Budget("log.msg to a file", 1.5),
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
            rounds=9,  # as dear as the bare loop, so what is held is as small as the noise
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
        OverTLS(
            "TLS echo",
            _tls_servers(),
            [Budget("TLS echo", 2.5)],
            connections=50,
            message=b"x" * 64,
        ),
        OverTLS("TLS echo, 16 KiB", _tls_servers(), connections=20, message=b"x" * 16384),
        OverTLS("TLS handshakes", _tls_servers(), load="handshake", connections=20, message=b"x"),
        Loaded(
            "udp echo",
            _servers("datagrams"),
            [Budget("udp echo", 1.3)],
            rounds=9,
            connections=100,
            message=b"x" * 64,
            family="udp",
        ),
        Loaded(
            "unix echo",
            _servers("echo"),
            # The transport that carries descriptors does not ride the loop's. Measured 3.3 where nothing else runs and 2.2 on
            # a busy machine, where each turn of the loop has less to do; C 7, uvloop 5.
            [Budget("unix echo", 2.0)],
            connections=100,
            message=b"x" * 64,
            family="unix",
        ),
        Published(
            "fan-out to 5,000",
            _servers("publish"),
            # Nothing lies between a `write` and the loop's: measured 2.3 and 1.0.
            [Budget("fan-out to 5,000", 2.0), Budget("fan-out to 5,000", 0.9, against="uvloop")],
            connections=SUBSCRIBERS,
            message=b"x" * 1024,
        ),
        Loaded(
            "connect",
            _servers("echo"),
            [Budget("connect", 1.35)],
            rounds=9,  # the kernel does most of the work, and its mood is most of the noise
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
                Budget("close all", 1.2),  # measured 1.3 to 1.5
            ],
            connections=IDLE_CONNECTIONS,
            message=b"x" * 64,
        ),
    ]


def all_scenarios() -> list[Scenario]:
    """Every scenario, those over sockets first."""
    if not Path("/proc/self/schedstat").exists():
        raise BenchmarkError("the benchmarks read the kernel's /proc: they run on Linux only")
    return [*_transports(), *_clients(), *_results()]
