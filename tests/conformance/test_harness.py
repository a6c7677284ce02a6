"""The judge is judged: what it discovers, how it weighs a run, and that its two data files are in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import _runner
from ._both_trials import disagreements
from ._commands import COMMANDS, CORPUS, DIFFERENT, End, end_of
from ._data import (
    DIFFERENCES,
    Baseline,
    Exclusions,
    ModuleBaseline,
    check_reasons,
    heading_slugs,
)
from ._modules import discover, module_under_test, native, package_of, select, twisted_folder
from ._runner import ModuleResult, _add, _read_results
from ._shares import GROUPS, shares_of
from ._verdict import ModuleVerdict, judge

TEST = "twisted.x.test.test_y.Case.test_"


@pytest.fixture
def baseline() -> Baseline:
    module = ModuleBaseline({TEST + "a", TEST + "b", TEST + "c", TEST + "d"}, {TEST + "s"}, {TEST + "f"})
    return Baseline("3.11", "26.10.0", {"twisted.x.test.test_y": module})


def result(**outcomes: str) -> ModuleResult:
    return ModuleResult("twisted.x.test.test_y", {TEST + name: outcome for name, outcome in outcomes.items()})


def test_what_passes_on_twisted_is_sorted_into_exactly_one_place(baseline: Baseline) -> None:
    exclusions = Exclusions({TEST + "b": "private: ..."}, {TEST + "c": "tls: ..."})
    module = baseline.modules["twisted.x.test.test_y"]
    verdict = judge(module, result(a="passed", b="failed", c="error", d="error"), exclusions)
    assert verdict.passed == {TEST + "a"}
    assert verdict.excluded == {TEST + "b"}
    assert verdict.pending == {TEST + "c"}
    assert verdict.failing == {TEST + "d"}
    assert verdict.stale == set()


@pytest.mark.parametrize("outcome", ["failed", "error", "skipped", "unfinished", "unexpected success"])
def test_only_success_and_expected_failure_count(baseline: Baseline, outcome: str) -> None:
    module = baseline.modules["twisted.x.test.test_y"]
    verdict = judge(module, result(a=outcome, b="todo", c="passed"), Exclusions({}, {}))
    assert verdict.failing == {TEST + "a", TEST + "d"}  # d was not even reported


def test_a_listed_test_that_passes_is_stale(baseline: Baseline) -> None:
    module = baseline.modules["twisted.x.test.test_y"]
    verdict = judge(
        module,
        result(a="passed", b="passed", c="passed", d="passed"),
        Exclusions({TEST + "a": ""}, {TEST + "b": ""}),
    )
    assert verdict.stale == {TEST + "a", TEST + "b"}


@pytest.mark.parametrize(
    ("table", "test", "reason", "fault"),
    [
        ("excluded", TEST + "a", "private: asserts on _internals of the port", ""),
        ("excluded", TEST + "a", "differs: [a-section] because it is better so", ""),
        ("pending", TEST + "a", "tls: the reactor has no listenSSL yet", ""),
        (
            "excluded",
            TEST + "a",
            "tls: the reactor has no listenSSL yet",
            "to begin with private: or differs:",
        ),
        (
            "pending",
            TEST + "a",
            "private: asserts on _internals",
            "to begin with tls: or processes: or stdio:",
        ),
        ("excluded", TEST + "a", "private:", "to say why"),
        ("excluded", TEST + "a", "differs: without a section", "names a heading"),
        ("excluded", TEST + "a", "differs: [nowhere] because it is better so", "none called 'nowhere'"),
        ("excluded", TEST + "f", "private: asserts on _internals", "needs no entry"),
        ("excluded", TEST + "s", "private: asserts on _internals", "needs no entry"),
        ("excluded", "twisted.x.test.test_y.Case.*", "private: asserts on _internals", "needs no entry"),
    ],
)
def test_each_entry_of_the_list_is_checked(
    baseline: Baseline, table: str, test: str, reason: str, fault: str
) -> None:
    exclusions = Exclusions({}, {})
    getattr(exclusions, table)[test] = reason
    faults = check_reasons(exclusions, baseline, {"a-section"})
    assert (fault in faults[0]) if fault else faults == []


def test_a_test_stands_in_one_table_only(baseline: Baseline) -> None:
    exclusions = Exclusions(
        {TEST + "a": "private: asserts on _internals"}, {TEST + "a": "tls: no listenSSL yet"}
    )
    assert any("both tables" in fault for fault in check_reasons(exclusions, baseline, set()))


def test_an_unknown_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "exclusions.toml"
    path.write_text('[flaky]\n"a" = "b"\n')
    with pytest.raises(SystemExit, match="flaky"):
        Exclusions.load(path)


def test_the_lists_of_this_repository_are_in_order() -> None:
    assert check_reasons(Exclusions.load(), Baseline.load(), heading_slugs()) == []


def test_headings_become_link_targets(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("# One Page\n\ntext\n\n## Names, and *modules*\n")
    assert heading_slugs(path) == {"one-page", "names-and-modules"}
    assert heading_slugs(tmp_path / "none.md") == set()
    assert DIFFERENCES.name == "differences.md"


def test_a_baseline_survives_its_file(baseline: Baseline, tmp_path: Path) -> None:
    other = ModuleBaseline({TEST + "a"}, {TEST + "b"}, set())
    baseline.record("3.13", {"twisted.x.test.test_y": other})
    baseline.save(tmp_path / "baseline.json")
    assert Baseline.load(tmp_path / "baseline.json") == baseline


def test_a_baseline_keeps_only_what_differs_between_pythons(baseline: Baseline) -> None:
    same = baseline.modules["twisted.x.test.test_y"]
    other = ModuleBaseline({TEST + "a"})
    baseline.record("3.12", {"twisted.x.test.test_y": same})
    baseline.record("3.13", {"twisted.x.test.test_y": other})
    assert baseline.others == {"3.12": {}, "3.13": {"twisted.x.test.test_y": other}}
    assert baseline.of("3.11")["twisted.x.test.test_y"] is same
    assert baseline.of("3.14")["twisted.x.test.test_y"] is other
    assert baseline.passing() == same.passed


def test_a_missing_baseline_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--baseline"):
        Baseline.load(tmp_path / "baseline.json")


def test_the_worst_report_of_a_test_counts() -> None:
    one = ModuleResult("m")
    for outcome in ("passed", "error", "passed"):
        _add(one, "t", outcome, f"{outcome} text")
    assert one.outcomes == {"t": "error"}
    assert one.texts == {"t": "passed text\nerror text\npassed text"}


def test_results_of_a_process_that_died_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    path = tmp_path / "results"
    path.write_text('{"start": "a"}\n{"id": "a", "outcome": "passed"}\n{"start": "b"}\n{"id": "b", "out')
    one = ModuleResult("m")
    assert not _read_results(path, one)
    assert one.outcomes == {"a": "passed", "b": "unfinished"}
    assert not _read_results(tmp_path / "none", one)


def test_selection_by_module_and_package() -> None:
    modules = ["twisted.a.test.test_x", "twisted.a.test.test_y", "twisted.ab.test.test_x"]
    assert select(modules, ["twisted.a"]) == modules[:2]
    assert select(modules, ["twisted.ab", "twisted.a.test.test_y"]) == modules[1:]
    with pytest.raises(SystemExit, match="nonsense"):
        select(modules, ["nonsense"])


def test_rows_are_packages_of_two_names() -> None:
    assert package_of("twisted.test.test_defer") == "twisted"
    assert package_of("twisted.conch.ssh.test.test_x") == "twisted.conch"


def test_native_is_what_the_wing_has() -> None:
    assert native("twisted.internet.address")
    assert not native("twisted.words.protocols.irc")
    assert not native("twisted.internet")
    assert not native("twisted")


@pytest.mark.needs_twisted
def test_shares_are_of_what_passes_on_twisted() -> None:
    def verdict(module: str, passed: int, failing: int) -> ModuleVerdict:
        return ModuleVerdict(module, set(map(str, range(passed))), failing={f"f{n}" for n in range(failing)})

    verdicts = [
        verdict("twisted.internet.test.test_core", 95, 5),
        verdict("twisted.internet.test.test_tls", 0, 10),
        verdict("twisted.test.test_udp", 3, 0),
        verdict("twisted.test.test_reflect", 7, 1),
        verdict("twisted.names.test.test_dns", 0, 0),
    ]
    subjects = {
        "twisted.internet.test.test_core": "twisted.internet.base",
        "twisted.internet.test.test_tls": "twisted.internet.ssl",
        "twisted.test.test_udp": "twisted.internet.udp",
        "twisted.test.test_reflect": "twisted.python.reflect",
        "twisted.names.test.test_dns": "twisted.names.dns",
    }
    shares = {share.group.name: share for share in shares_of(verdicts, subjects)}
    internet = shares["twisted.internet, without TLS, processes, stdio"]
    assert (internet.on_twisted, internet.here, internet.percent, internet.missed) == (100, 95, 95.0, True)
    assert shares["twisted.test, the same subjects and protocols"].percent == 100
    assert shares["TLS, processes, stdio"].here == 0
    assert not shares["TLS, processes, stdio"].missed
    assert shares["all"].on_twisted == 121
    assert "twisted.names" not in shares


def test_every_group_is_one_of_tests_that_there_are() -> None:
    root = twisted_folder()
    modules = {module: module_under_test(module, root) for module in discover(root)}
    for group in GROUPS:
        assert any(group.holds(*each) for each in modules.items()), group.name


def test_every_test_module_of_twisted_is_found_and_has_a_subject() -> None:
    root = twisted_folder()
    modules = discover(root)
    assert len(modules) == 318
    assert set(modules) == set(Baseline.load().modules)
    assert module_under_test("twisted.test.test_defer", root) == "twisted.internet.defer"
    assert module_under_test("twisted.internet.test.test_tcp", root) == "twisted.internet.tcp"
    assert module_under_test("twisted._threads.test.test_team", root) == "twisted._threads._team"
    assert module_under_test("twisted.conch.test.test_userauth", root) == "twisted.conch"


MODULE = """
import os, sys, time
from twisted.trial.unittest import SynchronousTestCase, SkipTest

class Case(SynchronousTestCase):
    def test_a_passes(self):
        pass

    def test_b_fails(self):
        self.assertEqual(1, 2)

    def test_c_errs(self):
        raise RuntimeError("boom")

    def test_d_skips(self):
        raise SkipTest("not here")

    def test_e_expected(self):
        self.fail()
    test_e_expected.todo = "known"

    def test_f_ends(self):
        {last}
"""


@pytest.mark.slow
@pytest.mark.needs_twisted
@pytest.mark.parametrize(
    ("last", "ended", "limit"),
    # One that hangs is to come so far until then, on a machine with much to do.
    [("pass", "", 60), ("os._exit(3)", "exit status 3", 60), ("time.sleep(60)", "killed after 8 s", 8)],
    ids=["whole", "dies", "hangs"],
)
def test_a_module_runs_in_a_process_that_may_die_or_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str, ended: str, limit: float
) -> None:
    (tmp_path / "sample.py").write_text(MODULE.format(last=last))
    environment = _runner._environment
    monkeypatch.setattr(
        _runner,
        "_environment",
        lambda folder, on_selvage: environment(folder, on_selvage) | {"PYTHONPATH": str(tmp_path)},
    )
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (done,) = _runner.run_modules(["sample"], listed=None, jobs=1, time_limit=limit).values()
    outcomes = {test.rpartition("_")[2]: outcome for test, outcome in done.outcomes.items()}
    assert outcomes == {
        "passes": "passed",
        "fails": "failed",
        "errs": "error",
        "skips": "skipped",
        "expected": "todo",
        "ends": "unfinished" if ended else "passed",
    }
    assert done.ended == ended
    assert "boom" in "".join(done.texts.values())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("cf-")] == []


WAITING = """
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

class Case(TestCase):
    def test_a_waits(self):
        return Deferred()

    def test_b_goes_on(self):
        import twisted
        assert "selvage" in twisted.__file__
"""


@pytest.mark.slow
@pytest.mark.needs_twisted
def test_a_listed_test_that_waits_in_vain_does_not_take_its_module_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sample.py").write_text(WAITING)
    environment = _runner._environment
    monkeypatch.setattr(
        _runner,
        "_environment",
        lambda folder, on_selvage: environment(folder, on_selvage) | {"PYTHONPATH": str(tmp_path)},
    )
    (done,) = _runner.run_modules(
        ["sample"], listed={"sample.Case.test_a_waits"}, jobs=1, time_limit=25
    ).values()
    assert done.outcomes == {"sample.Case.test_a_waits": "error", "sample.Case.test_b_goes_on": "passed"}
    assert "still running at 2.0 secs" in done.texts["sample.Case.test_a_waits"]
    assert not done.ended


WHICH = """
import sys
from twisted.trial.unittest import SynchronousTestCase

class Case(SynchronousTestCase):
    def test_it(self):
        import twisted.scripts.trial
        from twisted.trial import _dist
        homes = {"selvage" in sys.modules[name].__name__ for name in ("twisted.trial.unittest", "twisted.scripts.trial")}
        self.assertEqual(homes, {HOMES})
        self.assertIn("selvage", __import__("twisted.internet.defer").internet.defer.__file__)
"""


@pytest.mark.slow
@pytest.mark.needs_twisted
@pytest.mark.parametrize("real", [False, True])
def test_selvages_trial_runs_the_tests_or_twisteds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real: bool
) -> None:
    (tmp_path / "sample.py").write_text(WHICH.replace("{HOMES}", repr({not real})))
    environment = _runner._environment
    monkeypatch.setattr(
        _runner,
        "_environment",
        lambda folder, on_selvage: environment(folder, on_selvage) | {"PYTHONPATH": str(tmp_path)},
    )
    (done,) = _runner.run_modules(["sample"], listed=set(), jobs=1, time_limit=25, real_trial=real).values()
    assert done.outcomes == {"sample.Case.test_it": "passed"}, done


def test_a_test_that_ends_otherwise_under_the_other_trial_is_named() -> None:
    ours = {"m": ModuleResult("m", {"m.a": "passed", "m.b": "error", "m.c": "skipped"})}
    theirs = {"m": ModuleResult("m", {"m.a": "passed", "m.b": "failed", "m.d": "passed"})}
    assert disagreements(ours, ours) == {}
    assert disagreements(ours, theirs) == {
        ("m", "m.b"): ("error", "failed"),
        ("m", "m.c"): ("skipped", "not run"),
        ("m", "m.d"): ("not run", "passed"),
    }


def test_a_module_that_only_one_trial_ran_to_its_end_is_named() -> None:
    whole, part = ModuleResult("m", {"m.a": "passed"}), ModuleResult("m", {"m.a": "passed"}, ended="killed")
    assert disagreements({"m": whole}, {"m": part}) == {("m", ""): ("complete", "killed")}


def test_of_a_command_the_summary_counts_and_not_the_time() -> None:
    output = "x\n----\nRan 3 tests in 0.013s\n\nFAILED (errors=1, successes=2)\n"
    assert end_of(1, output) == End(1, ("Ran 3 tests", "FAILED (errors=1, successes=2)"))
    assert end_of(0, "\nPASSED\n") == End(0, ("PASSED",))
    assert str(end_of(2, "")) == "status 2, no summary"


def test_command_lines_name_modules_that_there_are_and_are_either_alike_or_different() -> None:
    there = {path.stem for path in CORPUS.glob("*.py")} | {"syntaxerror"}
    lines = [*COMMANDS, *DIFFERENT]
    assert len(set(lines)) == len(lines)
    used = {word.removeprefix("./").removesuffix(".py") for line in lines for word in line.split()}
    assert there <= used
