"""Runs one module of Twisted's tests in this process and writes what became of each test, one JSON object per line.

Started by `_runner.py` as a program, in a scratch folder:

    python _run_module.py RESULTS MODULE [--selvage LISTED [--real-trial]]

The tests run under trial's own loader and runner.  Each line is written as the test starts or ends, so what is known
survives a process that dies or hangs.  LISTED is a file with the ids of tests that are known not to pass, one a line.
On Selvage it is Selvage's trial that runs them, or with --real-trial that of the installed Twisted.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

TEXT_LIMIT = 8000

#: Seconds that a test may wait which says nothing itself: trial's own 120 would use up the time of the whole module.
TEST_LIMIT = 30.0
#: The same for a test that is known not to pass: many wait in vain for a transport that is missing.
LISTED_LIMIT = 2.0

#: Modules that look for a certificate beside `twisted/__init__.py`, which on Selvage is the wing's.
SEEK_DATA = {"twisted.internet.test.test_tls", "twisted.internet.test.test_newtls"}


def main(results: str, module: str, listed: str = "", real_trial: bool = False) -> None:
    # As `trial` has it: the folder of this file is nobody's business, the current one is.
    sys.path[0] = os.getcwd()
    sys.argv[:] = ["trial", module]
    known: frozenset[str] = frozenset()
    if listed:
        known = frozenset(Path(listed).read_text(encoding="utf-8").splitlines())
        # The sources beside this file, whichever copy of Selvage the environment has.
        sys.path.insert(1, str(Path(__file__).resolve().parents[2] / "src"))
        import selvage as package

        package.install_twisted()
        if real_trial:
            sys.meta_path.insert(0, InstalledTrial())
        if module in SEEK_DATA:
            show_installed_data()
    let_hypothesis_take_its_time()
    with open(results, "w", encoding="utf-8", buffering=1) as file:
        status = run(module, file, known)
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that a test left behind may not keep the process: the results are written.
    os._exit(status)


class InstalledTrial:
    """A finder before the wing's: finds trial in the installed Twisted."""

    NAMES = ("twisted.trial", "twisted.scripts.trial")

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname not in self.NAMES:
            return None
        root = os.path.dirname(PathFinder.find_spec("twisted").origin)  # type: ignore[union-attr, type-var]
        parents = fullname.split(".")[1:-1]
        return PathFinder.find_spec(fullname, [os.path.join(str(root), *parents)])


def show_installed_data() -> None:
    """Let `twisted.__file__` lead to the installed Twisted's, beside which are the data files of its tests."""
    import twisted

    installed = PathFinder.find_spec("twisted")
    if installed is not None and installed.origin is not None:
        twisted.__file__ = installed.origin


def let_hypothesis_take_its_time() -> None:
    """Judge what the tests find, not how fast the machine makes up their input."""
    try:
        from hypothesis import HealthCheck, settings
    except ImportError:
        return
    settings.register_profile("judge", deadline=None, suppress_health_check=list(HealthCheck))
    settings.load_profile("judge")


def set_limits(test: Any, known: frozenset[str]) -> None:
    """Give every test below `test` its time limit, which trial looks for on the method, the instance and the class."""
    try:
        parts = list(test)
    except TypeError:
        if test.id() in known:
            test.timeout = LISTED_LIMIT
        elif not any(hasattr(parent, "timeout") for parent in getattr(test, "_parents", ())):
            test.timeout = TEST_LIMIT
        return
    for part in parts:
        set_limits(part, known)


def run(module: str, file: Any, known: frozenset[str]) -> int:
    from twisted.trial import reporter, runner

    def write(**facts: Any) -> None:
        file.write(json.dumps(facts) + "\n")

    def text_of(reason: Any) -> str:
        try:
            text = reason.getTraceback() if hasattr(reason, "getTraceback") else str(reason)
        except BaseException as error:
            text = f"(its text could not be made: {error!r})"
        return text if len(text) <= TEXT_LIMIT else text[:1000] + "\n...\n" + text[1000 - TEXT_LIMIT :]

    class Recorder(reporter.Reporter):
        def startTest(self, test: Any) -> None:
            super().startTest(test)
            write(start=test.id())

        def addSuccess(self, test: Any) -> None:
            super().addSuccess(test)
            write(id=test.id(), outcome="passed")

        def addSkip(self, test: Any, reason: Any) -> None:
            super().addSkip(test, reason)
            write(id=test.id(), outcome="skipped", text=str(reason)[:200])

        def addError(self, test: Any, error: Any) -> None:
            super().addError(test, error)
            write(id=test.id(), outcome="error", text=text_of(self.failure_of(error)))

        def addFailure(self, test: Any, fail: Any) -> None:
            super().addFailure(test, fail)
            write(id=test.id(), outcome="failed", text=text_of(self.failure_of(fail)))

        def addExpectedFailure(self, test: Any, failure: Any, todo: Any = None) -> None:
            super().addExpectedFailure(test, failure, todo)
            write(id=test.id(), outcome="todo")

        def addUnexpectedSuccess(self, test: Any, todo: Any = None) -> None:
            super().addUnexpectedSuccess(test, todo)
            write(id=test.id(), outcome="unexpected success", text="todo: this test was expected to fail")

        def failure_of(self, error: Any) -> Any:
            return self._getFailure(error)

    trial = runner.TrialRunner(Recorder, stream=sys.stdout, workingDirectory="_trial_temp")
    suite = runner.TestLoader().loadByName(module)
    set_limits(suite, known)
    result = trial.run(suite)
    write(done=True)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    on_selvage = sys.argv[3:4] == ["--selvage"]
    main(sys.argv[1], sys.argv[2], sys.argv[4] if on_selvage else "", sys.argv[5:] == ["--real-trial"])
