"""Errors that are logged while a test runs.  Beside the floors.

A failure that nobody handled arrives at the hub, and the hub's reporter is the log: so what is gathered here has each
failure once, whether a program logged it or nobody did anything with it; and all of them, however many are equal.
"""

from __future__ import annotations

from typing import Any

from selvage.failure import Failure, collectors
from selvage.logger import classic as log

__all__ = ["LogObserver"]


class LogObserver:
    """Gathers failures from the log while it is installed; for tests within tests it may be installed several times."""

    def __init__(self) -> None:
        self._errors: list[Failure] = []
        self._ignored: list[Any] = []
        self._added = 0

    def _add(self) -> None:
        if self._added == 0:
            log.addObserver(self.gotEvent)
            collectors.add(self)
        self._added += 1

    def _remove(self) -> None:
        self._added -= 1
        if self._added == 0:
            log.removeObserver(self.gotEvent)
            collectors.discard(self)

    def _ignoreErrors(self, *errorTypes: Any) -> None:
        """Do not gather failures of these types."""
        self._ignored.extend(errorTypes)

    def _clearIgnores(self) -> None:
        """Gather all again."""
        self._ignored = []

    def flushErrors(self, *errorTypes: Any) -> list[Failure]:
        """Return what was gathered, or what of it is of these types, and forget it."""
        if not errorTypes:
            flushed, self._errors = self._errors, []
            return flushed
        flushed = [failure for failure in self._errors if failure.check(*errorTypes)]
        self._errors = [failure for failure in self._errors if not failure.check(*errorTypes)]
        return flushed

    def getErrors(self) -> list[Failure]:
        """Return what was gathered."""
        return self._errors

    def gotEvent(self, event: dict[str, Any]) -> None:
        """The log's observer, in its older form."""
        if not event.get("isError", False) or "failure" not in event:
            return
        failure = event["failure"]
        if not self._ignored or not failure.check(*self._ignored):
            self._errors.append(failure)
