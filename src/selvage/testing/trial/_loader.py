"""Finding tests: in modules, packages and files, by name or as objects.  Beside the floors."""

from __future__ import annotations

import doctest
import os
import pkgutil
import sys
import types
import unittest as pyunit
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from inspect import getmembers
from typing import Any, TypeGuard

from selvage.failure import Failure

from . import _names
from ._asyncrunner import TestSuite
from ._holders import ErrorHolder

__all__ = [
    "TestLoader",
    "filenameToModule",
    "isPackage",
    "isPackageDirectory",
    "isTestCase",
    "name",
    "qual_name_walker",
]

__unittest = True


class _Module:
    """A module of a package that is not imported yet."""

    def __init__(self, name: str) -> None:
        self.name = name

    def load(self) -> types.ModuleType:
        """Import it."""
        return import_module(self.name)


def isPackage(module: Any) -> bool:
    """Tell whether `module` is a package."""
    return isinstance(module, types.ModuleType) and hasattr(module, "__path__")


def isPackageDirectory(dirname: str) -> str | None:
    """Return the name of the file that makes a folder a package, or None."""
    for suffix in (".py", ".so", ".pyd", ".dll"):
        if os.path.exists(os.path.join(dirname, "__init__" + suffix)):
            return "__init__" + suffix
    return None


def isTestCase(obj: Any) -> TypeGuard[type[pyunit.TestCase]]:
    """Tell whether `obj` is a class of test cases."""
    try:
        return issubclass(obj, pyunit.TestCase)
    except TypeError:
        return False


def name(thing: Any) -> str:
    """Return the name by which tests, classes and modules are sorted."""
    if isinstance(thing, str):
        return thing
    if isinstance(thing, type):
        return f"{thing.__module__}.{thing.__qualname__}"
    for attribute in ("name", "__name__"):
        found = getattr(thing, attribute, None)
        if isinstance(found, str):
            return found
    return str(thing.id())


def qual_name_walker(qualName: str) -> Iterator[tuple[str, list[str]]]:
    """Give what may be the module of a dotted name, and the rest; the longest first."""
    yield qualName, []
    module = qualName
    rest: list[str] = []
    while "." in module:
        module, _, last = module.rpartition(".")
        rest = [last, *rest]
        yield module, rest


# --- Files -----------------------------------------------------------------------------------------------------------


def filenameToModule(fn: str) -> types.ModuleType:
    """Return the module or package that is in a file or folder; it need not be on `sys.path`.

    Raises:
        ValueError: there is no such file, or the folder is no package.
    """
    fn = os.fspath(fn)
    if not os.path.exists(fn):
        raise ValueError(f"{fn!r} doesn't exist")
    dotted = _dotted_name(fn)
    file = os.path.abspath(fn)
    if os.path.isdir(fn):
        init = isPackageDirectory(fn)
        if init is None:
            raise ValueError(f"{fn!r} is not a package directory")
        file = os.path.join(file, init)
    try:
        found = import_module(dotted)
    except (ValueError, AttributeError, ImportError):
        # Not to be had by this name, as it seems: by its file it may be, or says why not.
        return _from_file(dotted, file)
    own = getattr(found, "__file__", None)
    if own is None or not os.path.exists(own) or not os.path.samefile(own, file):
        return _from_file(dotted, file)
    return found


def _dotted_name(fn: str) -> str:
    """Return the name of the module in a file: that of the outermost package around it comes first."""
    path = os.path.abspath(fn).rstrip(os.sep)
    folder, base = os.path.split(path)
    segments = [os.path.splitext(base)[0] if not os.path.isdir(path) else base]
    while isPackageDirectory(folder):
        folder, base = os.path.split(folder)
        segments.insert(0, base)
    return ".".join(segments)


def _from_file(dotted: str, file: str) -> types.ModuleType:
    from importlib.machinery import SourceFileLoader

    folders = [os.path.dirname(file)] if os.path.basename(file).startswith("__init__.") else None
    loader = SourceFileLoader(dotted, file)
    spec = spec_from_file_location(dotted, file, loader=loader, submodule_search_locations=folders)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[dotted] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(dotted, None)
        raise
    return module


# --- The loader ------------------------------------------------------------------------------------------------------


class TestLoader:
    """Finds tests and puts them into suites.

    Args:
        suiteFactory: makes a suite of a list of tests.
        sorter: the key by which modules, classes and tests are sorted; by default their names.
    """

    # So that pytest does not look for tests in it.
    __test__ = False

    __slots__ = ("sorter", "suiteFactory")

    methodPrefix = "test"
    modulePrefix = "test_"

    def __init__(
        self, suiteFactory: Callable[..., Any] = TestSuite, sorter: Callable[[Any], Any] = name
    ) -> None:
        self.suiteFactory = suiteFactory
        self.sorter = sorter

    def sort(self, xs: Iterable[Any]) -> list[Any]:
        """Return things in order."""
        return sorted(xs, key=self.sorter)

    def findTestClasses(self, module: types.ModuleType) -> list[Any]:
        """Return the classes of test cases that a module has, in order."""
        classes = {id(value): value for _, value in getmembers(module) if isTestCase(value)}
        return self.sort(classes.values())

    def getTestCaseNames(self, klass: type) -> list[str]:
        """Return the names of a class's tests, without their prefix."""
        names = [attribute for attribute in dir(klass) if attribute.startswith(self.methodPrefix)]
        prefix = len(self.methodPrefix)
        return [attribute[prefix:] for attribute in names if callable(getattr(klass, attribute))]

    def loadClass(self, klass: Any) -> Any:
        """Return a suite of the tests of a class.

        Raises:
            TypeError: it is no class.
            ValueError: it is none of test cases.
        """
        if not isinstance(klass, type):
            raise TypeError(f"{klass!r} is not a class")
        if not isTestCase(klass):
            raise ValueError(f"{klass!r} is not a test case")
        tests = [klass(self.methodPrefix + each) for each in self.getTestCaseNames(klass)]
        return self.suiteFactory(self.sort(tests))

    loadTestsFromTestCase = loadClass

    def loadModule(self, module: Any) -> Any:
        """Return a suite of the tests of a module: what its `testSuite` or `test_suite` returns, or those of its classes.

        Raises:
            TypeError: it is no module.
        """
        if not isinstance(module, types.ModuleType):
            raise TypeError(f"{module!r} is not a module")
        for own in ("testSuite", "test_suite"):
            if hasattr(module, own):
                return getattr(module, own)()
        suite = self.suiteFactory([self.loadClass(klass) for klass in self.findTestClasses(module)])
        documented = getattr(module, "__doctests__", ())
        if documented:
            suite.addTest(self.suiteFactory([self.loadDoctests(each) for each in documented]))
        return suite

    loadTestsFromModule = loadModule

    def loadPackage(self, package: Any, recurse: bool = False) -> Any:
        """Return a suite of the tests of a package's modules `test_*`.

        Args:
            recurse: look into packages below it, too.

        Raises:
            TypeError: it is no package.
        """
        if not isPackage(package):
            raise TypeError(f"{package!r} is not a package")
        found = [
            each
            for each in _modules_of(package.__path__, package.__name__, recurse)
            if each.name.rpartition(".")[2].startswith(self.modulePrefix)
        ]
        return self.suiteFactory([self._load_module_of_package(each) for each in self.sort(found)])

    def _load_module_of_package(self, module: _Module) -> Any:
        try:
            loaded = module.load()
        except KeyboardInterrupt:
            raise
        except BaseException:
            return ErrorHolder(module.name, Failure())
        return self.loadModule(loaded)

    def loadDoctests(self, module: Any) -> Any:
        """Return a suite of the examples in a module's docstrings, or of the module of this name."""
        if isinstance(module, str):
            try:
                module = _names.namedAny(module)
            except KeyboardInterrupt:
                raise
            except BaseException:
                return ErrorHolder(module, Failure())
        if not isinstance(module, types.ModuleType):
            raise TypeError(f"{module!r} is not a module")
        return _DocTests(self, module).suite()

    def loadAnything(
        self, obj: Any, recurse: bool = False, parent: Any = None, qualName: list[str] | None = None
    ) -> Any:
        """Return the tests of a module, a package, a class or a method.

        Args:
            recurse: look into packages below a package.
            parent: the class of a method.
            qualName: the segments of a method's name.

        Raises:
            TypeError: it is none of these.
        """
        if isinstance(obj, types.ModuleType):
            return self.loadPackage(obj, recurse) if isPackage(obj) else self.loadModule(obj)
        if isTestCase(obj):
            return self.loadClass(obj)
        if isinstance(obj, types.FunctionType) and isTestCase(parent):
            assert qualName is not None
            return parent(qualName[-1])
        if isinstance(obj, types.MethodType) and isTestCase(obj.__self__):
            return obj.__self__(obj.__name__)
        if isinstance(obj, pyunit.TestSuite | pyunit.TestCase):
            return obj
        raise TypeError(f"No loader for {obj!r}. Unrecognized type")

    # --- By name -----------------------------------------------------------------------------------------------------

    def findByName(self, _name: str, recurse: bool = False) -> Any:
        """Return the tests of what is called so: a file, or a dotted name of a module, a class or a method.

        Raises:
            ValueError: there is no such file; `ModuleNotFound`, a kind of it: there is no such module.
            AttributeError: the module has no such thing.
            Exception: what the module raises that is imported.
        """
        found = self._find(_name)
        return self.loadAnything(found.thing, recurse=recurse, parent=found.parent, qualName=_name.split("."))

    def _find(self, name: str) -> _Found:
        if os.sep in name or name.endswith(".py"):
            return _Found(filenameToModule(name))
        for module, rest in qual_name_walker(name):
            if _names.is_there(module):
                thing: Any = import_module(module)
                parent: Any = None
                for part in rest:
                    parent, thing = thing, getattr(thing, part)
                return _Found(thing, parent if isinstance(parent, type) else None)
        # There is none: it says what is missing.
        return _Found(_names.namedAny(name))

    def loadByName(self, name: str, recurse: bool = False) -> Any:
        """Return a suite of the tests of what is called so; one that fails, if they cannot be found."""
        try:
            return self.suiteFactory([self.findByName(name, recurse=recurse)])
        except KeyboardInterrupt:
            raise
        except BaseException:  # a module may exit, or be left out by pytest
            return self.suiteFactory([ErrorHolder(name, Failure())])

    loadTestsFromName = loadByName

    def loadByNames(self, names: list[str], recurse: bool = False) -> Any:
        """Return a suite of the tests of all that is called so, in this order, nothing twice."""
        tests = []
        seen: list[_Found] = []
        for each in names:
            try:
                found = self._find(each)
                if found not in seen:
                    seen.append(found)
                    tests.append(
                        self.loadAnything(found.thing, recurse, parent=found.parent, qualName=each.split("."))
                    )
            except KeyboardInterrupt:
                raise
            except BaseException:
                tests.append(ErrorHolder(each, Failure()))
        return self.suiteFactory(tests)

    def loadFile(self, fileName: str, recurse: bool = False) -> Any:
        """Return the tests of the module in a file."""
        module = _from_file(os.path.splitext(os.path.basename(fileName))[0], os.path.abspath(fileName))
        return self.loadAnything(module, recurse=recurse)


@dataclass
class _Found:
    """What a name names: a module, a class, or a function and the class that it is a method of."""

    thing: Any
    parent: Any = None


class _DocTests:
    """The examples in the docstrings of a module."""

    def __init__(self, loader: TestLoader, module: types.ModuleType) -> None:
        self._loader = loader
        self._module = module

    def suite(self) -> Any:
        globs = self._module.__dict__
        found = [
            test for test in doctest.DocTestFinder().find(self._module, globs=dict(globs)) if test.examples
        ]
        for test in found:
            if not test.filename:
                test.filename = self._module.__file__
        return self._loader.suiteFactory([_DocTestCase(test) for test in sorted(found)])


class _DocTestCase(doctest.DocTestCase):
    """One docstring's examples, as often as they are run."""

    def __init__(self, test: doctest.DocTest) -> None:
        super().__init__(test)
        self._fresh = dict(test.globs)

    def setUp(self) -> None:
        # Running the examples clears and changes what they see.
        self._dt_test.globs = dict(self._fresh)  # type: ignore[attr-defined]
        super().setUp()


def _modules_of(paths: Iterable[str], package: str, recurse: bool) -> Iterator[_Module]:
    """Give the modules in the folders of a package; what is below one that cannot be imported, too."""
    for info in pkgutil.iter_modules(paths, package + "."):
        yield _Module(info.name)
        if info.ispkg and recurse:
            yield from _modules_of(_folders_of(info), info.name, recurse)


def _folders_of(info: pkgutil.ModuleInfo) -> Iterable[str]:
    try:
        # The import system knows best: a package may have several folders.
        spec = find_spec(info.name)
    except Exception:
        spec = info.module_finder.find_spec(info.name)  # type: ignore[call-arg]
    return () if spec is None else spec.submodule_search_locations or ()
