"""The finder behind `import twisted`: each test in a process of its own, since what is imported stays imported."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from selvage._wing import TWISTED_VERSION, WingFinder, twisted_getattr

pytestmark = pytest.mark.slow

# Takes every installed Twisted out of sight: of the path finder, and whatever other finder there may be.
WITHOUT_TWISTED = """\
import sys
from importlib.machinery import PathFinder
class Blind:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "twisted" and not (path and all("selvage" in entry for entry in path)):
            return None
        return PathFinder.find_spec(name, path, target)
sys.meta_path[:] = [Blind if finder is PathFinder else finder for finder in sys.meta_path]
"""


def python(code: str, *, before: str = "", cwd: Path | None = None) -> str:
    """Run `before` and `code` in a fresh interpreter; return what it printed, fail when it fails."""
    done = subprocess.run(
        [sys.executable, "-c", before + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.needs_twisted
def test_our_modules_come_first_and_the_rest_from_the_installed_twisted() -> None:
    output = python("""
        import selvage
        selvage.install_twisted()
        import twisted, twisted.internet.address, twisted.python.usage, twisted.words
        print(twisted.__name__, twisted.internet.address.__name__)
        for module in (twisted, twisted.internet.address, twisted.python.usage, twisted.words):
            print("selvage" if "selvage" in module.__file__ else "installed")
    """)
    assert output.split() == [
        "twisted",
        "twisted.internet.address",
        "selvage",
        "selvage",
        "installed",
        "installed",
    ]


def test_the_wing_stands_alone_without_twisted() -> None:
    output = python(
        """
        import selvage
        selvage.install_twisted()
        import twisted, twisted.internet.address
        print(twisted.__path__ == [twisted.__file__.rpartition("/")[0]], len(twisted.internet.__path__))
        try:
            import twisted.words
        except ModuleNotFoundError as error:
            print(error)
    """,
        before=WITHOUT_TWISTED,
    )
    first, second = output.splitlines()
    assert first == "True 1"
    assert second.startswith("No module named 'twisted.words': ")


def test_the_version_of_twisted_is_known_though_none_is_installed() -> None:
    """pytest asks for it before it runs a test case of trial."""
    output = python(
        """
        import importlib.metadata as metadata
        import selvage
        selvage.install_twisted()
        print(metadata.version("twisted"), metadata.version("Twisted"))
        print([each.name for each in metadata.distributions() if each.name.lower() == "twisted"])
        """,
        before=WITHOUT_TWISTED,
    )
    assert output.split("\n")[:2] == [f"{TWISTED_VERSION} {TWISTED_VERSION}", "[]"]


def test_every_module_of_the_wing_stands_alone() -> None:
    output = python(
        """
        import importlib, pathlib, selvage
        selvage.install_twisted()
        folder = pathlib.Path(selvage.__file__).parent
        for path in sorted((folder / "twisted").rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            importlib.import_module(".".join(parts).removesuffix(".__init__"))
        print("all")
        """,
        before=WITHOUT_TWISTED,
    )
    assert output.strip() == "all"


@pytest.mark.parametrize(
    "name",
    [
        "selectreactor",
        "pollreactor",
        "epollreactor",
        "asyncioreactor",
        "kqreactor",
        "iocpreactor",
        "win32eventreactor",
    ],
)
def test_install_of_any_reactor_module_gives_selvages_reactor(name: str) -> None:
    output = python(f"""
        import selvage
        selvage.install_twisted()
        from twisted.internet import {name}
        {name}.install()
        from twisted.internet import reactor
        print(reactor is selvage.get_reactor(), type(reactor) is selvage.Reactor)
    """)
    assert output.split() == ["True", "True"]


def test_installing_twice_is_the_same_as_once() -> None:
    output = python("""
        import sys, selvage
        from selvage._wing import WingFinder
        selvage.install_twisted()
        sys.meta_path.insert(0, type("Other", (), {"find_spec": staticmethod(lambda *arguments: None)}))
        import twisted
        selvage.install_twisted()
        print([type(finder) is WingFinder for finder in sys.meta_path].count(True), type(sys.meta_path[0]).__name__)
    """)
    assert output.split() == ["1", "WingFinder"]


def test_a_twisted_imported_before_is_a_teaching_error(tmp_path: Path) -> None:
    (tmp_path / "twisted").mkdir()
    (tmp_path / "twisted" / "__init__.py").touch()
    output = python(
        """
        import twisted, selvage
        try:
            selvage.install_twisted()
        except RuntimeError as error:
            print(error)
        """,
        cwd=tmp_path,
    )
    assert "too late" in output
    assert str(tmp_path / "twisted") in output
    assert "before the first `import twisted`" in output


def test_an_installed_twisted_may_be_a_zip_archive(tmp_path: Path) -> None:
    import zipfile

    archive = tmp_path / "site.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(
            "twisted/__init__.py", "raise SystemExit('the installed package is not to be imported')"
        )
        file.writestr("twisted/internet/__init__.py", "")
        file.writestr("twisted/internet/extra.py", "here = __file__")
    output = python(f"""
        import sys, selvage
        sys.path.insert(0, {str(archive)!r})
        selvage.install_twisted()
        import twisted.internet.extra, twisted.internet.address
        print(twisted.internet.extra.here)
    """)
    assert output.strip() == str(archive / "twisted" / "internet" / "extra.py")


def test_an_empty_package_of_the_wing_runs_what_the_installed_one_says(tmp_path: Path) -> None:
    """Twisted's packages announce their deprecated modules; ours that only add modules leave that to them."""
    package = tmp_path / "twisted" / "python"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text(
        "raise SystemExit('ours says something, so this is not to run')"
    )
    (package / "__init__.py").write_text("announced = True")
    output = python(f"""
        import sys, selvage
        sys.path.insert(0, {str(tmp_path)!r})
        selvage.install_twisted()
        from twisted import python
        print(python.__path__[0].endswith("selvage/twisted/python"), python.announced)
    """)
    assert output.split() == ["True", "True"]


def test_an_installed_twisted_may_be_found_by_another_finder(tmp_path: Path) -> None:
    """As an editable installation is: by a finder that maps the name to a folder."""
    package = tmp_path / "checkout" / "src" / "twisted"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "extra.py").write_text("here = __file__")
    output = python(f"""
        import sys, selvage
        from importlib.machinery import PathFinder
        class Editable:
            @staticmethod
            def find_spec(name, path=None, target=None):
                return PathFinder.find_spec(name, [{str(package.parent)!r}]) if name == "twisted" else None
        sys.meta_path.insert(0, Editable)
        selvage.install_twisted()
        import twisted.extra
        print(twisted.extra.here)
    """)
    assert output.strip() == str(package / "extra.py")


def test_a_folder_without_init_is_searched_but_never_hides_the_wing(tmp_path: Path) -> None:
    """Projects carry a bare `twisted/plugins` folder; Python calls that a namespace."""
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "mine.py").write_text("here = __file__")
    output = python(
        """
        import selvage
        selvage.install_twisted()
        import twisted.internet.address
        print("selvage" in twisted.internet.address.__file__)
        """,
        before=WITHOUT_TWISTED,
        cwd=tmp_path,
    )
    assert output.strip() == "True"


def test_selvages_own_folder_on_the_path_is_not_an_installed_twisted() -> None:
    import selvage

    home = str(Path(selvage.__file__).parent)
    output = python(f"""
        import sys, selvage
        sys.path.insert(0, {home!r})
        selvage.install_twisted()
        import twisted
        print(twisted.__path__.count({home!r} + "/twisted"))
    """)
    assert output.strip() == "1"


def test_other_names_are_none_of_the_finders_business() -> None:
    finder = WingFinder()
    assert finder.find_spec("twistedcaldav") is None
    assert finder.find_spec("json") is None


@pytest.mark.needs_twisted
def test_plugins_are_discovered_in_the_installed_twisted_and_in_projects(tmp_path: Path) -> None:
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "mine_plugin.py").write_text(
        textwrap.dedent("""
            from zope.interface import implementer
            from twisted.plugin import IPlugin
            from twisted.application.service import IServiceMaker, ServiceMaker
            mine = ServiceMaker("mine", "mine", "a plugin of a project", "minetap")
        """)
    )
    output = python(
        f"""
        import sys, selvage
        sys.path.insert(0, {str(tmp_path)!r})
        sys.dont_write_bytecode = True
        selvage.install_twisted()
        from twisted.plugin import getPlugins
        from twisted.application.service import IServiceMaker
        print(sorted(plugin.tapname for plugin in getPlugins(IServiceMaker)))
        """,
        cwd=tmp_path,
    )
    assert "'minetap'" in output
    assert "'web'" in output


def test_the_version_is_that_of_the_mirrored_twisted() -> None:
    output = python("""
        import selvage
        selvage.install_twisted()
        import twisted
        print(twisted.__version__)
    """)
    assert output.strip() == TWISTED_VERSION


@pytest.mark.needs_twisted
def test_version_objects_come_from_incremental() -> None:
    output = python("""
        import selvage
        selvage.install_twisted()
        from twisted import version
        print(version.package, version.major, version.minor)
        from twisted._version import __version__
        print(__version__.short())
    """)
    assert output.split() == ["Twisted", *TWISTED_VERSION.split(".")[:2], TWISTED_VERSION]


def test_version_object_without_incremental_names_the_missing_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "incremental", None)
    with pytest.raises(AttributeError, match="incremental"):
        twisted_getattr("version")


def test_unknown_names_of_the_package_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        twisted_getattr("nonsense")


@pytest.mark.needs_twisted
def test_the_cache_of_plugins_that_a_program_writes_here_is_read_by_twisted(tmp_path: Path) -> None:
    # The installed Twisted keeps by its plugins which interfaces they provide; such files outlive the process.
    (tmp_path / "sample_plugins.py").write_text(
        "from twisted.internet.interfaces import IStreamServerEndpointStringParser\n"
        "from twisted.plugin import IPlugin\n"
        "from twisted.trial.itrial import IReporter\n"
        "from zope.interface import implementer\n"
        "@implementer(IPlugin, IReporter, IStreamServerEndpointStringParser)\n"
        "class Sample: ...\n"
        "sample = Sample()\n"
    )
    provides = """
        import pickle, sys
        from zope.interface import providedBy
        from sample_plugins import sample
        from twisted.internet.interfaces import IStreamServerEndpointStringParser
        from twisted.trial.itrial import IReporter
    """
    python(
        f"""
        import selvage
        selvage.install_twisted()
        {provides}
        with open("cache", "wb") as file:
            pickle.dump(list(providedBy(sample)), file)
        """,
        cwd=tmp_path,
    )
    output = python(
        f"""
        {provides}
        with open("cache", "rb") as file:
            found = pickle.load(file)
        print("selvage" in sys.modules, IReporter in found, IStreamServerEndpointStringParser in found)
        """,
        cwd=tmp_path,
    )
    assert output.split() == ["False", "True", "True"]
