"""Which test modules the installed Twisted has, and which of its modules each of them tests."""

from __future__ import annotations

from importlib.machinery import PathFinder
from pathlib import Path

__all__ = ["discover", "module_under_test", "native", "package_of", "select", "twisted_folder"]

#: Test modules whose subject does not follow from their name.
SUBJECTS = {
    "twisted.internet.test.test_inlinecb": "twisted.internet.defer",
    "twisted.internet.test.test_defer_await": "twisted.internet.defer",
    "twisted.internet.test.test_defer_yieldfrom": "twisted.internet.defer",
    "twisted.internet.test.test_core": "twisted.internet.base",
    "twisted.internet.test.test_time": "twisted.internet.base",
    "twisted.internet.test.test_fdset": "twisted.internet.base",
    "twisted.internet.test.test_newtls": "twisted.protocols.tls",
    "twisted.internet.test.test_tls": "twisted.internet.ssl",
    "twisted.internet.test.test_sigchld": "twisted.internet.process",
    "twisted.internet.test.test_socket": "twisted.internet.base",
    "twisted.internet.test.test_udp_internals": "twisted.internet.udp",
    "twisted.internet.test.test_posixprocess": "twisted.internet.process",
    "twisted.internet.test.test_unix": "twisted.internet.unix",
    "twisted.internet.test.test_win32events": "twisted.internet.win32eventreactor",
    "twisted.internet.test.test_filedescriptor": "twisted.internet.abstract",
    "twisted.internet.test.test_testing": "twisted.internet.testing",
    "twisted.internet.test.test_kqueuereactor": "twisted.internet.kqreactor",
    "twisted.internet.test.test_gireactor": "twisted.internet.gireactor",
    "twisted.test.test_cooperator": "twisted.internet.task",
    "twisted.test.test_factories": "twisted.internet.protocol",
    "twisted.test.test_protocols": "twisted.internet.protocol",
    "twisted.test.test_internet": "twisted.internet.base",
    "twisted.test.test_tcp_internals": "twisted.internet.tcp",
    "twisted.test.test_iutils": "twisted.internet.utils",
    "twisted.test.test_dirdbm": "twisted.persisted.dirdbm",
    "twisted.test.test_sob": "twisted.persisted.sob",
    "twisted.test.test_persisted": "twisted.persisted.styles",
    "twisted.test.test_paths": "twisted.python.filepath",
    "twisted.test.test_text": "twisted.python.text",
    "twisted.test.test_main": "twisted.application.twist",
    "twisted.test.test_sslverify": "twisted.internet._sslverify",
    "twisted.test.test_strports": "twisted.application.strports",
    "twisted.test.test_twistd": "twisted.scripts.twistd",
    "twisted.test.test_application": "twisted.application.service",
    "twisted.test.test_adbapi": "twisted.enterprise.adbapi",
    "twisted.test.test_unix": "twisted.internet.unix",
    "twisted.test.test_modules": "twisted.python.modules",
    "twisted.test.test_iosim": "twisted.internet.testing",
    "twisted.test.test_strerror": "twisted.python.win32",
    "twisted.test.test_tpfile": "twisted.protocols.basic",
    "twisted.test.test_ftp_options": "twisted.protocols.ftp",
    "twisted.internet.test.test_iocp": "twisted.internet.iocpreactor",
    "twisted.cred.test.test_cramauth": "twisted.cred.credentials",
    "twisted.cred.test.test_cred": "twisted.cred.checkers",
    "twisted.cred.test.test_digestauth": "twisted.cred.credentials",
    "twisted.cred.test.test_simpleauth": "twisted.cred.credentials",
    "twisted.mail.test.test_imap": "twisted.mail.imap4",
    "twisted.mail.test.test_mailmail": "twisted.mail.scripts.mailmail",
    "twisted.mail.test.test_options": "twisted.mail.tap",
    "twisted.web.test.test_agent": "twisted.web.client",
    "twisted.web.test.test_webclient": "twisted.web.client",
    "twisted.web.test.test_cgi": "twisted.web.twcgi",
    "twisted.web.test.test_httpauth": "twisted.web.guard",
    "twisted.web.test.test_web__responses": "twisted.web._responses",
    "twisted.web.test.test_xml": "twisted.web.microdom",
    "twisted.trial.test.test_loader": "twisted.trial.runner",
    "twisted.trial.test.test_script": "twisted.scripts.trial",
    "twisted.trial.test.test_assertions": "twisted.trial.unittest",
    "twisted.trial.test.test_asyncassertions": "twisted.trial.unittest",
    "twisted.trial.test.test_deferred": "twisted.trial.unittest",
    "twisted.trial.test.test_keyboard": "twisted.trial.unittest",
    "twisted.trial.test.test_log": "twisted.trial.unittest",
    "twisted.trial.test.test_pyunitcompat": "twisted.trial.unittest",
    "twisted.trial.test.test_skip": "twisted.trial.unittest",
    "twisted.trial.test.test_suppression": "twisted.trial.unittest",
    "twisted.trial.test.test_testcase": "twisted.trial.unittest",
    "twisted.trial.test.test_tests": "twisted.trial.unittest",
    "twisted.trial.test.test_warning": "twisted.trial.unittest",
}

# Where a module `twisted.test.test_x` may find its subject x.
_HOMES = ("internet", "python", "protocols", "application", "persisted", "", "scripts")

# The wing is found by its place beside this project's sources, not by importing it.
_WING = Path(__file__).resolve().parents[2] / "src" / "selvage" / "twisted"


def twisted_folder() -> Path:
    """The folder of the installed Twisted, which is not imported."""
    spec = PathFinder.find_spec("twisted")
    if spec is None or spec.origin is None:
        raise SystemExit(
            "No Twisted is installed beside Selvage here; `make conformance` makes the environment."
        )
    return Path(spec.origin).parent


def discover(root: Path) -> list[str]:
    """All test modules below `root`, the folder of the package `twisted`, sorted."""
    return sorted(_dotted(path, root) for path in root.rglob("test_*.py") if path.parent.name == "test")


def select(modules: list[str], names: list[str]) -> list[str]:
    """The modules that `names` ask for: each is a test module or a package (all test modules below it).

    Raises:
        SystemExit: a name selects nothing.
    """
    chosen: set[str] = set()
    for name in names:
        found = [module for module in modules if module == name or module.startswith(name + ".")]
        if not found:
            raise SystemExit(f"no test module of Twisted is called, or lies below, {name}")
        chosen.update(found)
    return [module for module in modules if module in chosen]


def package_of(module: str) -> str:
    """The row of the table: the package that holds the folder `test`, shortened to two names."""
    return ".".join(module.split(".test.")[0].split(".")[:2])


def module_under_test(module: str, root: Path) -> str:
    """The module of Twisted that a test module is about, or else the package that it lies in."""
    if module in SUBJECTS:
        return SUBJECTS[module]
    package, _, name = module.rpartition(".test.test_")
    homes = _HOMES if package == "twisted" else ("",)
    for home in homes:
        for spelling in (name, "_" + name):
            candidate = ".".join(part for part in (package, home, spelling) if part)
            if _exists(root.parent, candidate):
                return candidate
    return package


def native(module: str) -> bool:
    """Tell whether the wing has `module`, so that Selvage and not the installed Twisted answers for it."""
    path = _WING.joinpath(*module.split(".")[1:])
    if path.with_suffix(".py").is_file():
        return True
    # A package of the wing whose face is empty only leads to modules that are ours or are not.
    face = path / "__init__.py"
    return path != _WING and face.is_file() and "import" in face.read_text(encoding="utf-8")


def _exists(parent: Path, module: str) -> bool:
    path = parent.joinpath(*module.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _dotted(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root.parent).with_suffix("").parts)
