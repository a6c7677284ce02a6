"""A million equal failures and a thousand different ones: bounded memory, bounded output, every one counted."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

MIB = 2**20


def storm(equal: int, different: int, way: str) -> tuple[dict, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.failure.storm", str(equal), str(different), way],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent.parent,
        check=True,
    )
    return json.loads(done.stdout), done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", ["deferred", "report", "log"])
def test_a_storm(way):
    equal = 1_000_000 if way == "deferred" else 100_000
    found, printed = storm(equal, 1000, way)
    # All places are taken by then: the last of the different ones is alone in the overflow group.
    assert found["counts"] == [equal] + [1] * 1000
    assert found["grown"] < 50 * MIB
    assert len(printed) < 3 * MIB
    told = printed.count(", in fail\n") - printed.count(", in place\n")
    summed_up = re.findall(r"([\d,]+) more in the last", printed)
    assert told + sum(int(each.replace(",", "")) for each in summed_up) == equal
