"""The resource that an application is served by: what handlers return and raise, made into answers.  Floor 4."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from selvage.defer import Deferred
from selvage.errors import CancelledError
from selvage.failure import Failure
from selvage.web._resource import Resource, getChildForRequest
from selvage.web._sentinels import NOT_DONE_YET
from selvage.web._status import INTERNAL_SERVER_ERROR, NO_CONTENT, OK
from selvage.web.errors import RequestBodyError
from selvage.web.interfaces import IResource
from selvage.web.routes._problem import TYPE, Problem

if TYPE_CHECKING:
    from selvage.web.routes._app import App

__all__ = ["Answering"]

#: What a client is told of an error that the program did not foresee.
_FAILED = (TYPE, Problem(INTERNAL_SERVER_ERROR).body())


class Answering(Resource):
    """Serves the routes of an application."""

    isLeaf = True

    def __init__(self, app: App) -> None:
        super().__init__()
        self._app = app

    def streams_body(self, request: Any) -> bool:
        """As the route has it."""
        return self._app._streams(request)

    def __repr__(self) -> str:
        title = f" {self._app.title!r}" if self._app.title else ""
        return f"<App{title} with {len(self._app.routes)} routes>"

    def _who_answers(self, request: Any) -> str:
        """Name who has answered, for messages."""
        return f"the handler of {request.route!r}"

    def render(self, request: Any) -> Any:
        """Answer, whatever the method is."""
        request.failure_page = _FAILED
        try:
            result = self._app._handle(request)
        except Exception:
            result = self._recover(request, Failure())
            return _last(request, result) if _is_awaitable(result) else _answer(request, result)
        return self._wait(request, result) if _is_awaitable(result) else _answer(request, result)

    def _recover(self, request: Any, failure: Failure) -> Any:
        """Return what is to be answered to an error, when somebody knows; else raise it."""
        error = failure.value
        handler = self._app._handler_of(failure)
        if handler is None:
            if isinstance(error, Problem):
                return error.answer(request)
            if isinstance(error, RequestBodyError) and not (request.startedWriting or request._disconnected):
                return Problem(error.status, detail=str(error)).answer(request)
            raise error
        request.setResponseCode(error.status if isinstance(error, Problem) else INTERNAL_SERVER_ERROR)
        try:
            return handler(request, failure)
        except Problem as problem:
            return problem.answer(request)

    async def _wait(self, request: Any, result: Awaitable[Any]) -> Any:
        try:
            value = await result
        except CancelledError:
            if request._disconnected:
                raise  # nobody is there to be told
            value = self._recover(request, Failure())
        except Exception:
            value = self._recover(request, Failure())
        else:
            return _answer(request, value)
        return await _last(request, value) if _is_awaitable(value) else _answer(request, value)


async def _last(request: Any, result: Awaitable[Any]) -> Any:
    """Answer with what a handler of errors comes to; no other is asked when it fails itself."""
    try:
        value = await result
    except Problem as problem:
        return problem.answer(request)
    return _answer(request, value)


def _is_awaitable(result: Any) -> bool:
    return isinstance(result, Deferred) or inspect.isawaitable(result)


def _answer(request: Any, result: Any) -> Any:
    if result is None:
        if request.code == OK:  # else the handler has said which
            request.setResponseCode(NO_CONTENT)
        return b""
    if IResource.providedBy(result):
        # Whoever answers now shows errors in a way of its own.
        del request.failure_page
        found = getChildForRequest(result, request)
        if not request._put_off(found):
            request.render(found)
        return NOT_DONE_YET
    return result
