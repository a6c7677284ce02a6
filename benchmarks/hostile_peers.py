"""What the limits on hostile peers cost: the figures of docs/howto/hostile-peers.md.

    python -m benchmarks.hostile_peers

Each server is a process of its own, and its figure is the CPU time of that process (`os.wait4`), less that of one which
served nobody.  The client is this process, over loopback.  Medians of `ROUNDS` interleaved rounds.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import time
import tracemalloc
from typing import Any

ROUNDS = 5
CONNECTIONS = 5_000
ROUND_TRIPS = 20_000
HEADER = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"


# --- The servers, by name --------------------------------------------------------------------------------------------


def factory_for(name: str) -> Any:
    from selvage.protocols import Factory, Protocol
    from selvage.protocols.haproxy import HAProxyWrappingFactory
    from selvage.protocols.policies import (
        LimitAcceptRateFactory,
        LimitConnectionsPerAddressFactory,
        LimitSlowReadersFactory,
    )
    from selvage.protocols.wire import Echo

    class Closing(Protocol):
        def connectionMade(self) -> None:
            self.transport.loseConnection()

    echo, closing = Factory.forProtocol(Echo), Factory.forProtocol(Closing)
    slow = LimitSlowReadersFactory(echo, max_unsent=1 << 20, stall_timeout_s=30)
    return {
        "closed by its protocol": closing,
        "refused: too many of one address": LimitConnectionsPerAddressFactory(closing, 0),
        "refused: one address too often": LimitAcceptRateFactory(closing, rate=1, burst=1),
        "refused: everybody too often": LimitAcceptRateFactory(closing, total_rate=1, total_burst=1),
        "refused: not a trusted proxy": HAProxyWrappingFactory(closing, trusted=["192.0.2.0/24"]),
        "echo": echo,
        "echo, accept rate": LimitAcceptRateFactory(echo, rate=1, total_rate=1),
        "echo, connections per address": LimitConnectionsPerAddressFactory(echo, 10),
        "echo, slow readers": slow,
        "echo, all three": LimitAcceptRateFactory(
            LimitConnectionsPerAddressFactory(slow, 10), rate=1, total_rate=1
        ),
        "echo, behind a proxy": HAProxyWrappingFactory(echo),
    }[name]


def serve(name: str) -> None:
    from selvage import get_reactor

    reactor: Any = get_reactor()
    port = reactor.listenTCP(0, factory_for(name), interface="127.0.0.1", backlog=1024)
    print(port.getHost().port, flush=True)
    reactor.run()


# --- The client ------------------------------------------------------------------------------------------------------


def connect_often(port: int) -> None:
    for _ in range(CONNECTIONS):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.recv(1)


def echo(port: int, header: bytes = b"") -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(header)
        for _ in range(ROUND_TRIPS):
            connection.sendall(b"x" * 64)
            connection.recv(64)


def cpu_of(name: str, load: Any) -> float:
    """Return the CPU seconds of a server under `load`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.hostile_peers", "serve", name],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    load(int(process.stdout.readline()))
    process.terminate()
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_utime + usage.ru_stime


def measure(names: list[str], load: Any, operations: int) -> None:
    figures: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(ROUNDS):
        for name in names:
            idle = cpu_of(name, lambda port: None)
            header = HEADER if name.endswith("proxy") and name.startswith("echo") else b""
            busy = cpu_of(name, (lambda port, header=header: load(port, header)) if load is echo else load)
            figures[name].append((busy - idle) / operations * 1e6)
    for name in names:
        print(f"{name:40s} {statistics.median(figures[name]):6.1f} us")


# --- What needs no network -------------------------------------------------------------------------------------------


def tables() -> None:
    from selvage.addresses import IPv6Address
    from selvage.protocols import Factory, Protocol
    from selvage.protocols.policies import LimitAcceptRateFactory, LimitSlowReadersFactory
    from selvage.tasks import Clock
    from selvage.testing import StringTransport

    factory = LimitAcceptRateFactory(Factory.forProtocol(Protocol), rate=1, reactor=Clock())
    tracemalloc.start()
    for number in range(1 << 16):
        factory.buildProtocol(IPv6Address("TCP", f"2001:db8:{number:x}::1", 1))
    print(
        f"{'a network whose rate is remembered':40s} {tracemalloc.get_traced_memory()[0] / (1 << 16):6.0f} bytes"
    )
    tracemalloc.stop()

    class Transport(StringTransport):
        def unsent_bytes(self) -> int:
            return 0

    clock = Clock()
    slow = LimitSlowReadersFactory(Factory.forProtocol(Protocol), stall_timeout_s=20, reactor=clock)
    for _ in range(10_000):
        slow.buildProtocol(None).makeConnection(Transport())
    times = []
    for _ in range(20):
        begin = time.process_time()
        clock.advance(5)
        times.append(time.process_time() - begin)
    print(f"{'one look at 10,000 connections':40s} {statistics.median(times) * 1e3:6.1f} ms")


def system_buffers() -> None:
    """How much the system takes for a peer that never reads."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        sender, _ = server.accept()
        sender.setblocking(False)
        taken = 0
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < 0.5:
            try:
                taken += sender.send(b"x" * 65536)
                quiet_since = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
        client.close()
        sender.close()
    print(f"{'taken by the system for one who never reads':40s} {taken / (1 << 20):6.1f} MiB")


def main() -> None:
    measure(
        [
            "closed by its protocol",
            "refused: too many of one address",
            "refused: one address too often",
            "refused: everybody too often",
            "refused: not a trusted proxy",
        ],
        connect_often,
        CONNECTIONS,
    )
    measure(
        [
            "echo",
            "echo, accept rate",
            "echo, connections per address",
            "echo, slow readers",
            "echo, all three",
            "echo, behind a proxy",
        ],
        echo,
        ROUND_TRIPS,
    )
    tables()
    system_buffers()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2])
    else:
        main()
