"""Writes docs/reference/coverage.md: which names of Twisted are Selvage's own, from the wing itself.

    python -m tests.coverage_table           write the page anew (`make coverage`)
    python -m tests.coverage_table --print   print it

The wing is asked twice, each time in a process of its own: alone, as where no Twisted is installed, then beside the installed
one. What it gives alone is native; what it gives beside Twisted only comes from there, and runs on Selvage.
"""

from __future__ import annotations

import errno
import importlib
import json
import select
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SIGNATURES = ROOT / "tests" / "data" / "twisted_signatures.json"
PAGE = ROOT / "docs" / "reference" / "coverage.md"

PACKAGES = (
    "twisted.internet",
    "twisted.python.failure",
    "twisted.python.log",
    "twisted.python.threadpool",
    "twisted.protocols",
    "twisted.logger",
    "twisted.web",
    "twisted.mail",
    "twisted.trial",
    "twisted.application",
    "twisted.cred",
)

HEAD = """\
# What is native

Of each public module and name of Twisted {version}: whether Selvage has it itself (native), whether it comes from the installed
Twisted and runs on Selvage's reactor, or whether it is missing even then. Modules that can be imported on some other system only are
not counted, nor are names that a module merely imports.

`make coverage` writes this page, from what the wing gives alone and beside Twisted; a test fails when it is out of date.
"""

NATIVE, BORROWED, MISSING = "native", "from Twisted", "missing"

Table = dict[str, dict[str, str]]


def public_names() -> dict[str, list[str]]:
    """Return by module the public names of Twisted, in the packages that the page is about."""
    signatures = json.loads(SIGNATURES.read_text(encoding="utf-8"))
    return {
        module: sorted(name for name in names if not _is_constant_of_the_system(name))
        for module, names in sorted(signatures.items())
        if package_of(module)
    }


def package_of(module: str) -> str:
    """Return the package of the page that a module belongs to, or an empty text."""
    return next((name for name in PACKAGES if f"{module}.".startswith(f"{name}.")), "")


def what_the_wing_gives(alone: bool) -> dict[str, list[str]]:
    """Return by module which of the public names can be had through the wing, in this process.

    Args:
        alone: as where no Twisted is installed.
    """
    from selvage import _wing

    if alone:
        _wing.WingFinder._installed_spec = lambda self, fullname, path: None
    _wing.install_twisted()
    given = {}
    for module, names in public_names().items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # some modules are deprecated
                found = importlib.import_module(module)
                given[module] = [name for name in names if _has(found, name)]
        except ImportError:
            given[module] = []
    return given


def table() -> Table:
    """Return by module and name whether it is native, from Twisted or missing."""
    alone, beside = _ask("alone"), _ask("beside")
    made: Table = {}
    for module, names in public_names().items():
        native, given = set(alone[module]), set(beside[module])
        made[module] = {
            name: NATIVE if name in native else BORROWED if name in given else MISSING for name in names
        }
    return made


def page(made: Table) -> str:
    """Return the page as text."""
    from selvage._wing import TWISTED_VERSION

    parts = [HEAD.format(version=TWISTED_VERSION), "\n".join(_summary(made))]
    for package in PACKAGES:
        rows = {module: names for module, names in made.items() if package_of(module) == package}
        parts.append(f"## {package}\n\n" + "\n".join(_rows(rows)))
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _summary(made: Table) -> Iterator[str]:
    yield "| package | modules | with native names | names | native | from Twisted | missing |"
    yield "|---|---|---|---|---|---|---|"
    for package in (*PACKAGES, ""):
        rows = [names for module, names in made.items() if package in ("", package_of(module))]
        states = [state for names in rows for state in names.values()]
        counts = [
            len(rows),
            sum(NATIVE in names.values() for names in rows),
            len(states),
            *(states.count(state) for state in (NATIVE, BORROWED, MISSING)),
        ]
        yield f"| {package or 'all'} | " + " | ".join(map(str, counts)) + " |"


def _rows(rows: Table) -> Iterator[str]:
    yield "| module | native | from Twisted | missing |"
    yield "|---|---|---|---|"
    for module, names in rows.items():
        cells = [
            ", ".join(f"`{name}`" for name, state in names.items() if state == wanted)
            for wanted in (NATIVE, BORROWED)
        ]
        cells.append("; ".join(_absent(module, name) for name, state in names.items() if state == MISSING))
        yield f"| `{module}` | " + " | ".join(cells) + " |"


def _absent(module: str, name: str) -> str:
    from tests.twisted.test_wing_names import DIFFERS

    reason = DIFFERS.get(module, {}).get(f"{name}: missing", "")
    return f"`{name}` ({reason})" if reason else f"`{name}`"


def _has(module: object, name: str) -> bool:
    try:
        getattr(module, name)
    except (AttributeError, NotImplementedError):
        return False
    return True


def _is_constant_of_the_system(name: str) -> bool:
    return name == "platformType" or any(hasattr(standard, name) for standard in (errno, select))


def _ask(how: str) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.coverage_table", "--ask", how],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the wing {how} could not be asked: {done.stderr}")
    answer: dict[str, list[str]] = json.loads(done.stdout)
    return answer


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    if arguments[:1] == ["--ask"]:
        json.dump(what_the_wing_gives(alone=arguments[1] == "alone"), sys.stdout)
    elif arguments == ["--print"]:
        print(page(table()), end="")
    else:
        PAGE.write_text(page(table()), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
