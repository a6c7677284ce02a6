"""examples/keep_running.py: what it starts is started again, and ends with it."""

from __future__ import annotations

import sys

import pytest

from .programs import ROOT, running

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "examples" / "keep_running.py"


def test_programs_run_until_it_is_interrupted():
    short = f"{sys.executable} -c 'print(\"short was here\")'"
    deaf = (
        f"{sys.executable} -uc 'import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        'print("deaf was here"); signal.pause()\''
    )
    with running(EXAMPLE, short, deaf) as program:
        program.wait_for("deaf was here")
        program.wait_for("short was here")
        program.wait_for("short was here")  # a second later, for it ended at once
        program.interrupt()


def test_what_is_no_program_is_named():
    with (
        running(EXAMPLE, "no-such-program") as program,
        pytest.raises(AssertionError, match="there is no program"),
    ):
        program.finish()
