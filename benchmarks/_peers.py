"""The programs that are measured: how each is built, started, watched and ended."""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
BUILD = HERE / "_build"

ANSWER_TIMEOUT_S = 120  # no program measured here is silent this long, a cold import included


class BenchmarkError(Exception):
    """A peer or the load did not do what it was started for."""


def python(program: str, *arguments: str) -> list[str]:
    """The command for one of our programs on plain Python (real Twisted, where it imports twisted)."""
    return [sys.executable, str(PROGRAMS / program), *arguments]


def selvage(program: str, *arguments: str) -> list[str]:
    """The command for the same Twisted program on Selvage."""
    return [sys.executable, "-m", "selvage", "twisted", str(PROGRAMS / program), *arguments]


def has_package(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def program_of_others(name: str) -> str | None:
    """The path of a program; None where it is absent."""
    # The last two are where distributions keep what only an administrator starts.
    return shutil.which(
        name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    )


#: What C programs are linked with.
LIBRARIES = {"tls_load": ["-lssl", "-lcrypto"]}


def native(name: str, *arguments: str) -> list[str] | None:
    """The command for one of our C programs, built when needed; None where there is no C compiler."""
    source, program = HERE / "native" / f"{name}.c", BUILD / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            return None
        BUILD.mkdir(exist_ok=True)
        subprocess.run(
            [compiler, "-O2", "-o", str(program), str(source), *LIBRARIES.get(name, [])], check=True
        )
    return [str(program), *arguments]


def certificate(folder: str) -> str:
    """Make a certificate of its own with its key, on the curve that most servers have; returns the path of both in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise BenchmarkError("a certificate is made by the program openssl, which is not installed")
    path = Path(folder, "server.pem")
    key, made = f"{folder}/key.pem", f"{folder}/certificate.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subject = ["-subj", "/CN=localhost", "-days", "2", "-keyout", key, "-out", made]
    subprocess.run([openssl, "req", "-x509", *curve, *subject], check=True, capture_output=True)
    path.write_bytes(Path(key).read_bytes() + Path(made).read_bytes())
    return str(path)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONHASHSEED": "0", "LC_ALL": "C"}


def run_json(command: list[str]) -> dict[str, float]:
    """Run a program to its end and return the JSON object that it printed."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, env=environment(), timeout=ANSWER_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        raise BenchmarkError(f"{command} ended with status {done.returncode}")
    result: dict[str, float] = json.loads(done.stdout)
    return result


def allow_descriptors(count: int) -> None:
    """Raise the limit of open descriptors, for this process and all that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise BenchmarkError(f"this takes {count} open descriptors in one process; the hard limit is {hard}")
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


class Neighbours:
    """How much of the machine other programs use meanwhile, by which a reader knows what figures are worth."""

    def __init__(self) -> None:
        self._before = self._now()

    def share(self) -> float:
        """The part of all processors' time that went to programs which this process did not start and end."""
        (all_before, busy_before, own_before), (all_now, busy_now, own_now) = self._before, self._now()
        others = (busy_now - busy_before) - (own_now - own_before)
        return max(0.0, others / max(all_now - all_before, 1e-9))

    @staticmethod
    def _now() -> tuple[float, float, float]:
        # The first line: "cpu", then ticks spent as user, nice, system, idle, iowait, irq, softirq, steal.
        ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        per_second = os.sysconf("SC_CLK_TCK")
        own = sum(
            sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        return sum(ticks) / per_second, (sum(ticks) - ticks[3] - ticks[4]) / per_second, own


class Server:
    """A running peer: where it listens, the CPU time it has used, the memory and the descriptors it holds."""

    def __init__(self, process: subprocess.Popen[bytes], address: str) -> None:
        self.process = process
        self.address = address

    def processes(self) -> list[int]:
        """The process that was started, and those that it has started: some serve from a process of their own."""
        found = [self.process.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        return found

    def cpu_ns(self) -> int:
        """Nanoseconds on a CPU so far, all threads (field one of the kernel's schedstat)."""
        total = 0
        for pid in self.processes():
            for task in Path(f"/proc/{pid}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
        return total

    def resident_bytes(self) -> int:
        return sum(map(self._resident_bytes_of, self.processes()))

    @staticmethod
    def _resident_bytes_of(pid: int) -> int:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) * 1024
        raise BenchmarkError(f"process {pid} tells no memory")

    def descriptors(self) -> int:
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.processes())


@contextmanager
def serving(command: list[str]) -> Iterator[Server]:
    """Start a server that prints its port or path, and end it, by its own process id, when the block ends."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as process:
        try:
            assert process.stdout is not None
            ready, _, _ = select.select([process.stdout], [], [], ANSWER_TIMEOUT_S)
            line = process.stdout.readline() if ready else b""
            if not line:
                raise BenchmarkError(f"{command} printed no address")
            server = Server(process, line.decode().strip())
            try:
                yield server
            finally:
                # First who would start another one.
                for pid in server.processes():
                    os.kill(pid, signal.SIGKILL)
        finally:
            process.kill()
