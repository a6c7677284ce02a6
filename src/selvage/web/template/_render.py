"""Answer a request with an element.  Floor 4.

Twisted: `twisted.web.template.renderElement`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage.defer import CancelledError, Deferred
from selvage.failure import Failure
from selvage.logger import Logger
from selvage.web._sentinels import NOT_DONE_YET
from selvage.web.template._flatten import flatten

__all__ = ["renderElement"]

_log = Logger("selvage.web.template")

_APOLOGY = (
    b'<div style="font-size:800%;background-color:#FFF;color:#F00">'
    b"An error occurred while rendering the response.</div>"
)


def renderElement(
    request: Any,
    element: Any,
    doctype: bytes | None = b"<!DOCTYPE html>",
    _failElement: Callable[[Failure], Any] | None = None,
) -> object:
    """Answer a request with an element, piece by piece, and finish it.

    What fails is logged.  The peer reads that something went wrong, and what it was only when the site has
    `displayTracebacks`.  When the peer goes away, what the page waits for is cancelled.

    Args:
        request: is answered.
        element: an `IRenderable`, or anything that `flatten` takes.
        doctype: comes first, on a line of its own; None for no such line.
        _failElement: makes what is shown of a failure.

    Returns:
        `NOT_DONE_YET`, for `render` to return.
    """
    if doctype is not None:
        request.write(doctype)
        request.write(b"\n")
    gone: list[Failure] = []
    shown = flatten(request, element, request.write)

    def left(reason: Failure) -> None:
        gone.append(reason)
        shown.cancel()

    notify = getattr(request, "notifyFinish", None)
    if notify is not None and not shown.called:
        notify().addErrback(left)

    def failed(failure: Failure) -> Deferred[None] | None:
        if gone and failure.value.args and isinstance(failure.value.args[0], CancelledError):
            return None
        _log.failure("An error occurred while rendering the response.", failure)
        if not gone:
            return _tell(request, failure, _failElement)
        return None

    def finish(result: object) -> object:
        if not gone:
            request.finish()
        return result

    shown.addErrback(failed).addBoth(finish)
    return NOT_DONE_YET


def _tell(
    request: Any, failure: Failure, fail_element: Callable[[Failure], Any] | None
) -> Deferred[None] | None:
    """Write what the peer is told of a failure."""
    if not getattr(getattr(request, "site", None), "displayTracebacks", False):
        request.write(_APOLOGY)
        return None
    if fail_element is None:
        from selvage.web.template._failure_page import FailureElement

        fail_element = FailureElement
    return flatten(request, fail_element(failure), request.write)
