"""The measures of the project: of which groups of Twisted's tests how large a share has to pass here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ._verdict import ModuleVerdict

__all__ = ["GROUPS", "Group", "Share", "shares_of"]

#: Test modules of twisted.internet and twisted.test about TLS, child processes and standard input and output.
_APART = {"tls", "newtls", "ssl", "sslverify", "sni", "process", "posixprocess", "sigchld", "stdio"}

#: Packages that Selvage does not have: their modules come from the installed Twisted and run on Selvage's reactor.
_FOREIGN = ("names", "words", "spread", "conch", "cred", "web", "mail", "trial", "application")


@dataclass(frozen=True)
class Group:
    """Some test modules.

    Attributes:
        name: what the table calls it.
        at_least: percent of what passes on Twisted that has to pass here; None where nothing is demanded.
        holds: told a test module and the module of Twisted that it is about, says whether it is one of the group.
    """

    name: str
    at_least: float | None
    holds: Callable[[str, str], bool]


def _package(package: str) -> Callable[[str, str], bool]:
    return lambda module, subject: module.startswith(f"twisted.{package}.")


def _apart(module: str) -> bool:
    return module.rpartition(".test_")[2] in _APART


def _of_the_reactor(module: str, subject: str) -> bool:
    about = subject.startswith(("twisted.internet.", "twisted.protocols."))
    return module.startswith("twisted.test.") and about and not _apart(module)


GROUPS = [
    Group(
        "twisted.internet, without TLS, processes, stdio",
        96,
        lambda module, subject: module.startswith("twisted.internet.") and not _apart(module),
    ),
    Group("twisted.test, the same subjects and protocols", 96, _of_the_reactor),
    Group("twisted.protocols", 96, _package("protocols")),
    *(Group(f"twisted.{package}", 98, _package(package)) for package in _FOREIGN),
    Group("TLS, processes, stdio", None, lambda module, subject: _apart(module)),
    Group("all", None, lambda module, subject: True),
]


@dataclass(frozen=True)
class Share:
    """How much of a group passes."""

    group: Group
    modules: int
    on_twisted: int
    here: int
    excluded: int
    pending: int

    @property
    def percent(self) -> float:
        return 100 * self.here / self.on_twisted

    @property
    def missed(self) -> bool:
        return self.group.at_least is not None and self.percent < self.group.at_least


def shares_of(verdicts: list[ModuleVerdict], subjects: dict[str, str]) -> list[Share]:
    """The share of each group of which any test was run; subjects as `module_under_test` has them."""
    shares = []
    for group in GROUPS:
        chosen = [verdict for verdict in verdicts if group.holds(verdict.module, subjects[verdict.module])]
        share = Share(
            group,
            sum(bool(verdict.on_twisted) for verdict in chosen),
            sum(verdict.on_twisted for verdict in chosen),
            sum(len(verdict.passed) for verdict in chosen),
            sum(len(verdict.excluded) for verdict in chosen),
            sum(len(verdict.pending) for verdict in chosen),
        )
        if share.on_twisted:
            shares.append(share)
    return shares
