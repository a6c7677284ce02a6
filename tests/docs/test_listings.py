"""Every listing in README.md and docs/ runs.

A fenced block that starts with ```python is a program. A comment before it, invisible to the reader, says how it runs:

- no comment: it ends by itself with status 0;
- `<!-- prints -->` before a ```text block: the program above it prints exactly that;
- `<!-- serves PORT -->`: it listens on PORT (which the test replaces by a free one) until it is interrupted;
- `<!-- pytest NAME -->`: it is saved as NAME and its tests pass under pytest;
- `<!-- file NAME -->`: it is saved as NAME and run from there, so that tracebacks name it and have its lines;
- `<!-- continues -->`: it goes on from the block above it, in the same program;
- `<!-- needs twisted -->`: it uses modules that come from an installed Twisted;
- `<!-- needs structlog -->`: the same of another package.

A ```console block is for people and is not run.
"""

from __future__ import annotations

import importlib.util
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 30
FENCE = re.compile(
    r"^(?:<!-- (?P<directive>[^>]*?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Listing:
    name: str
    source: str
    output: str | None = None
    directives: set[str] = field(default_factory=set)

    @property
    def needed(self) -> list[str]:
        return [d.split()[1] for d in self.directives if d.startswith("needs ")]

    @property
    def file(self) -> str | None:
        return next((d.split()[1] for d in self.directives if d.startswith("file ")), None)

    @property
    def tests(self) -> str | None:
        return next((d.split()[1] for d in self.directives if d.startswith("pytest ")), None)

    @property
    def port(self) -> str | None:
        return next((d.split()[1] for d in self.directives if d.startswith("serves ")), None)


def listings_of(page: Path) -> list[Listing]:
    found: list[Listing] = []
    text = page.read_text()
    for match in FENCE.finditer(text):
        directive, language, body = match["directive"] or "", match["language"], match["text"]
        if language == "text" and directive == "prints":
            found[-1].output = body
        elif language == "python" and directive == "continues":
            found[-1].source += "\n" + body
        elif language == "python":
            line = text.count("\n", 0, match.start("text"))
            name = f"{page.relative_to(ROOT)}:{line}"
            found.append(
                Listing(name, body, directives={d.strip() for d in directive.split(",") if d.strip()})
            )
    return found


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LISTINGS = [listing for page in PAGES for listing in listings_of(page)]


def command(source: str) -> list[str]:
    return [sys.executable, "-X", "faulthandler", "-m", "selvage", "twisted", "-c", source]


@pytest.mark.slow
@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.name)
def test_listing_runs(listing: Listing, tmp_path: Path) -> None:
    for package in listing.needed:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the listing uses modules that come from an installed {package}")
    if listing.port is None:
        run_to_end(listing, tmp_path)
    else:
        run_until_interrupted(listing, tmp_path)


def run_to_end(listing: Listing, folder: Path) -> None:
    arguments = command(listing.source)
    if listing.tests is not None:
        (folder / listing.tests).write_text(listing.source)
        plugins = ["-p", "no:cacheprovider", "-p", "no:selvage", "-p", "selvage.testing.pytest_plugin"]
        arguments = [sys.executable, "-m", "pytest", *plugins, "-o", "selvage_mode=auto", listing.tests]
    if listing.file is not None:
        (folder / listing.file).write_text(listing.source)
        arguments[-2:] = [listing.file]
    done = subprocess.run(
        arguments, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if listing.output is not None:
        # A page knows no folder of this machine.
        assert done.stdout.replace(f"{folder}/", "") == listing.output, done.stderr


def run_until_interrupted(listing: Listing, folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert listing.port is not None and listing.port in listing.source
    process = subprocess.Popen(
        command(listing.source.replace(listing.port, str(port))),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert accepts(port, process), "it does not listen"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in errors, errors


def accepts(port: int, process: subprocess.Popen[str]) -> bool:
    """Wait until the program serves: a port that listens does not say yet that its reactor runs; one that hangs up does."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
                client.shutdown(socket.SHUT_WR)
                while client.recv(1000):
                    pass
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def test_there_are_listings() -> None:
    """The pattern above still finds what it is meant to find."""
    assert len(LISTINGS) >= 4
