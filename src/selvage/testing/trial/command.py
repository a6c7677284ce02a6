"""The command: `selvage trial`, and in the wing `trial` and `python -m twisted.trial`.  Beside the floors.

Twisted: `twisted.scripts.trial`, which is this very module in the wing.
"""

from __future__ import annotations

import gc
import os
import pdb  # noqa: T100  it is what --debug runs tests in
import random
import sys
import time
import trace
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from selvage import defer
from selvage._publish import publish
from selvage._wing import TWISTED_VERSION
from selvage.failure import startDebugMode
from selvage.paths import FilePath
from selvage.reactor import DelayedCall
from selvage.testing._told import note_coroutines

from . import _names as reflect, runner
from ._coverage import new_tracer
from ._folders import CannotBegin
from ._junit import JUnitRecorder
from ._local_variables import (
    getTestModules,
    isTestFile,
    loadLocalVariables,
    parse_local_variables as _parseLocalVariables,  # noqa: F401  Twisted's name for it
)
from ._orders import ORDERS as _runOrders
from ._plugins import find_reporter, reporters
from ._usage import Options as _UsageOptions, usage_error
from ._worker import Setup
from ._workers import WorkersRunner

__all__ = ["Options", "getTestModules", "isTestFile", "loadLocalVariables", "run"]

#: Twisted's names for reactors; there is one here, and it runs on any asyncio loop.
_REACTORS = ("asyncio", "default", "epoll", "poll", "select")

_TBFORMATS = {"plain": "default", "default": "default", "emacs": "emacs", "cgitb": "verbose"}


if TYPE_CHECKING:
    _Mapping = dict[str, Any]
else:
    _Mapping = object  # the class that mixes these in is a dict


class _DebuggerNotFound(CannotBegin):
    """There is no debugger of the name that was given."""


class _BasicOptions(_Mapping):
    """Options that workers have, too."""

    longdesc = (
        "trial loads and executes a suite of unit tests, obtained from modules, packages and files listed on the "
        "command line."
    )

    optFlags = [
        ["no-recurse", "N", "Don't recurse into packages"],
        ["rterrors", "e", "realtime errors, print out tracebacks as soon as they occur"],
        ["unclean-warnings", None, "Turn dirty reactor errors into warnings"],
        ["force-gc", None, "Have Trial run gc.collect() before and after each test case."],
        ["exitfirst", "x", "Exit after the first non-successful result"],
    ]

    optParameters = [
        [
            "order",
            "o",
            None,
            "Specify what order to run test cases and methods. See --help-orders for more info.",
        ],
        ["random", "z", None, "Run tests in random order using the specified seed"],
        ["temp-directory", None, "_trial_temp", "Path to use as working directory for tests."],
        [
            "reporter",
            None,
            "verbose",
            "The reporter to use for this test run.  See --help-reporters for more info.",
        ],
    ]

    tracer: trace.Trace | None = None

    def __init__(self) -> None:
        super().__init__()
        self["tests"] = []

    def getSynopsis(self) -> str:
        """Return how the command is called."""
        program = os.path.basename(sys.argv[0])
        program = "python -m twisted.trial" if program == "__main__.py" else program
        return f"{program} [options] [[file|package|module|TestCase|testmodule]...]\n"

    def coverdir(self) -> Any:
        """Return the folder for what `--coverage` writes."""
        return FilePath(str(self["temp-directory"])).child("coverage")

    def opt_coverage(self) -> None:
        """Generate coverage information in the folder `coverage` of the one that temp-directory names."""
        self.tracer = new_tracer()
        sys.settrace(self.tracer.globaltrace)
        self["coverage"] = True

    def opt_testmodule(self, filename: str) -> None:
        """Filename to grep for test cases (-*- test-case-name)."""
        if not os.path.isfile(filename):
            sys.stderr.write(f"File {filename!r} doesn't exist\n")
            return
        filename = os.path.abspath(filename)
        self["tests"] += [filename] if isTestFile(filename) else getTestModules(filename)

    def opt_spew(self) -> None:
        """Print a line for each call of a function."""
        sys.settrace(_spew)

    def opt_help_orders(self) -> NoReturn:
        """Help on available test running orders."""
        print(
            "Trial can attempt to run test cases and their methods in a few different orders. "
            "You can select any of the following options using --order=<foo>.\n"
        )
        for name, (purpose, _) in _runOrders.items():
            print("   ", name, "\t", purpose)
        sys.exit(0)

    def opt_help_reporters(self) -> NoReturn:
        """Help on available output plugins (reporters)."""
        print("You can select any of the following reporters using --reporter=<foo>\n")
        for name, purpose in reporters():
            print("   ", name, "\t", purpose)
        sys.exit(0)

    def opt_disablegc(self) -> None:
        """Disable the garbage collector."""
        self["disablegc"] = True
        gc.disable()

    def opt_tbformat(self, opt: str) -> None:
        """Specify the format to display tracebacks with: 'plain', 'emacs', or 'cgitb', which shows variables, too."""
        if opt not in _TBFORMATS:
            raise usage_error("tbformat must be 'plain', 'emacs', or 'cgitb'.")
        self["tbformat"] = _TBFORMATS[opt]

    def opt_recursionlimit(self, arg: str) -> None:
        """See sys.setrecursionlimit()."""
        try:
            sys.setrecursionlimit(int(arg))
        except (TypeError, ValueError) as error:
            raise usage_error("argument to recursionlimit must be an integer") from error
        self["recursionlimit"] = int(arg)

    def opt_random(self, option: str) -> None:
        """Run tests in random order using the specified seed; 0 takes one from the clock."""
        try:
            seed = int(option)
        except ValueError as error:
            raise usage_error("Argument to --random must be a positive integer") from error
        if seed < 0:
            raise usage_error("Argument to --random must be a positive integer")
        self["random"] = seed or int(time.time() * 100)

    def opt_order(self, order: str) -> None:
        """Specify what order to run test cases and methods. See --help-orders for more info."""
        if order not in _runOrders:
            raise usage_error(
                f"--order must be one of: {', '.join(_runOrders)}. See --help-orders for details"
            )
        self["order"] = order

    def opt_without_module(self, option: str) -> None:
        """Fake the lack of the specified modules, separated with commas."""
        self["without-module"] = option
        for module in option.split(","):
            if module in sys.modules:
                warnings.warn(f"Module {module!r} already imported, disabling anyway.", RuntimeWarning)  # noqa: B028
            sys.modules[module] = None  # type: ignore[assignment]

    def opt_reactor(self, shortName: str) -> None:
        """Which reactor to use (see --help-reactors): Selvage's, by whichever of Twisted's names."""
        if shortName not in _REACTORS:
            raise usage_error(
                f"there is no reactor {shortName!r}: Selvage's is the only one, and answers to {', '.join(_REACTORS)}"
            )

    opt_r = opt_reactor

    def opt_help_reactors(self) -> NoReturn:
        """Display a list of possibly available reactor names."""
        print("There is one reactor, Selvage's, which runs on uvloop or asyncio's loop.  It answers to:\n")
        print("   ", "\n    ".join(_REACTORS))
        sys.exit(0)

    def opt_version(self) -> NoReturn:
        """Display Twisted version and exit."""
        print(f"Twisted version: {TWISTED_VERSION} (Selvage)")
        sys.exit(0)

    def parseArgs(self, *args: str) -> None:
        """Take the names of tests."""
        self["tests"] += args

    def postOptions(self) -> None:
        """Check what belongs together."""
        if self["order"] is not None and self["random"] is not None:
            raise usage_error("You can't specify --random when using --order")
        if isinstance(self["reporter"], str):
            self["reporter"] = self._find_reporter(self["reporter"])

    def _find_reporter(self, name: str) -> Any:
        found = find_reporter(name)
        if found is None:
            raise usage_error(
                "Only pass names of Reporter plugins to --reporter. See --help-reporters for more info."
            )
        return found

    def _getWorkerArguments(self) -> list[str]:
        """Return those of the options that workers are to be given."""
        arguments = [f"--{name}" for name in ("force-gc", "disablegc") if self.get(name)]
        if self.get("recursionlimit"):
            arguments += ["--recursionlimit", str(self["recursionlimit"])]
        return arguments


class Options(_BasicOptions, _UsageOptions):
    """Options of the command."""

    optFlags = [
        ["debug", "b", "Run tests in a debugger. If that debugger is pdb, it reads '.pdbrc'."],
        [
            "debug-stacktraces",
            "B",
            "Report where Deferreds, delayed calls, ports, connections and tasks were made",
        ],
        ["nopm", None, "don't automatically jump into debugger for postmorteming of exceptions"],
        ["dry-run", "n", "do everything but run the tests"],
        ["profile", None, "Run tests under the Python profiler"],
        ["until-failure", "u", "Repeat test until it fails"],
    ]

    optParameters = [
        ["debugger", None, "pdb", "the fully qualified name of a debugger to use if --debug is passed"],
        ["logfile", "l", "test.log", "log file name"],
        ["jobs", "j", None, "Number of local workers to run, a strictly positive integer or 'auto'."],
        ["junit-xml", None, None, "Write the results to this file as JUnit XML, too"],
    ]

    compData = None
    arguments = "file | module | package | TestCase | testMethod (*.py)"

    def completions(self) -> dict[str, list[str]]:
        """Return what may follow an option, for shells."""
        return {
            "debugger": ["pdb"],
            "jobs": ["auto"],
            "order": list(_runOrders),
            "random": [],
            "reactor": list(_REACTORS),
            "recursionlimit": [],
            "reporter": [name for name, _ in reporters()],
            "tbformat": ["plain", "emacs", "cgitb"],
            "without-module": [],
        }

    def opt_jobs(self, number: str) -> None:
        """Number of local workers to run, a positive integer or 'auto' to spawn one for each available CPU."""
        if number == "auto":
            self["jobs"] = _autoJobs()
            return
        try:
            count = int(number)
        except ValueError as error:
            raise usage_error(f"Expecting integer argument to jobs, got {number!r}") from error
        if count <= 0:
            raise usage_error("Argument to jobs must be a strictly positive integer or 'auto'")
        self["jobs"] = count

    def postOptions(self) -> None:
        """Check what belongs together."""
        super().postOptions()
        if self["jobs"]:
            for conflicting in ("debug", "profile", "debug-stacktraces"):
                if self[conflicting]:
                    raise usage_error(f"You can't specify --{conflicting} when using --jobs")
        if self["nopm"] and not self["debug"]:
            raise usage_error("You must specify --debug when using --nopm ")


def _autoJobs() -> int:
    """Return how many processors this process may use."""
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    affinity = getattr(os, "sched_getaffinity", None)
    return (len(affinity(0)) if affinity is not None else 0) or os.cpu_count() or 1


def _spew(frame: Any, event: str, arg: Any) -> Any:
    if event == "call":
        code = frame.f_code
        print(f"{code.co_qualname} in {code.co_filename}:{frame.f_lineno}", file=sys.stderr)
    return _spew


def _getLoader(config: Options) -> runner.TestLoader:
    """Return a loader that sorts as the options say."""
    loader = runner.TestLoader()
    if config["random"]:
        shuffled = random.Random(config["random"])
        loader.sorter = lambda x: shuffled.random()
        print(f"Running tests shuffled with seed {config['random']}\n")
    elif config["order"]:
        _, loader.sorter = _runOrders[config["order"]]
    if not config["until-failure"]:
        loader.suiteFactory = runner.DestructiveTestSuite
    return loader


def _getSuite(config: Options) -> Any:
    """Return the tests that are named."""
    return _getLoader(config).loadByNames(config["tests"], recurse=not config["no-recurse"])


def _getDebugger(config: Options) -> Any:
    if config["debugger"] == "pdb":
        return pdb.Pdb(nosigint=True)
    try:
        return reflect.namedAny(config["debugger"])
    except (reflect.ModuleNotFound, AttributeError, ValueError) as error:
        raise _DebuggerNotFound(f"{config['debugger']!r} debugger could not be found: {error}") from error


def _makeRunner(config: Options) -> Any:
    """Return what runs the tests.

    Raises:
        CannotBegin: there is no such debugger, or the results cannot be written where they shall be.
    """
    make_reporter = config["reporter"]
    if config["junit-xml"] is not None:
        make_reporter = _also_as_xml(make_reporter, os.path.abspath(config["junit-xml"]))
    options: dict[str, Any] = {
        "tracebackFormat": config.get("tbformat", "default"),
        "realTimeErrors": config["rterrors"],
        "uncleanWarnings": config["unclean-warnings"],
        "logfile": config["logfile"],
        "workingDirectory": config["temp-directory"],
        "exitFirst": config["exitfirst"],
    }
    if config["dry-run"]:
        options["mode"] = runner.TrialRunner.DRY_RUN
    elif config["jobs"]:
        setup = Setup(
            "",
            force_gc=bool(config["force-gc"]),
            disable_gc=bool(config.get("disablegc")),
            recursion_limit=config.get("recursionlimit"),
            coverage=config.tracer is not None,
        )
        return WorkersRunner(make_reporter, config["jobs"], setup, config.tracer, **options)
    elif config["debug"]:
        options["mode"] = runner.TrialRunner.DEBUG
        options["debugger"] = _getDebugger(config)
    return runner.TrialRunner(
        make_reporter,
        profile=config["profile"],
        forceGarbageCollection=bool(config["force-gc"]),
        **options,
    )


def _also_as_xml(make_reporter: Callable[..., Any], path: str) -> Callable[..., Any]:
    try:
        # Before the tests have run, and not when their results are lost.
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a", encoding="utf-8"):
            pass
    except OSError as error:
        raise CannotBegin(
            f"the results cannot be written to {path!r} ({error}): choose another file with --junit-xml"
        ) from error

    def write(text: str) -> None:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def make(*args: Any) -> Any:
        return JUnitRecorder(make_reporter(*args), write)

    return make


def _prepare_debugging(config: Options) -> None:
    if config["debug"] and not config["nopm"]:
        startDebugMode()
    if config["debug-stacktraces"]:
        defer.setDebugging(True)
        DelayedCall.debug = True
        note_coroutines()


def _run_tests(config: Options, trial: Any, suite: Any) -> Any:
    try:
        result = trial.runUntilFailure(suite) if config["until-failure"] else trial.run(suite)
    except KeyboardInterrupt:
        # The reporter has told where; a traceback of the runner would only push that off the screen.
        sys.excepthook = lambda *_: None
        _write_coverage(config)
        raise
    _write_coverage(config)
    return result


def _write_coverage(config: Options) -> None:
    if config.tracer is not None:
        sys.settrace(None)
        results = config.tracer.results()
        results.write_results(show_missing=True, summary=False, coverdir=config.coverdir().path)


def run() -> NoReturn:
    """Be the command.

    Raises:
        SystemExit: with status 0 when all tests pass, else 1.
        KeyboardInterrupt: somebody stopped it.
    """
    if len(sys.argv) == 1:
        sys.argv.append("--help")
    sys.path.insert(0, os.path.abspath(os.getcwd()))
    config = Options()
    try:
        config.parseOptions()
    except type(usage_error("")) as error:
        raise SystemExit(f"{sys.argv[0]}: {error}") from None
    _prepare_debugging(config)
    try:
        result = _run_tests(config, _makeRunner(config), _getSuite(config))
    except CannotBegin as error:
        raise SystemExit(f"{sys.argv[0]}: {error}") from None
    sys.exit(not result.wasSuccessful())


publish(globals())
