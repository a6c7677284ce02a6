"""What a fresh process has to load before its first port listens: what the engine needs anyway, and little else."""

from __future__ import annotations

import subprocess
import sys

# What the loop and zope.interface load by themselves.
ENGINE = """
import asyncio, zope.interface
try:
    import uvloop
except ImportError:
    pass
"""

PROGRAM = """
from selvage.protocols import Factory, Protocol
from selvage.reactor import get_reactor
get_reactor().listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
"""

# Beyond that, and why.
ALLOWED = {
    "__future__",
    "_blake2",  # fingerprints of failures
    "_bisect",
    "bisect",  # the timer heap
    "copy",  # by dataclasses
    "dataclasses",  # failure.Report
    "zope.interface.adapter",  # components adapt to protocols and consumers
    # ReconnectingClientFactory's jitter.
    "_random",
    "_sha2",
    "_sha512",
    "random",
}


def loaded_by(program: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", program + "\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_listening_loads_little_beyond_the_engine():
    extra = {name for name in loaded_by(PROGRAM) - loaded_by(ENGINE) if name.partition(".")[0] != "selvage"}
    assert extra <= ALLOWED, f"start-up became heavier by {sorted(extra - ALLOWED)}"


def test_endpoints_load_no_tls_before_it_is_used():
    for face in ("selvage.endpoints", "selvage.twisted.internet.endpoints"):
        loaded = loaded_by(f"import {face}")
        assert "selvage.endpoints._tls" in loaded
        assert not {"selvage.tls", "selvage.protocols.tls", "selvage.transports.tls"} & loaded


def test_no_command_line_and_no_rich_output_in_a_program():
    loaded = loaded_by(PROGRAM)
    assert not loaded & {
        "click",
        "rich",
        "selvage.cli",
        "selvage.demo",
        "selvage.testing",
        "selvage._wing",
        "twisted",
    }


def test_the_wing_loads_nothing_of_weight():
    wing = "from selvage import install_twisted\ninstall_twisted()\nimport twisted.internet.reactor\n"
    loaded = loaded_by(PROGRAM + wing) - loaded_by(PROGRAM)
    assert not {"inspect", "importlib.resources", "tempfile", "pathlib", "zipfile", "email"} & loaded
