"""One test under watch: what fails it besides its own words."""

from __future__ import annotations

from typing import Any

import pytest

from selvage.testing.pytest_plugin._failures import LoggedFailures
from selvage.testing.pytest_plugin._leftovers import Surroundings, told

__all__ = ["Watch"]


class Watch:
    """Watches one test from before its fixtures are made until they are gone.

    Args:
        clean: whether the test may leave nothing behind.
    """

    def __init__(self, clean: bool) -> None:
        self.failures = LoggedFailures()
        self.surroundings = Surroundings() if clean else None
        self.failed = False  # the test has failed on its own
        self.failures._start()

    def failed_by(self, error: BaseException) -> None:
        """Know that the test has failed on its own: what comes on top is only told, and this error is not told again."""
        self.failed = True
        self.failures._forget(error)

    def check_failures(self) -> None:
        """Fail if there were failures that nobody handled and nobody has taken."""
        count = len(self.failures)
        if count:
            text = str(self.failures)
            self.failures.take()
            pytest.fail(
                f"{count} failure{'s' if count > 1 else ''} that nobody handled "
                f"(logged_failures.take() takes those that a test expects):\n\n{text}",
                pytrace=False,
            )

    def end(self, item: Any) -> None:
        """Look what is left, and fail if it is anything; an end that follows a failure only tidies up."""
        # The values of fixtures that are over; pytest drops them a moment later.
        item.funcargs.clear()
        left = [] if self.surroundings is None else self.surroundings.look()
        words = told(left) if left else ""
        try:
            if not self.failed:
                self.check_failures()
        finally:
            if self.surroundings is not None:
                # What this makes fail comes of what was left: it is told with that, and is no other test's.
                self.surroundings.remove(left)
            self.failures._stop()
        if left and not self.failed:
            pytest.fail(f"the test has left behind:\n{words}", pytrace=False)
