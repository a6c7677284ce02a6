"""`selvage twistd`, `selvage trial`, `selvage twist`: Twisted's commands on Selvage's reactor."""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from selvage._launch import COMMANDS
from tests.examples.programs import dial, free_port

ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 30

needs_twisted = pytest.mark.skipif(
    importlib.util.find_spec("twisted") is None, reason="Twisted is not installed"
)

TAC = """
from twisted.application import service
from twisted.application.internet import StreamServerEndpointService
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory, Protocol


class Tell(Protocol):
    def connectionMade(self):
        self.transport.write(type(reactor).__module__.encode())
        self.transport.loseConnection()


application = service.Application("tell")
endpoint = serverFromString(reactor, "tcp:{port}:interface=127.0.0.1")
StreamServerEndpointService(endpoint, Factory.forProtocol(Tell)).setServiceParent(application)
"""

TESTS = """
import subprocess
import sys

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

CHILD = "import twisted; print('selvage' in twisted.__path__[0], end='')"


class Place(TestCase):
    def test_reactor(self):
        self.assertEqual(type(reactor).__module__, "selvage.reactor")
        return deferLater(reactor, 0, lambda: None)

    def test_child(self):
        self.assertEqual(subprocess.check_output([sys.executable, "-c", CHILD]), b"True")

    def test_failing(self):
        self.fail("on purpose")
"""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "selvage", *arguments]


def everything_from(port: int) -> bytes:
    """Connect as soon as somebody listens, and read all that it says."""
    with dial(port) as peer:
        said = b""
        while piece := peer.recv(4096):
            said += piece
        return said


@pytest.fixture
def serve(tmp_path: Path):
    """Start a command that serves; it is interrupted afterwards and has to end well."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                command(*arguments),
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield start
    for program in started:
        program.send_signal(signal.SIGINT)
        try:
            said, _ = program.communicate(timeout=PATIENCE_S)
        finally:
            program.kill()
        assert "Traceback" not in said, said


@needs_twisted
@pytest.mark.slow
def test_twistd_runs_an_application(tmp_path: Path, serve) -> None:
    port = free_port()
    (tmp_path / "tell.tac").write_text(TAC.format(port=port))
    serve("twistd", "--nodaemon", "--python", "tell.tac", "--pidfile", "")
    assert everything_from(port) == b"selvage.reactor"


@needs_twisted
@pytest.mark.slow
def test_twistd_becomes_a_daemon(tmp_path: Path) -> None:
    """It forks after it has loaded the application and before the reactor has a loop."""
    port = free_port()
    (tmp_path / "tell.tac").write_text(TAC.format(port=port))
    subprocess.run(
        command("twistd", "--python", "tell.tac", "--pidfile", "pid", "--logfile", "log"),
        cwd=tmp_path,
        check=True,
        timeout=PATIENCE_S,
    )
    pid = int((tmp_path / "pid").read_text())
    try:
        assert everything_from(port) == b"selvage.reactor"
    finally:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE_S
        while (tmp_path / "pid").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert not (tmp_path / "pid").exists()
    assert "Traceback" not in (tmp_path / "log").read_text()


@needs_twisted
@pytest.mark.slow
def test_twist_serves_files(tmp_path: Path, serve) -> None:
    port = free_port()
    (tmp_path / "hello.txt").write_text("hello from a file")
    program = serve("twist", "web", "--listen", f"tcp:{port}:interface=127.0.0.1", "--path", ".")
    with dial(port) as peer:
        peer.sendall(b"GET /hello.txt HTTP/1.0\r\n\r\n")
        said = b""
        while piece := peer.recv(4096):
            said += piece
    assert said.endswith(b"hello from a file")
    program.send_signal(signal.SIGINT)
    log, _ = program.communicate(timeout=PATIENCE_S)
    assert "selvage.reactor.Reactor" in log


@needs_twisted
@pytest.mark.slow
@pytest.mark.parametrize("how", [[], ["-j2"]], ids=["one process", "two workers"])
def test_trial_runs_tests_here_and_in_its_workers(tmp_path: Path, how: list[str]) -> None:
    (tmp_path / "test_place.py").write_text(TESTS)
    done = subprocess.run(
        command("trial", *how, "test_place"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "(failures=1, successes=2)" in said
    assert "on purpose" in said


@needs_twisted
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_has_its_own_help(name: str) -> None:
    done = subprocess.run(command(name, "--help"), capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0
    assert f"{name} [options]" in done.stdout


@needs_twisted
def test_commands_are_those_of_twisted() -> None:
    theirs = {
        point.name: point.value
        for point in entry_points(group="console_scripts")
        if point.dist is not None and point.dist.name.lower() == "twisted"
    }
    for name, (module, function) in COMMANDS.items():
        assert theirs[name] == f"{module}:{function}"


@pytest.mark.slow
def test_without_twisted_it_is_said_what_is_missing() -> None:
    program = (
        "from selvage import _wing, cli\n"
        "_wing.WingFinder._installed_spec = lambda self, fullname, path: None\n"
        "cli.main(['twistd', '--version'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert done.stderr.startswith("selvage twistd: No module named 'twisted.scripts")
    assert "pip install twisted" in done.stderr


def test_distribution_of_plain_names_points_at_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    """packaging/selvage-commands installs them under the names that Twisted's scripts have."""
    from selvage import _launch

    project = tomllib.loads((ROOT / "packaging" / "selvage-commands" / "pyproject.toml").read_text())
    scripts = project["project"]["scripts"]
    assert sorted(scripts) == sorted(COMMANDS)
    ran = []
    monkeypatch.setattr(_launch, "run_command", lambda name, arguments: ran.append((name, arguments)))
    for name, target in scripts.items():
        monkeypatch.setattr(sys, "argv", [f"/bin/{name}", "--some", "option"])
        module, _, function = target.partition(":")
        getattr(importlib.import_module(module), function)()
    assert ran == [(name, ["--some", "option"]) for name in scripts]
