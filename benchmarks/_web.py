"""HTTP under load: wrk asks, over 64 connections that are kept."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ._peers import BenchmarkError, has_package, program_of_others, python, selvage
from ._scenarios import IDLE_CONNECTIONS, Budget, Held, Loaded, Opened, Printed, Scenario

if TYPE_CHECKING:
    from ._peers import Server

MIB = 1024 * 1024
_DONE = re.compile(rb"(\d+) requests in ([\d.]+)(ms|s|m)")

JSON_SCRIPT = """\
wrk.method = "POST"
wrk.body = '{"name": "' .. string.rep("x", 1000) .. '"}'
wrk.headers["Content-Type"] = "application/json"
"""

# What a browser sends, with one field that nobody has sent before: nothing of such a head can be known already.
HEADS_SCRIPT = """\
wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
wrk.headers["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
wrk.headers["Accept-Language"] = "en-US,en;q=0.5"
wrk.headers["Accept-Encoding"] = "gzip, deflate, br, zstd"
wrk.headers["Referer"] = "http://127.0.0.1/"
wrk.headers["Sec-Fetch-Dest"] = "document"
wrk.headers["Sec-Fetch-Mode"] = "navigate"
wrk.headers["Sec-Fetch-Site"] = "same-origin"
local number = 0
request = function()
  number = number + 1
  wrk.headers["X-Request-Id"] = tostring(number)
  return wrk.format()
end
"""


@dataclass(frozen=True, slots=True)
class Web(Loaded):
    """A web server under load from wrk; an operation is one request."""

    script: str = ""

    def _drive(self, server: Server, seconds: float, file: str) -> Printed:
        wrk = shutil.which("wrk")
        if wrk is None:
            raise BenchmarkError("the web scenarios need wrk")
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(self.script)
            script.flush()
            command = [
                wrk,
                "-t1",
                "--timeout",
                "20s",
                f"-c{self.connections}",
                f"-d{max(round(seconds), 1)}s",
                "-s",
                script.name,
            ]
            told = subprocess.run(
                [*command, f"http://127.0.0.1:{server.address}/"], capture_output=True, check=True, timeout=60
            ).stdout
        found = _DONE.search(told)
        if found is None or b"Non-2xx" in told or b"Socket errors" in told:
            raise BenchmarkError(f"wrk was not answered as it should be:\n{told.decode()}")
        done, took = int(found[1]), float(found[2]) * {b"ms": 1e-3, b"s": 1.0, b"m": 60.0}[found[3]]
        return Printed(done / took, done, 0.0)


class Idle(Opened):
    """Connections that have asked once and are kept: what the server holds for each of them."""

    def _hold(self, server: Server, count: int, file: str) -> Held:
        return Held(python("http_idle.py", server.address, str(count)))


def _peers(*what: str) -> dict[str, list[str] | None]:
    return {
        "granian": python("asgi_web.py", "granian", *what) if has_package("granian") else None,
        "uvicorn": python("asgi_web.py", "uvicorn", *what) if has_package("uvicorn") else None,
        "aiohttp": python("asgi_web.py", "aiohttp", *what) if has_package("aiohttp") else None,
        "twisted": python("twisted_web.py", *what),
        "selvage": selvage("twisted_web.py", *what),
    }


def _with_limit(*what: str) -> dict[str, list[str] | None]:
    nginx = program_of_others("nginx")
    return {"nginx": nginx and python("nginx_web.py", nginx, *what), **_peers(*what)}


def web_scenarios() -> list[Scenario]:
    """What a web server does most: a short answer, JSON to and fro, a file; and what it holds for who may ask again."""
    return [
        Web("web hello", _with_limit("hello"), [Budget("web hello", 3.0)], connections=64),
        Web("web json", _peers("json"), [Budget("web json", 5.0)], connections=64, script=JSON_SCRIPT),
        Web("web new heads", _peers("hello"), connections=64, script=HEADS_SCRIPT),
        Web("web file", _with_limit("file", str(_file())), [Budget("web file", 4.0)], connections=64),
        Idle("web idle 10,000", _with_limit("hello"), rounds=3, connections=IDLE_CONNECTIONS),
    ]


def _file() -> Path:
    """A file of 1 MiB, made once."""
    path = Path(tempfile.gettempdir()) / "selvage-benchmark-1MiB"
    if not path.exists() or path.stat().st_size != MIB:
        path.write_bytes(bytes(range(256)) * (MIB // 256))
    return path
