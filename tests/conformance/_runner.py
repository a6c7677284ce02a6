"""Runs test modules, each in a process and a scratch folder of its own, a few at a time, each with a time limit."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["ModuleResult", "run_modules"]

#: Seconds that one module may take; the slowest takes about 25 on real Twisted here.
TIME_LIMIT = 120.0

_PROGRAM = Path(__file__).with_name("_run_module.py")


@dataclass
class ModuleResult:
    """What one run of one test module gave."""

    module: str
    outcomes: dict[str, str] = field(default_factory=dict)
    """Test id to the worst that was said of it: passed, todo, skipped, failed, error, unexpected success, unfinished."""
    texts: dict[str, str] = field(default_factory=dict)
    """Test id to the tracebacks of a test that did not pass."""
    seconds: float = 0.0
    ended: str = ""
    """How the process ended when it did not come to its end: "killed after 120 s", "exit status -11"."""
    output: str = ""
    """The last of what the process printed."""


def run_modules(
    modules: list[str],
    *,
    listed: Collection[str] | None,
    jobs: int,
    time_limit: float = TIME_LIMIT,
    real_trial: bool = False,
    each: Callable[[ModuleResult], object] = lambda result: None,
) -> dict[str, ModuleResult]:
    """Run `modules`, `jobs` at a time.

    Args:
        listed: run on Selvage; these tests are known not to pass.  None runs on real Twisted.
        real_trial: on Selvage, have the installed Twisted's trial run them, not Selvage's.
        each: called with every result as it comes.
    """
    results: dict[str, ModuleResult] = {}
    # The name is short: tests bind Unix sockets below it, and such a path may have no more than about 100 bytes.
    scratch = Path(tempfile.mkdtemp(prefix="cf-"))
    try:
        known: Path | None = None
        if listed is not None:
            known = scratch / "listed"
            known.write_text("\n".join(sorted(listed)), encoding="utf-8")
        with ThreadPoolExecutor(jobs) as pool:
            running = [
                pool.submit(run_one, module, scratch / str(number), known, time_limit, real_trial)
                for number, module in enumerate(modules)
            ]
            for future in as_completed(running):
                result = future.result()
                results[result.module] = result
                each(result)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return results


def run_one(
    module: str, folder: Path, known: Path | None, time_limit: float, real_trial: bool = False
) -> ModuleResult:
    """Run one module in `folder`, which is made for it and removed afterwards."""
    (folder / "tmp").mkdir(parents=True)
    lines, output = folder / "results", folder / "output"
    command = [sys.executable, str(_PROGRAM), str(lines), module]
    if known is not None:
        command += ["--selvage", str(known), *["--real-trial"] * real_trial]
    started = time.monotonic()
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(folder / "tmp", on_selvage=known is not None),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(time_limit)
            ended = f"exit status {status}"
        except subprocess.TimeoutExpired:
            ended = f"killed after {time_limit:.0f} s"
        finally:
            # The whole session, for the sake of what the tests started and did not end.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    result = ModuleResult(module, seconds=time.monotonic() - started)
    done = _read_results(lines, result)
    result.output = output.read_text(encoding="utf-8", errors="replace")[-4000:]
    if not done:
        result.ended = ended
    shutil.rmtree(folder, ignore_errors=True)
    return result


def _environment(temporary: Path, on_selvage: bool) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG"))
    }
    # Some tests run Twisted's commands by name, as in an environment that has been activated.
    path = os.pathsep.join([os.path.dirname(sys.executable), kept.get("PATH", os.defpath)])
    environment = {**kept, "LC_ALL": "C", "TMPDIR": str(temporary), "PATH": path}
    # Python programs that the tests start are to run on the same Twisted as the tests themselves.
    environment.pop("SELVAGE_TWISTED", None)
    if on_selvage:
        environment["SELVAGE_TWISTED"] = "1"
    return environment


def _read_results(path: Path, result: ModuleResult) -> bool:
    """Fill `result` from the lines that the process wrote; tell whether it came to its end."""
    if not path.exists():
        return False
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            facts = json.loads(line)
        except ValueError:
            continue  # the process died while it wrote
        if "start" in facts:
            result.outcomes.setdefault(facts["start"], "unfinished")
        elif "id" in facts:
            _add(result, facts["id"], facts["outcome"], facts.get("text", ""))
        else:
            return True
    return False


def _add(result: ModuleResult, test: str, outcome: str, text: str) -> None:
    # A test may be reported more than once (an error, then another from its clean-up): the worst counts.
    known = result.outcomes.get(test, "unfinished")
    if known == "unfinished" or outcome not in ("passed", "todo", "skipped"):
        result.outcomes[test] = outcome
    if text:
        result.texts[test] = f"{result.texts[test]}\n{text}" if test in result.texts else text
