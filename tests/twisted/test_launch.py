"""`python -m selvage twisted ...` beside plain `python ...`: the same program sees and prints the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """\
import sys
print(__name__, __file__, __package__, __spec__ and __spec__.name, sys.argv, sys.path[0])
print(sys.modules["__main__"].__dict__ is globals(), sorted(globals()))
what = sys.argv[1] if sys.argv[1:] else ""
def fail():
    raise ValueError(what)
if what == "exit":
    sys.exit(7)
if what == "message":
    sys.exit("goodbye")
if what == "interrupt":
    raise KeyboardInterrupt
if what == "fail":
    fail()
if what == "hook":
    sys.excepthook = lambda kind, value, traceback: print("hook", kind.__name__, traceback.tb_frame.f_code.co_name)
    fail()
"""


def both(arguments: list[str], cwd: Path, stdin: str = "") -> None:
    """Run `arguments` under plain Python and on Selvage; status and output have to be the same."""
    prefixes = ([sys.executable], [sys.executable, "-m", "selvage", "twisted"])
    plain, ours = (
        subprocess.run(
            [*prefix, *arguments], capture_output=True, text=True, cwd=cwd, input=stdin, timeout=50
        )
        for prefix in prefixes
    )
    assert ours.stdout == plain.stdout
    assert ours.stderr == plain.stderr
    assert ours.returncode == plain.returncode


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "__main__.py").write_text(SCRIPT)
    (tmp_path / "wrong.py").write_text("a = = 1\n")
    return tmp_path


@pytest.mark.parametrize("what", ["", "exit", "message", "interrupt", "fail", "hook"])
@pytest.mark.parametrize("how", [["script.py"], ["-m", "script"]], ids=["script", "module"])
def test_a_program_cannot_tell_the_difference(folder: Path, how: list[str], what: str) -> None:
    both([*how, what, "--option", "-m"], folder)


@pytest.mark.parametrize(
    "arguments",
    [
        ["package", "fail"],
        ["-m", "package", "fail"],
        ["package/__main__.py", "fail"],
        ["wrong.py"],
        ["-m", "wrong"],
        ["missing.py"],
        ["-m", "missing"],
        ["-m", "package.missing"],
        ["-c", "import sys; print(sys.argv, sys.path[0], sorted(globals()))", "a", "-c"],
    ],
    ids=" ".join,
)
def test_other_ways_to_name_a_program(folder: Path, arguments: list[str]) -> None:
    both(arguments, folder)


def test_a_program_from_standard_input(folder: Path) -> None:
    both(["-", "a"], folder, stdin="import sys; print(sys.argv, sys.path[0]); sys.exit(3)")


def test_a_program_from_an_archive(folder: Path) -> None:
    import zipfile

    with zipfile.ZipFile(folder / "program.zip", "w") as file:
        file.writestr("__main__.py", SCRIPT)
    both(["program.zip", "fail"], folder)


def test_exit_handlers_still_find_the_programs_main_module(folder: Path) -> None:
    (folder / "late.py").write_text(
        "import atexit, sys\nvalue = 'kept'\natexit.register(lambda: print(sys.modules['__main__'].value))\n"
    )
    both(["late.py"], folder)


def test_import_twisted_gives_selvage(folder: Path) -> None:
    (folder / "which.py").write_text("import twisted; print(twisted.__file__)\n")
    done = subprocess.run(
        [sys.executable, "-m", "selvage", "twisted", "which.py"],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=50,
    )
    assert "selvage" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [([], "usage:"), (["-m"], "argument expected"), (["-x"], "unknown option -x")],
    ids=["nothing", "no module", "unknown option"],
)
def test_a_wrong_command_line_says_how(arguments: list[str], says: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "selvage", "twisted", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=50,
    )
    assert done.returncode == 2
    assert says in done.stderr
    assert "usage:" in done.stderr


CHILD = "import twisted, selvage; print('selvage' in twisted.__path__[0])"


def test_children_of_a_program_are_on_selvage_too(folder: Path) -> None:
    """Where the package is installed, as its start-up hook is."""
    (folder / "parent.py").write_text(
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}], check=True)"
    )
    done = subprocess.run(
        [sys.executable, "-m", "selvage", "twisted", "parent.py"],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=50,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.parametrize("setting", [None, "", "0"])
def test_the_start_up_hook_is_off_unless_asked_for(folder: Path, setting: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SELVAGE_TWISTED"}
    if setting is not None:
        environment["SELVAGE_TWISTED"] = setting
    code = "import sys; print([name for name in sys.modules if 'selvage' in name])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, env=environment, timeout=50
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
