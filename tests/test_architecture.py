"""The plan of docs/design, enforced: who may import whom, what the wing may hold, which names may be camelCase.

Every file of src/selvage is read with `ast`; only `test_each_module_can_be_imported_first` runs any of it.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "selvage"

TOP = 9  # the face `selvage` itself, and what stands beside the floors

FLOORS = {
    "_events": 0,
    "_publish": 0,
    "errors": 0,
    "failure": 0,
    "defer": 0,
    "_context": 1,
    "_hostnames": 1,
    "_plugins": 1,
    "interfaces": 1,
    "addresses": 1,
    "paths": 1,
    "logger": 1,
    "reactor": 2,
    "tasks": 2,
    "tls": 2,
    "transports": 2,
    "protocols": 3,
    "endpoints": 3,
    "processes": 3,
    "web": 4,
    "mail": 4,
    "auth": 4,
    "service": 5,
    "recover": 5,
    "observe": 5,
    # The command line, what it launches programs with, and the demonstration.
    "cli": 5,
    "demo": 5,
    "_launch": 5,
    "_serve": 5,
    "_wing": 5,
    "_wing_metadata": 5,
    # Beside the floors: may import everything, imported by none of them.
    "testing": TOP,
    "twisted": TOP,
    "__main__": TOP,
    "": TOP,
}

# Within floor 0 there is an order, too.
FLOOR_0 = {"_publish": 0, "errors": 0, "failure": 1, "_events": 2, "defer": 3}

# What may be imported upward all the same, and why.
UPWARD = {
    # Commands for testing: the proxy that treats connections badly.
    ("selvage.cli", "selvage.testing.chaos"),
}

# Where the packages of floor 2 meet: the reactor that users get has the transports' methods mixed in.
MEETING = {"selvage.reactor", "selvage.reactor._compose"}

# Lines of the wing that are more than imports, each by rule: (file, beginning of the statement).
WING_RULES = {
    # Importing it installs the reactor, which then stands in the module's place.
    "internet/reactor.py": ("del sys.modules[__name__]", "default.install()"),
    # Programs and tests replace names in it, and what is in it has to see that: so it is the module itself.
    "python/log.py": ("sys.modules[__name__] = classic",),
    "protocols/tls.py": ("sys.modules[__name__] = tls",),
    "trial/unittest.py": ("sys.modules[__name__] = unittest",),
    "trial/reporter.py": ("sys.modules[__name__] = reporter",),
    "trial/runner.py": ("sys.modules[__name__] = runner",),
    "trial/util.py": ("sys.modules[__name__] = util",),
    "trial/__main__.py": ('if __name__ == "__main__"',),
    "scripts/trial.py": ("sys.modules[__name__] = command",),
    "trial/_synctest.py": ("sys.modules[__name__] = _synctest",),
    "trial/_asynctest.py": ("sys.modules[__name__] = _asynctest",),
    "trial/_asyncrunner.py": ("sys.modules[__name__] = _asyncrunner",),
}


@dataclass(frozen=True)
class Import:
    importer: str
    target: str
    line: int
    lazy: bool  # inside a function
    for_checkers: bool  # under `if TYPE_CHECKING`

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


def name_of(path: Path) -> str:
    parts = ["selvage", *path.relative_to(SOURCE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, tuple[Path, ast.Module]]:
    return {
        name_of(path): (path, ast.parse(path.read_text(encoding="utf-8"), str(path)))
        for path in sorted(SOURCE.rglob("*.py"))
    }


def in_wing(name: str) -> bool:
    return name == "selvage.twisted" or name.startswith("selvage.twisted.")


def part_of(name: str) -> str:
    """`selvage.defer._core` -> `defer`; the top face is the empty part."""
    return (name.split(".") + [""])[1]


def floor_of(name: str) -> int:
    part = part_of(name)
    assert part in FLOORS, f"{name}: say in tests/test_architecture.py on which floor `{part}` stands"
    return FLOORS[part]


def is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def statements(
    body: list[ast.stmt], lazy: bool = False, for_checkers: bool = False
) -> Iterator[tuple[ast.AST, bool, bool]]:
    """Walk all nodes, telling of each whether it runs late and whether only checkers see it."""
    for node in body:
        yield node, lazy, for_checkers
        if isinstance(node, ast.If) and is_type_checking(node.test):
            yield from statements(node.body, lazy, True)
            yield from statements(node.orelse, lazy, for_checkers)
            continue
        late = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from statements(list(ast.iter_child_nodes(node)), late, for_checkers)  # type: ignore[arg-type]


def targets(node: ast.AST, importer: str, is_package: bool) -> Iterator[str]:
    """Yield the full names of what one statement imports, as module names as far as they are modules."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            package = importer.split(".") if is_package else importer.split(".")[:-1]
            package = package[: len(package) - (node.level - 1)]
            base = ".".join([*package, base] if base else package)
        for alias in node.names:
            yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules() else base
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and (node.func.id if isinstance(node.func, ast.Name) else node.func.attr)
        in {"import_module", "__import__"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ):
        yield node.args[0].value


@cache
def imports() -> tuple[Import, ...]:
    found = []
    for name, (path, tree) in modules().items():
        for node, lazy, for_checkers in statements(tree.body):
            for target in targets(node, name, path.name == "__init__.py"):
                found.append(Import(name, target, getattr(node, "lineno", 0), lazy, for_checkers))
    return tuple(found)


def own_imports() -> Iterator[Import]:
    """Imports of Selvage by Selvage."""
    for each in imports():
        if each.target == "selvage" or each.target.startswith("selvage."):
            yield each


def violations(found: Iterator[str]) -> None:
    listed = list(dict.fromkeys(found))
    assert not listed, "\n" + "\n".join(listed)


def test_every_module_stands_on_a_floor():
    for name in modules():
        floor_of(name)


def test_imports_name_modules_that_exist():
    violations(f"{each}, which does not exist" for each in own_imports() if each.target not in modules())


def test_no_import_goes_up():
    violations(
        f"{each}: floor {floor_of(each.importer)} knows nothing of floor {floor_of(each.target)}"
        for each in own_imports()
        if floor_of(each.importer) < floor_of(each.target) and (each.importer, each.target) not in UPWARD
    )


def test_nothing_imports_what_stands_beside_the_floors():
    """`testing` and the wing are for users; not even the top face needs them."""
    beside = {"testing", "twisted"}
    violations(
        str(each)
        for each in own_imports()
        if part_of(each.target) in beside
        and part_of(each.importer) not in beside
        and (each.importer, each.target) not in UPWARD
    )


def test_logins_know_no_protocol():
    """Of floor 4, `auth` is what the others stand on."""
    violations(
        str(each)
        for each in own_imports()
        if part_of(each.importer) == "auth" and part_of(each.target) != "auth" and floor_of(each.target) == 4
    )


def test_order_within_floor_0():
    violations(
        str(each)
        for each in own_imports()
        if part_of(each.importer) in FLOOR_0
        and FLOOR_0[part_of(each.importer)] < FLOOR_0.get(part_of(each.target), -1)
        and not each.for_checkers
    )


def test_floor_0_uses_the_standard_library_only():
    allowed = sys.stdlib_module_names | {"selvage"}
    violations(
        str(each)
        for each in imports()
        if floor_of(each.importer) == 0
        and each.target.partition(".")[0] not in allowed
        and not (each.for_checkers and each.target == "typing_extensions")
    )


def test_packages_of_floor_2_meet_in_one_place():
    def wrong(each: Import) -> bool:
        importer, target = part_of(each.importer), part_of(each.target)
        if importer == "reactor" and target in {"transports", "tasks"}:
            return each.importer not in MEETING
        if importer == "transports" and target == "reactor" and not each.for_checkers:
            return not each.target.startswith("selvage.reactor._") or each.target in MEETING
        return False

    violations(str(each) for each in own_imports() if wrong(each))


def test_no_package_reaches_into_the_private_parts_of_another():
    """Below, faces are used; the packages of one floor are built from one another's leaves."""

    def wrong(each: Import) -> bool:
        importer, target = part_of(each.importer), part_of(each.target)
        private = any(part.startswith("_") for part in each.target.split(".")[2:])
        if each.target == "selvage.interfaces._base":  # what interfaces are made of, wherever one is written
            return False
        return private and importer != target and floor_of(each.importer) != floor_of(each.target)

    allowed = {
        ("testing", "defer"),
        # Endpoints are the public form of what the transports do; they share its helpers.
        ("endpoints", "transports"),
    }
    violations(
        str(each)
        for each in own_imports()
        if wrong(each)
        and not in_wing(each.importer)
        and (part_of(each.importer), part_of(each.target)) not in allowed
    )


def strongly_connected(graph: dict[str, set[str]]) -> list[set[str]]:
    """Tarjan's algorithm, without recursion; returns the groups of more than one node."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups = []
    for root in graph:
        if root in index:
            continue
        work = [(root, iter(sorted(graph[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        while work:
            node, rest = work[-1]
            for successor in rest:
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    stack.append(successor)
                    work.append((successor, iter(sorted(graph[successor]))))
                    break
                if successor in stack:
                    low[node] = min(low[node], index[successor])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    group = set()
                    while not group or node not in group:
                        group.add(stack.pop())
                    if len(group) > 1:
                        groups.append(group)
    return groups


def test_strongly_connected_finds_rings():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": set(), "f": {"g"}, "g": {"f"}}
    assert sorted(map(sorted, strongly_connected(graph))) == [["a", "b", "c"], ["f", "g"]]


def test_no_ring_of_imports():
    """Imports inside functions count; those that only checkers see do not."""
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for each in own_imports():
        if not each.for_checkers and each.importer != each.target and each.target in modules():
            graph[each.importer].add(each.target)
    violations(" <-> ".join(sorted(ring)) for ring in strongly_connected(graph))


@pytest.mark.timeout(600)  # half a minute of computing, on a machine that may have other things to do
def test_each_module_can_be_imported_first():
    """Whatever module a program imports first, no half-made module is met on the way.

    Python imports a module's package before it, so a module that its package loads has been tried with the package.
    """
    names = [
        name
        for name in modules()
        if not in_wing(name) and not name.endswith("__main__") and not name.startswith("selvage.testing")
    ]
    program = (
        "import sys, importlib, collections, traceback\n"
        "failed = collections.defaultdict(list)\n"
        "loads = {}\n"
        "for name in sys.argv[1:]:\n"
        "    package = name.rpartition('.')[0]\n"
        "    if name in loads.get(package, ()):\n"
        "        loads[name] = loads[package]\n"
        "        continue\n"
        "    for loaded in [m for m in sys.modules if m == 'selvage' or m.startswith('selvage.')]:\n"
        "        del sys.modules[loaded]\n"
        "    try:\n"
        "        importlib.import_module(name)\n"
        "        loads[name] = {m for m in sys.modules if m.startswith('selvage.')}\n"
        "    except Exception:\n"
        "        failed[traceback.format_exc(limit=-1)].append(name)\n"
        "for error, names in failed.items():\n"
        "    print('cannot be imported first:', *names); print(error)\n"
        "sys.exit(bool(failed))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, *names], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [name for name in modules() if in_wing(name)])
def test_wing_file_is_thin(name):
    """Imports, `__all__`, plain names for names: more than that is behaviour, and belongs in selvage."""
    path, tree = modules()[name]
    rules = WING_RULES.get(path.relative_to(SOURCE / "twisted").as_posix(), ())

    def plain(node: ast.stmt) -> bool:
        if isinstance(node, ast.Import | ast.ImportFrom):
            return True
        if isinstance(node, ast.Expr):
            return isinstance(node.value, ast.Constant)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            return not any(isinstance(child, ast.Call | ast.Lambda | ast.IfExp) for child in ast.walk(node))
        return False

    source = path.read_text(encoding="utf-8")
    for node in tree.body:
        text = ast.get_source_segment(source, node) or ""
        assert plain(node) or text.startswith(rules or ("\0",)), (
            f"{path}:{node.lineno}: logic in the wing: {text}"
        )
    assert len(tree.body) <= 60, f"{path}: {len(tree.body)} statements"


GRAMMARS = {"_framing", "_grammar", "_socks4", "_tlvs", "_v1", "_v2"}
FORBIDDEN_TO_GRAMMARS = {
    "asyncio",
    "datetime",
    "logging",
    "select",
    "selectors",
    "selvage.defer",
    "selvage.failure",
    "selvage.logger",
    "selvage.reactor",
    "selvage.transports",
    "socket",
    "ssl",
    "threading",
    "time",
    "uvloop",
}


def test_framing_and_grammar_know_no_world():
    """Modules that turn bytes into events import no socket, clock, Deferred or logger."""
    violations(
        str(each)
        for each in imports()
        if each.importer.rpartition(".")[2] in GRAMMARS
        and any(each.target == bad or each.target.startswith(bad + ".") for bad in FORBIDDEN_TO_GRAMMARS)
    )


def test_platform_is_read_in_one_place():
    def read(name: str, tree: ast.Module) -> Iterator[str]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if (node.value.id, node.attr) in {
                    ("sys", "platform"),
                    ("os", "name"),
                    ("platform", "system"),
                }:
                    yield f"{name}:{node.lineno} reads {node.value.id}.{node.attr}"
            elif isinstance(node, ast.ImportFrom) and (node.module, "platform") in {
                ("sys", alias.name) for alias in node.names
            }:
                yield f"{name}:{node.lineno} reads sys.platform"

    violations(
        line
        for name, (_, tree) in modules().items()
        if not name.startswith("selvage.reactor._platform")
        for line in read(name, tree)
    )


# Names in camelCase that are neither ours nor Twisted's but those of who calls them.
FOREIGN_NAMES = {
    # Log levels are constants of the package `constantly` in Twisted.
    "lookupByName",
    # The guide's calls on the reactor, which Twisted lacks.
    "addErrorCallback",
    "removeErrorCallback",
    # As deferToThread.
    "deferToProcess",
    # Keys of endpoint strings ("ssl:443:chainPath=..."), which arrive as keywords.
    "caCertsDir",
    "chainPath",
    "dhPath",
    # unittest's: what it calls on test cases and results.
    "addSubTest",
    "setUp",
    "tearDown",
    # zope.interface's, told to type checkers.
    "getTaggedValue",
    "implementedBy",
    "isOrExtends",
    "providedBy",
    "setTaggedValue",
}


def test_camel_case_is_for_names_of_twisted():
    """tests/twisted_names.txt lists what Twisted calls its functions, methods and arguments."""
    known = set((ROOT / "tests" / "twisted_names.txt").read_text().split()) | FOREIGN_NAMES
    camel = re.compile(r"[a-z][a-z0-9]*[A-Z]\w*")

    def named(tree: ast.Module) -> Iterator[tuple[str, int]]:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name, node.lineno
                if not node.name.startswith("_") or node.name == "__init__":
                    arguments = node.args
                    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                        yield argument.arg, argument.lineno

    violations(
        f"{name}:{line}: {word} is camelCase that Twisted never had"
        for name, (_, tree) in modules().items()
        if not in_wing(name)
        for word, line in named(tree)
        if camel.fullmatch(word) and word not in known
    )


def test_public_modules_declare_all():
    def declares(tree: ast.Module) -> bool:
        return any(
            isinstance(target, ast.Name) and target.id == "__all__"
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        )

    violations(
        f"{name} has no __all__"
        for name, (_, tree) in modules().items()
        if not in_wing(name)
        and not any(part.startswith("_") for part in name.split("."))
        and not declares(tree)
    )


# Modules that are longer for a reason.
LONG: dict[str, int] = {}


def test_modules_hold_one_subject():
    """Past 600 lines two ideas share a room; 700 is where the talk ends."""
    violations(
        f"{name}: {count} lines"
        for name, (path, _) in modules().items()
        if (count := path.read_text(encoding="utf-8").count("\n")) > LONG.get(name, 700)
    )
