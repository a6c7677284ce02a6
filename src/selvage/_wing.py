"""How `import twisted` comes to mean Selvage: the finder behind the compatibility wing.  Beside the floors.

`install_twisted` puts one `WingFinder` first on `sys.meta_path`.  It answers for the top-level name ``twisted`` only:

* a module that lies in ``selvage/twisted/`` is loaded from there, under its Twisted name;
* each package found there searches, after its own folder, the folders of the same package of an installed Twisted,
  so a module we do not have is loaded from the installed Twisted by the ordinary import system and runs on Selvage;
* with no Twisted installed the wing stands alone.

The installed Twisted is located without importing it, by asking the finders that come after ours; so a zip archive,
an editable installation or a folder on `sys.path` all do.

The files of the wing hold no logic.  What they share (the version, one `__getattr__`) is here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.abc import MetaPathFinder
else:
    # importlib.abc pulls in pathlib, tempfile and shutil: a sixth of the time that a program takes to start.
    MetaPathFinder = object

__all__ = ["TWISTED_VERSION", "MissingModules", "WingFinder", "install_twisted", "twisted_getattr"]

#: The release of Twisted whose names and behaviour the wing mirrors; what `twisted.__version__` says.
TWISTED_VERSION = "26.10.0"

_HOME = os.path.dirname(os.path.abspath(__file__))
_WING = os.path.join(_HOME, "twisted")


class WingFinder(MetaPathFinder):
    """Finds `twisted` and what is below it: Selvage's modules first, then those of an installed Twisted."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of one module of the wing, or None when `fullname` is none of ours."""
        if fullname != "twisted" and not fullname.startswith("twisted."):
            return None
        own = [_HOME] if path is None else [entry for entry in path if _is_in_wing(entry)]
        spec = PathFinder.find_spec(fullname, own) if own else None
        # A folder without __init__.py is no package of the wing: Python would make a namespace of it.
        if spec is None or spec.loader is None:
            return None
        if spec.submodule_search_locations is not None:
            others = None if path is None else [entry for entry in path if not _is_in_wing(entry)]
            return self._joined(spec, fullname, others)
        return spec

    def invalidate_caches(self) -> None:
        """Nothing is cached here; the finders behind this one keep their own caches."""

    def _joined(self, own: ModuleSpec, fullname: str, path: Sequence[str] | None) -> ModuleSpec:
        """The spec of a package of the wing, which searches the installed package's folders after our own.

        Where our `__init__.py` is empty we have only modules to add: the installed package is loaded as it is (some
        announce there which of their modules are deprecated) and looks into our folder first.
        """
        installed = None if path is not None and not path else self._installed_spec(fullname, path)
        if installed is None or installed.submodule_search_locations is None:
            return own
        spec = installed if installed.loader is not None and _is_empty(own.origin) else own
        spec.submodule_search_locations = [
            *(own.submodule_search_locations or ()),
            *(folder for folder in installed.submodule_search_locations if not _is_in_wing(folder)),
        ]
        return spec

    def _installed_spec(self, fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """Ask every other finder, in order, as the import system would had the wing not answered."""
        for finder in sys.meta_path:
            find_spec = getattr(finder, "find_spec", None)
            if isinstance(finder, WingFinder) or find_spec is None:
                continue
            if finder is PathFinder and path is None:
                # src/selvage itself may be on sys.path (a script run from within it): that is not an installed Twisted.
                spec = PathFinder.find_spec(fullname, [entry for entry in sys.path if not _is_home(entry)])
            else:
                spec = find_spec(fullname, path)
            if spec is not None:
                found: ModuleSpec = spec
                return found
        return None


class MissingModules(MetaPathFinder):
    """Comes last and finds no module: says what to do where a module of Twisted is in nobody's keeping.

    Only where no Twisted is installed; where one is, Python's own words are right.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raise `ModuleNotFoundError` for a module below `twisted`, return None for any other."""
        if not fullname.startswith("twisted.") or self._is_twisted_installed():
            return None
        # Without `name=`: of an error that names the module, `from package import module` makes "cannot import name".
        raise ModuleNotFoundError(
            f"No module named {fullname!r}: Selvage does not have it (yet), and no Twisted is installed from which it "
            "could come; if it is one of Twisted's, `pip install twisted` supplies it, running on Selvage"
        )

    def find_distributions(self, context: Any) -> Iterable[Any]:
        """Answer who asks for Twisted's version by its name, and nobody who lists what is installed."""
        if (context.name or "").lower() != "twisted":
            return ()
        from selvage._wing_metadata import WingDistribution

        return (WingDistribution(TWISTED_VERSION),)

    def _is_twisted_installed(self) -> bool:
        package = sys.modules.get("twisted")
        return package is None or any(not _is_in_wing(folder) for folder in package.__path__)


def install_twisted() -> None:
    """Make `import twisted` give Selvage, in this process, from now on.

    Call it before anything imports Twisted; calling it again does no harm.

    Raises:
        RuntimeError: another Twisted was imported before; its modules are in use and cannot be replaced.
    """
    loaded = sys.modules.get("twisted")
    if loaded is not None and not is_wing_module(loaded):
        raise RuntimeError(
            f"install_twisted() was called too late: the Twisted of {_place(loaded)} has already been imported, and "
            "whoever imported it keeps it. Call selvage.install_twisted() before the first `import twisted`, or start "
            "the program with `python -m selvage twisted SCRIPT`."
        )
    for finder in sys.meta_path:
        if isinstance(finder, WingFinder):
            # Another finder may have been put before ours since; the first one to answer wins.
            sys.meta_path.remove(finder)
            break
    else:
        finder = WingFinder()
        sys.meta_path.append(MissingModules())
    sys.meta_path.insert(0, finder)


install_twisted.__module__ = "selvage"  # the address that users know


def is_wing_module(module: ModuleType) -> bool:
    """Tell whether `module` was loaded from Selvage's own folder of the wing."""
    spec = getattr(module, "__spec__", None)
    origin = getattr(spec, "origin", None)
    return origin is not None and _is_in_wing(origin)


def twisted_getattr(name: str) -> Any:
    """`__getattr__` of the package `twisted`: gives `version`, an `incremental.Version`, when somebody asks.

    It comes from the installed Twisted, or else from the `incremental` package; with neither there is no such name.
    """
    if name == "version":
        try:
            from incremental import Version
        except ImportError:
            raise AttributeError(
                "twisted.version needs the package `incremental`, which is not installed; "
                "twisted.__version__ is a string and always there"
            ) from None
        return Version("Twisted", *map(int, TWISTED_VERSION.split(".")))
    raise AttributeError(f"module 'twisted' has no attribute {name!r}")


def _is_in_wing(path: str) -> bool:
    return path == _WING or path.startswith(_WING + os.sep)


def _is_empty(file: str | None) -> bool:
    try:
        return file is not None and os.path.getsize(file) == 0
    except OSError:
        return False  # within an archive


def _is_home(entry: str) -> bool:
    return os.path.abspath(entry or os.getcwd()) == _HOME


def _place(module: ModuleType) -> str:
    file = getattr(module, "__file__", None)
    return os.path.dirname(file) if file else "an unknown place"
