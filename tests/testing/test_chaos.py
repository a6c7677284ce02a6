"""`selvage chaos`: what its options mean, and the proxy between real programs."""

from __future__ import annotations

import io
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from selvage import cli
from selvage.testing.chaos import faults_from
from selvage.testing.chaos._output import Output
from selvage.testing.faults import (
    Bandwidth,
    ConnectTimeout,
    Corrupt,
    Cut,
    Delay,
    Fault,
    FaultPlan,
    Fragment,
    HalfClose,
    Injected,
    Refuse,
    SlowConnect,
)

PATIENCE_S = 30


@pytest.mark.parametrize(
    ("option", "text", "fault"),
    [
        ("cut", "0.01", Cut(0.01)),
        ("cut", "1@0..64k", Cut(1, (0, 65536))),
        ("corrupt", "0.5@100", Corrupt(0.5, 100)),
        ("half-close", ".25@1k", HalfClose(0.25, 1024)),
        ("refuse", "0.1", Refuse(0.1)),
        ("timeout", "0.1@1s..2min", ConnectTimeout(0.1, (1, 120))),
        ("delay", "50ms..2s", Delay((0.05, 2))),
        ("delay", "3@0.3", Delay(3, 0.3)),
        ("slow-connect", "500us..1s", SlowConnect((0.0005, 1))),
        ("bandwidth", "1.5M", Bandwidth(1536 * 1024)),
        ("bandwidth", "1k..2k", Bandwidth((1024, 2048))),
        ("fragment", "1..16@5ms", Fragment((1, 16), 0.005)),
    ],
)
def test_what_options_mean(option: str, text: str, fault: Fault) -> None:
    assert faults_from({option: text}) == [fault]


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        ("cut", "often", "--cut often: WHICH is a number from 0 to 1, not 'often'$"),
        ("cut", "-0.1", "--cut -0.1: WHICH is a number from 0 to 1, not '-0.1'$"),
        ("cut", "2", "WHICH is a number from 0 to 1, not '2'$"),
        ("cut", "0..1", "WHICH is a number from 0 to 1, not '0..1'$"),
        ("cut", "nan", "not 'nan'$"),
        ("cut", "0.1@", "--cut 0.1@: BYTE is a whole number from 0 up .with a unit: k, M, G., or a range"),
        ("cut", "0.1@1.5", "BYTE is a whole number from 0 up .*, not '1.5'$"),
        ("stall", "0.1@5..1", "BYTE is .* LOW..HIGH, not '5..1'$"),
        ("half-close", "0.1@5@5", "BYTE is .*, not '5@5'$"),
        ("corrupt", "0.1@-5..5", "BYTE is .*, not '-5..5'$"),
        ("refuse", "0.1@5", "--refuse 0.1@5: WHICH is a number from 0 to 1, not '0.1@5'$"),
        (
            "timeout",
            "0.1@-1s",
            "AFTER is a number from 0 up .with a unit: us, ms, s, min., or .*, not '-1s'$",
        ),
        ("slow-connect", "1s@-1", "WHICH is a number from 0 to 1, not '-1'$"),
        ("fragment", "0", "SIZE is a whole number from 1 up .*, not '0'$"),
        ("fragment", "1@", "PAUSE is a number from 0 up .*, not ''$"),
        ("bandwidth", "", "--bandwidth : BYTES is a number from 1 up .*, not ''$"),
        ("bandwidth", "1..", "BYTES is .*, not '1..'$"),
        ("delay", "1s@", "--delay 1s@: WHICH is a number from 0 to 1, not ''$"),
        ("delay", "5 parsecs", "--delay 5 parsecs: DURATION is .*, not '5 parsecs'$"),
        ("delay", "2s..1s", "--delay 2s..1s: DURATION is .* LOW..HIGH, not '2s..1s'$"),
        ("delay", "9" * 400, "DURATION is .*, not '9{200}'$"),
    ],
)
def test_what_makes_no_sense_is_named(option: str, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        faults_from({option: text})


def test_faults_strike_in_one_order_however_they_are_given() -> None:
    given = {"delay": "1s", "cut": "0.1", "bandwidth": None, "refuse": "0.1"}
    assert [fault.name for fault in faults_from(given)] == ["refuse", "cut", "delay"]


def test_a_wrong_command_line_is_status_1_or_2(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, status, words in [
        (["--to", "tcp:localhost:1"], 2, "Missing option '--listen'"),
        (["--listen", "tcp:0", "--to", "tcp:localhost:1", "--cut", "x"], 1, "--cut x: WHICH is a number"),
        (
            ["--listen", "tcp:0", "--to", "tcp:localhost:1", "--cut", "-0.1"],
            1,
            "--cut -0.1: WHICH is a number",
        ),
        (["--listen", "tcp:0", "--to", "tcp:localhost:1", "--cut=-0.1"], 1, "--cut -0.1: WHICH is a number"),
        (
            ["--listen", "tcp:0", "--to", "tcp:localhost:1", "--for", "-1s"],
            1,
            "--for -1s: DURATION is a number",
        ),
        (
            ["--listen", "tcp:0", "--to", "tcp:localhost:1", "--connections", "-1"],
            2,
            "-1 is not in the range",
        ),
        (
            ["--listen", "nonsense:0", "--to", "tcp:localhost:1"],
            1,
            "--listen nonsense:0: Unknown endpoint type",
        ),
        (["--listen", "tcp:0", "--to", "nonsense"], 1, "--to nonsense: Unknown endpoint type"),
        (
            ["--listen", "tcp:0", "--to", "tcp:localhost:1", "--for", "soon"],
            1,
            "--for soon: DURATION is a number",
        ),
        (["--listen", "tcp:0", "--to", "tcp:localhost:1", "--for", "0s"], 1, "--for 0s: the proxy would end"),
        (["--listen", "tcp:0", "--to", "tcp:localhost:1", "--connections", "0"], 2, "not in the range x>=1"),
        (["--listen", "tcp:0", "--to", "tcp:localhost:1", "--delay"], 2, "'--delay' requires an argument"),
    ]:
        with pytest.raises(SystemExit) as ended:
            cli.main(["chaos", *arguments])
        assert ended.value.code == status
        assert words in capsys.readouterr().err


def test_text_for_people() -> None:
    stream = io.StringIO()
    output = Output(stream, as_json=False, now=lambda: 1.5)
    plan = FaultPlan(Cut(0.5), seed=3)
    output.listening("127.0.0.1:9000", plan)
    output.event("connection", "connection 1", {"peer": "127.0.0.1:5\x1b[31m"})
    output.fault(Injected("cut", "connection 1", "sent", 77))
    output.fault(Injected("refuse", "connection 2"))
    output.event("closed", "connection 1", {"to_server": 10, "to_client": 1000, "reason": "ConnectionLost"})
    output.summary(plan)
    text = stream.getvalue()
    assert "listening on 127.0.0.1:9000, seed 3" in text
    assert "    1.500  #1    <- cut at byte 77\n" in text
    assert "    1.500  #2       refuse\n" in text
    assert "\x1b" not in text
    assert [line.split() for line in text.splitlines()[-4:]] == [
        ["seed", "3"],
        ["connections", "2"],
        ["bytes", "to", "server", "10"],
        ["bytes", "to", "client", "1,000"],
    ]
    assert (output.connections, output.over) == (2, 2)


# --- Between real programs -----------------------------------------------------------------------------------------


class EchoServer:
    """A live service: sends back what it gets, in order, until the client has finished, then closes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
            except OSError:
                pass

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def service() -> Iterator[EchoServer]:
    server = EchoServer()
    yield server
    server.close()


class Proxy:
    """`selvage chaos` in a process of its own."""

    def __init__(self, to: str, *options: str) -> None:
        arguments = ["--listen", "tcp:0:interface=127.0.0.1", "--to", to, *options]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "selvage", "chaos", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.events: list[dict[str, Any]] = []
        self.port = int(self.next_event("listening")["address"].rpartition(":")[2])

    def next_event(self, name: str) -> dict[str, Any]:
        """Read events up to the next of this name."""
        assert self._process.stdout is not None and self._process.stderr is not None
        for line in self._process.stdout:
            self.events.append(json.loads(line))
            if self.events[-1]["event"] == name:
                return self.events[-1]
        raise AssertionError(self._process.stderr.read())

    def interrupt(self, number: int = signal.SIGINT) -> dict[str, Any]:
        """End it as Ctrl-C or a service manager does; returns the summary."""
        self._process.send_signal(number)
        return self.end(0 if number == signal.SIGINT else 128 + number)

    def end(self, status: int = 0) -> dict[str, Any]:
        summary = self.next_event("summary")
        output, errors = self._process.communicate(timeout=PATIENCE_S)
        assert (self._process.returncode, output, errors) == (status, "", "")
        return summary

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate(timeout=PATIENCE_S)


@pytest.fixture
def chaos(service: EchoServer) -> Iterator[Any]:
    started: list[Proxy] = []

    def start(*options: str, to: str | None = None) -> Proxy:
        started.append(Proxy(to or f"tcp:127.0.0.1:{service.port}", *options))
        return started[-1]

    yield start
    for proxy in started:
        proxy.kill()


def talk(port: int, data: bytes) -> bytes:
    """Send, finish, and read to the end; what was read before a reset counts."""
    heard = b""
    try:
        # A reset may come as early as this.
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65536):
                heard += piece
    except ConnectionError:
        return heard + b"!"
    return heard


@pytest.mark.slow
def test_without_faults_it_is_a_plain_proxy(chaos: Any) -> None:
    proxy = chaos("--connections", "2", "--seed", "5")
    data = bytes(range(256)) * 4000
    assert talk(proxy.port, data) == data
    assert talk(proxy.port, b"") == b""
    summary = proxy.end()
    del summary["time"]
    assert summary == {
        "event": "summary",
        "seed": 5,
        "connections": 2,
        "bytes_to_server": len(data),
        "bytes_to_client": len(data),
        "faults": {},
    }
    assert {each["event"]: each for each in proxy.events}["closed"]["reason"] == "ConnectionDone"


@pytest.mark.slow
def test_the_same_seed_does_the_same_to_the_same_connections(chaos: Any) -> None:
    data = b"x" * 50_000

    def run() -> Any:
        proxy = chaos("--seed", "4", "--corrupt", "0.5@0..50k", "--refuse", "0.3", "--connections", "10")
        heard = [talk(proxy.port, data) for _ in range(10)]
        faults = proxy.end()["faults"]
        struck = sorted(
            (each["connection"], each["fault"], each["byte"] or 0, each["detail"])
            for each in proxy.events
            if each["event"] == "fault"
        )
        return heard, struck, faults

    heard, struck, faults = first = run()
    assert run() == first
    assert set(faults) == {"corrupt", "refuse"}
    assert heard.count(b"!") == faults["refuse"]
    assert any(len(each) == len(data) and each != data for each in heard)


@pytest.mark.slow
def test_cut_connections_are_reset_for_both_sides(chaos: Any) -> None:
    proxy = chaos("--cut", "1@0..50k", "--connections", "3")
    for _ in range(3):
        heard = talk(proxy.port, b"x" * 50_000)
        assert len(heard) < 50_000 and heard.endswith(b"!")
    assert proxy.end()["faults"]["cut"] >= 3
    assert [e["reason"] for e in proxy.events if e["event"] == "closed"] == ["ConnectionLost"] * 3


@pytest.mark.slow
@pytest.mark.parametrize("who", ["client", "service"])
def test_bytes_before_a_cut_arrive_on_either_side(chaos: Any, who: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        proxy = chaos("--cut", "1@5", to=f"tcp:127.0.0.1:{listening.getsockname()[1]}")
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S) as client:
            service, _ = listening.accept()
            with service:
                service.settimeout(PATIENCE_S)
                talker, listener = (client, service) if who == "client" else (service, client)
                talker.sendall(b"hello world")
                assert listener.recv(5, socket.MSG_WAITALL) == b"hello"
                for each in (talker, listener):
                    with pytest.raises(ConnectionResetError):
                        each.recv(1)
    (fault,) = [each for each in proxy.events if each["event"] == "fault"] or [proxy.next_event("fault")]
    assert (fault["fault"], fault["byte"]) == ("cut", 5)


@pytest.mark.slow
def test_what_is_slow_arrives_whole(chaos: Any) -> None:
    proxy = chaos(
        "--delay",
        "1ms..5ms",
        "--fragment",
        "100..5000@1ms",
        "--bandwidth",
        "10M",
        "--slow-connect",
        "1ms..20ms",
    )
    data = bytes(range(256)) * 100
    assert talk(proxy.port, data) == data
    assert {"delay", "fragment", "bandwidth", "slow connect"} <= set(proxy.interrupt()["faults"])


@pytest.mark.slow
def test_a_half_close_ends_one_direction(chaos: Any) -> None:
    proxy = chaos("--half-close", "1@10..20", "--seed", "2")
    heard = talk(proxy.port, b"x" * 1000)
    assert 10 <= len(heard) <= 20
    assert proxy.next_event("closed")["reason"] == "ConnectionDone"


@pytest.mark.slow
def test_a_half_close_is_told_to_who_still_sends(chaos: Any) -> None:
    proxy = chaos("--half-close", "1@3", "--seed", "2", "--connections", "1")
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S) as client:
        client.sendall(b"123")
        heard = b""
        while piece := client.recv(100):
            heard += piece
        assert heard == b"123"
    assert proxy.end()["faults"]["half-close"] >= 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_connected_at_the_end_counts(chaos: Any, number: int) -> None:
    proxy = chaos()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S) as client:
        client.sendall(b"hello")
        assert client.recv(5, socket.MSG_WAITALL) == b"hello"
        summary = proxy.interrupt(number)
    assert (summary["connections"], summary["bytes_to_server"], summary["bytes_to_client"]) == (1, 5, 5)
    assert proxy.events[-2]["event"] == "closed"
    assert proxy.events[-2]["reason"] == "the proxy has ended"


@pytest.mark.slow
def test_a_service_that_is_not_there_is_said(chaos: Any) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        proxy = chaos("--connections", "1", to=f"tcp:127.0.0.1:{nobody.getsockname()[1]}")
        assert talk(proxy.port, b"hello") == b"!"
        proxy.end()
    assert "refused" in {each["event"]: each for each in proxy.events}["unreachable"]["error"]


@pytest.mark.slow
def test_it_ends_in_time(chaos: Any) -> None:
    summary = chaos("--for", "10ms").end()
    assert summary["connections"] == 0


@pytest.mark.slow
@pytest.mark.external("curl")
def test_curl_sees_what_the_proxy_says(chaos: Any) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None
        port = server.stdout.readline().split(" port ")[1].split()[0]
        proxy = chaos("--cut", "1@1..100", "--connections", "1", to=f"tcp:127.0.0.1:{port}")
        done = subprocess.run(
            [curl, "--silent", "--show-error", f"http://127.0.0.1:{proxy.port}/"],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        # Nothing received, a reset while receiving, or less than was announced.
        assert done.returncode in (18, 52, 56), done.stderr
        assert proxy.end()["faults"]["cut"] >= 1
    finally:
        server.kill()
        server.communicate(timeout=PATIENCE_S)
