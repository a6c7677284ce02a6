"""Which of the project's tests both runners can run: test cases, and functions that need nothing given."""

from __future__ import annotations

import inspect
import unittest as pyunit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module, util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from selvage.failure import forget
from selvage.testing.trial import unittest

from . import _fresh  # noqa: F401  for its settings

__all__ = ["ROOT", "corpus", "files", "load", "name_of", "suite", "tests_of"]

ROOT = Path(__file__).resolve().parents[2]

#: Folders with tests.
_FOLDERS = ("tests", "examples")

#: Of the small modules that the commands of both trials are compared by, those whose tests end in every way that there is.
#: Not `classfixtures`: of a fixture that fails trial tells as such, and pytest as of each test.
_EVERY_END = (
    *("passes", "fails", "skips", "todos", "timeouts", "logged", "unclean", "fixtures"),
    *("expected", "interface", "standard", "warned"),
)


def files() -> list[Path]:
    """Return all files that have tests, but for those that are no tests of this project."""
    found = [path for folder in _FOLDERS for path in (ROOT / folder).rglob("test_*.py")]
    return sorted(path for path in found if "corpus" not in path.parts and "listings" not in path.parts)


def corpus() -> list[Path]:
    """Return the modules with tests that end in every way; they import `twisted`."""
    return [ROOT / "tests" / "conformance" / "corpus" / f"{name}.py" for name in _EVERY_END]


def name_of(path: Path) -> str:
    """Return the dotted name of the module in a file, from the project's folder if it is in that."""
    if not path.is_relative_to(ROOT):
        return path.stem
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def load(path: Path) -> ModuleType:
    """Import a module of tests as pytest does: by its name in a package, or for itself."""
    if (path.parent / "__init__.py").exists():
        return import_module(name_of(path))
    spec = util.spec_from_file_location(name_of(path), path)
    assert spec is not None and spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tests_of(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Give the name and the thing of each test: "test_it" of a function, "Case" of a class of test cases."""
    if getattr(module, "pytestmark", None):
        return
    for name, thing in vars(module).items():
        if getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(thing) and issubclass(thing, pyunit.TestCase):
            yield name, thing
        elif name.startswith("test_") and inspect.isfunction(thing) and _needs_nothing(thing):
            yield name, thing


def _needs_nothing(function: Callable[..., object]) -> bool:
    # Marks ask for what only pytest has; Hypothesis gives arguments itself and says so.
    return not inspect.signature(function).parameters and not getattr(function, "pytestmark", None)


def suite(path: Path) -> Any:
    """Return the tests of a file for trial: functions as methods of one class, which is called like the module."""
    loader = pyunit.TestLoader()
    tests = unittest.TestSuite()
    functions = {}
    for name, thing in tests_of(load(path)):
        if inspect.isclass(thing):
            tests.addTest(loader.loadTestsFromTestCase(thing))
        else:
            functions[name] = _as_method(thing)
    if functions:
        case = type("Functions", (unittest.TestCase,), {**functions, "__module__": name_of(path)})
        tests.addTests(map(case, functions))
    return tests


def _as_method(function: Callable[[], Any]) -> Callable[[Any], Any]:
    """Return a method that calls a function, and skips where that skips in pytest's words."""
    if inspect.iscoroutinefunction(function):

        async def wait(self: Any) -> None:
            with _as_function(self):
                await function()

        return wait

    def call(self: Any) -> Any:
        with _as_function(self):
            return function()

    return call


@contextmanager
def _as_function(case: Any) -> Iterator[None]:
    """Around a test: pytest lets a function alone with what reaches the hub, and has words of its own for how it ends."""
    forget()
    try:
        yield
    except pytest.skip.Exception as error:
        raise unittest.SkipTest(str(error)) from None
    except pytest.fail.Exception as error:
        raise unittest.FailTest(str(error)) from None
    finally:
        case.flushLoggedErrors()
