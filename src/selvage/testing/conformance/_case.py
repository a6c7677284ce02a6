"""What a contract is made of: named cases, and the words for a promise that was not kept.

A check is a function that gets a `Bench`, does something with what is under test, lets things happen (`wait`, `settle`)
and says `broken(...)` when they are not as promised.  It never sleeps: the bench is given a function that lets the world
go on by a little, one turn of a reactor or one step in memory, and calls it as often as needed.

A wait ends in one of three ways: what was waited for has come; the function returned False, which says that nothing
will ever happen any more; or patience is at its end.  So a broken promise is found at once in memory, and at the latest
after `PATIENCE_S` over real sockets, while a slow machine breaks no promise.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Sized
from dataclasses import dataclass
from typing import Any, NoReturn

__all__ = ["Bench", "Case", "Contract", "ContractBroken", "PromiseBroken", "broken"]

#: Seconds that something may take which has to happen; much more than a loaded machine needs for one round trip.
PATIENCE_S = 10.0

#: Turns after which what has not happened is taken not to happen. Too few hide a fault, but never invent one.
SETTLING_TURNS = 10


class PromiseBroken(AssertionError):
    """One promise that was not kept.

    Attributes:
        case: the `Case`.
        how: what was seen instead, a sentence.
    """

    def __init__(self, case: Case, how: str) -> None:
        super().__init__(f"{case.name}: {case.promise} Broken: {how}")
        self.case = case
        self.how = how


class ContractBroken(AssertionError):
    """What a whole contract's check ends with when promises were not kept.

    Attributes:
        broken: a `PromiseBroken` for each, in the order of the cases.
    """

    def __init__(self, contract: str, checked: int, broken: list[PromiseBroken]) -> None:
        lines = [f"{len(broken)} of {checked} promises of the {contract} contract are broken:"]
        super().__init__("\n".join([*lines, *(f"- {each}" for each in broken)]))
        self.broken = broken


class _Broken(Exception):
    """How a check says so; `Case.run` adds which promise it is."""


def broken(how: str) -> NoReturn:
    """End a check: this was seen instead of what was promised."""
    raise _Broken(how)


class Bench:
    """Lets things happen around what is under test.

    Args:
        advance: lets the world go on by a little; returns False when nothing can happen any more.
        patience_s: seconds that something may take which has to happen.
    """

    def __init__(self, advance: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        self.advance = advance
        self.patience_s = patience_s

    def wait(self, condition: Callable[[], object], otherwise: str | Callable[[], str]) -> None:
        """Let things happen until `condition` holds.

        Args:
            otherwise: how the promise is broken if it never does.
        """
        deadline = time.monotonic() + self.patience_s
        while not condition():
            over = self.advance() is False or time.monotonic() > deadline
            if over and not condition():
                broken(otherwise if isinstance(otherwise, str) else otherwise())

    def grows(self, things: Sized, otherwise: str | Callable[[], str]) -> None:
        """Wait until there are more of these things than now."""
        count = len(things)
        self.wait(lambda: len(things) > count, otherwise)

    def settle(self, until: Callable[[], object] = lambda: False) -> None:
        """Let everything happen that is going to, or only until a condition holds."""
        for _ in range(SETTLING_TURNS):
            if until() or self.advance() is False:
                return

    def close(self) -> None:
        """End what the check left open; called after each, whatever came of it."""


@dataclass(frozen=True)
class Case:
    """One promise and how to check it.

    Attributes:
        contract: "transport", "producer", "endpoints" or "reactor".
        name: what it is called; by this it is left out.
        promise: what is promised, a sentence.
        feature: which optional part of the contract it belongs to, or an empty string.
    """

    contract: str
    name: str
    promise: str
    feature: str
    _check: Callable[[Any], None]
    _bench: Callable[..., Bench]

    def run(self, *subject: Any, **options: Any) -> None:
        """Check this promise; takes the arguments of the contract's `check_...` function, `without` excepted.

        Raises:
            PromiseBroken: it is not kept; what went wrong beneath is the cause, if anything was raised.
        """
        try:
            bench = self._bench(*subject, **options)
            try:
                self._check(bench)
            except BaseException:
                # What was found counts; that it could not be tidied up after adds nothing.
                with contextlib.suppress(Exception):
                    bench.close()
                raise
            bench.close()
        except _Broken as how:
            raise PromiseBroken(self, str(how)) from how.__cause__
        except Exception as error:
            raise PromiseBroken(self, f"{type(error).__name__} was raised: {error}") from error

    def __str__(self) -> str:
        return self.name


class Contract:
    """A list of cases under one name.

    Args:
        name: see `Case.contract`.
        bench: makes the bench of one case from what is under test.
    """

    def __init__(self, name: str, bench: Callable[..., Bench]) -> None:
        self.name = name
        self._bench = bench
        self._cases: list[Case] = []

    def promise(self, feature: str = "") -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
        """Make a function a case; its docstring's first line is the promise."""

        def register(check: Callable[[Any], None]) -> Callable[[Any], None]:
            promise = (check.__doc__ or "").strip().partition("\n")[0]
            self._cases.append(Case(self.name, check.__name__, promise, feature, check, self._bench))
            return check

        return register

    def cases(self, without: Collection[str] = ()) -> list[Case]:
        """All cases but those named, or of a feature named, by `without`.

        Raises:
            ValueError: `without` has a word that is neither.
        """
        without = {without} if isinstance(without, str) else set(without)
        known = {word for case in self._cases for word in (case.name, case.feature) if word}
        if unknown := without - known:
            raise ValueError(
                f"the {self.name} contract has no {', '.join(sorted(unknown))}; it knows {', '.join(sorted(known))}"
            )
        return [case for case in self._cases if not {case.name, case.feature} & without]

    def check(self, *subject: Any, without: Collection[str] = (), **options: Any) -> None:
        """Run all cases.

        Raises:
            ContractBroken: promises were not kept.
        """
        chosen = self.cases(without)
        found: list[PromiseBroken] = []
        for case in chosen:
            try:
                case.run(*subject, **options)
            except PromiseBroken as error:
                found.append(error)
        if found:
            raise ContractBroken(self.name, len(chosen), found)
