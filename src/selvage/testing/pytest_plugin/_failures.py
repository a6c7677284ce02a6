"""Failures that nobody handled while a test ran, and those that were logged."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

from selvage.failure import Failure, Report, subscribe, to_text, unsubscribe
from selvage.logger import classic

__all__ = ["LoggedFailures"]


class LoggedFailures:
    """What arrived at the hub, or was logged as a failure, during one test, and was not taken; in order.

    assert [failure.value for failure in logged_failures] == [...]     # look
    (failure,) = logged_failures.take(ValueError)                      # take: the test does not fail for it
    """

    def __init__(self) -> None:
        self._reports: list[tuple[str, Failure]] = []

    def take(self, *types: Any) -> list[Failure]:
        """Take the failures of these types, of all without types: they do not fail the test.

        Returns: them, in order.
        """
        gc.collect()  # a failed Deferred is told of when it goes
        taken = [failure for _, failure in self._reports if not types or failure.check(*types)]
        self._reports = [each for each in self._reports if not any(each[1] is one for one in taken)]
        return taken

    def __iter__(self) -> Iterator[Failure]:
        gc.collect()
        return iter([failure for _, failure in self._reports])

    def __len__(self) -> int:
        gc.collect()
        return len(self._reports)

    def __repr__(self) -> str:
        return f"<LoggedFailures {[failure.value for _, failure in self._reports]!r}>"

    def __str__(self) -> str:
        return "\n\n".join(f"{message}\n{to_text(failure)}" for message, failure in self._reports)

    # --- For the plugin ----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        subscribe(self._reported)
        classic.addObserver(self._logged)

    def _stop(self) -> None:
        unsubscribe(self._reported)
        classic.removeObserver(self._logged)

    def _forget(self, error: BaseException | None) -> None:
        self._reports = [each for each in self._reports if each[1].value is not error]

    def _reported(self, report: Report) -> None:
        # The hub tells the log first, which knows less of where it was left over.
        self._forget(report.failure.value)
        self._reports.append((report.message, report.failure))

    def _logged(self, event: dict[str, Any]) -> None:
        if event.get("isError") and isinstance(event.get("failure"), Failure):
            self._reports.append((str(event.get("why") or "Logged"), event["failure"]))
