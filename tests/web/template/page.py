"""What the tests of templates share: flatten at once, and a request that keeps what is written to it."""

from __future__ import annotations

from typing import Any

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.web.errors import FlattenerError
from selvage.web.template import flatten

NAMESPACE = 'xmlns:t="http://twistedmatrix.com/ns/twisted.web.template/0.1"'


def flat(root: Any, request: Any = None) -> bytes:
    """Return the bytes of a page that waits for nothing, or raise what it fails with."""
    written: list[bytes] = []
    results: list[Any] = []
    flatten(request, root, written.append).addBoth(results.append)
    (result,) = results
    if isinstance(result, Failure):
        raise result.value
    return b"".join(written)


def error_of(root: Any) -> FlattenerError:
    try:
        flat(root)
    except FlattenerError as error:
        return error
    raise AssertionError("it did not fail")


class FakeRequest:
    """As much of a request as `renderElement` needs."""

    def __init__(self, site: Any = None) -> None:
        self.written: list[bytes] = []
        self.finished = 0
        self.site = site
        self._notifications: list[Deferred[None]] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def finish(self) -> None:
        self.finished += 1

    def notifyFinish(self) -> Deferred[None]:
        self._notifications.append(Deferred())
        return self._notifications[-1]

    def lose(self, reason: Exception) -> None:
        """The peer goes away."""
        for notification in self._notifications:
            notification.errback(reason)
