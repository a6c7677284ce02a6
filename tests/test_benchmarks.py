"""How a benchmark run is judged; what it measures is no test's business."""

from __future__ import annotations

import os
import resource
import select
import sys

import pytest
from benchmarks import _peers
from benchmarks.__main__ import choose, judge, limited_by_load, medians_of, table_of
from benchmarks._scenarios import Budget, Printed, Scenario


def scenario(name, *rows):
    return Scenario(name, {}, [Budget(row, 1.0) for row in rows])


def test_the_ratio_is_that_of_samples_of_one_round():
    """The machine was three times as slow in the last rounds, for everybody."""
    taken = {"x": {"cpu_us": {"twisted": [2.0, 6.0, 6.3], "selvage": [1.0, 3.0, 3.0]}}}
    holds, line = judge(Budget("x", 2.0), taken)
    assert holds
    assert "2.00 x twisted (2.00 to 2.05 in 3 rounds); the budget is 2.00" in line


def test_a_budget_that_is_missed_says_so():
    taken = {"x": {"cpu_us": {"uvloop": [1.0], "selvage": [2.0]}}}
    holds, line = judge(Budget("x", 0.9, against="uvloop"), taken)
    assert not holds
    assert line.startswith("[bold red]MISSED[/]")
    assert line.endswith("0.50 x uvloop; the budget is 0.90")


def test_a_name_chooses_itself_before_it_chooses_what_contains_it():
    scenarios = [scenario("echo"), scenario("udp echo"), scenario("open", "idle echo")]
    assert choose(scenarios, None) == scenarios
    assert choose(scenarios, "Echo") == scenarios[:1]
    assert choose(scenarios, "ech") == scenarios
    assert choose(scenarios, "udp") == scenarios[1:2]
    assert choose(scenarios, "nothing") == []


def test_a_load_that_was_busy_is_named_and_stands_in_no_row():
    taken = {"x": {"wall_us": {"twisted": [2.0], "C": [1.0]}, "load_busy": {"twisted": [0.4], "C": [0.97]}}}
    medians = medians_of(taken)
    assert limited_by_load(medians) == "the load is the limit of the rate of: C"
    assert table_of(scenario("x"), medians).row_count == 1
    medians["x"]["load_busy"]["C"] = 0.5
    assert limited_by_load(medians) == ""


def test_the_load_prints_rate_count_and_share():
    assert Printed.of(b"10.5 21 0.930\n") == (10.5, 21, 0.93)


def test_a_limit_of_descriptors_that_is_too_low_is_explained(monkeypatch):
    set_to = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda which, pair: set_to.append(pair))
    _peers.allow_descriptors(1000)
    assert set_to == []
    _peers.allow_descriptors(2000)
    assert set_to == [(2000, 4096)]
    with pytest.raises(_peers.BenchmarkError, match="takes 5000 open descriptors .* the hard limit is 4096"):
        _peers.allow_descriptors(5000)


def test_neighbours_are_what_is_busy_and_not_ours(monkeypatch):
    moments = iter([(100.0, 40.0, 5.0), (120.0, 52.0, 9.0), (120.0, 41.0, 9.0)])
    monkeypatch.setattr(_peers.Neighbours, "_now", staticmethod(lambda: next(moments)))
    neighbours = _peers.Neighbours()
    assert neighbours.share() == pytest.approx(0.4)
    # Ours is counted to the microsecond, all of it in ticks.
    assert neighbours.share() == 0.0


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the benchmarks run on Linux only")
def test_a_server_is_all_the_processes_that_it_starts():
    command = [sys.executable, "-c", STARTS_ANOTHER]
    with _peers.serving(command) as server:
        pids = server.processes()
        assert len(pids) == 2 and int(server.address) in pids
        assert server.cpu_ns() > 0 and server.resident_bytes() > 0 and server.descriptors() > 0
        other = os.pidfd_open(int(server.address))
    # It is no child of this process: a descriptor tells when it has ended.
    ended, _, _ = select.select([other], [], [], 30)
    os.close(other)
    assert ended


STARTS_ANOTHER = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""
