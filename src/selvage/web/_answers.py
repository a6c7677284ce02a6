"""What `render` returned, made into an answer.  Floor 4.

Bytes are the quick way and not for here; see `Request.render`.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

from selvage.defer import CancelledError, Deferred, ensureDeferred
from selvage.failure import Failure

__all__ = ["Drain", "answer_with", "who_answers"]


def answer_with(request: Any, resource: Any, result: Any) -> None:
    """Answer a request with what its resource returned.

    Args:
        result: a str, which is sent as UTF-8; a dict or list, sent as JSON; an iterator of bytes or str, sent one after
            the other as the client takes them; or an awaitable of any of these, of bytes, or of `NOT_DONE_YET`.
    """
    if isinstance(result, str):
        _default_type(request, b"text/html; charset=utf-8")
        request._send(result.encode("utf-8"))
    elif isinstance(result, (dict, list)):
        _default_type(request, b"application/json")
        request._send(_json(request, resource, result))
    elif isinstance(result, Deferred) or inspect.isawaitable(result):
        _wait(request, resource, result)
    elif isinstance(result, Iterator):
        _Stream(request, result).start()
    elif isinstance(result, AsyncIterator):
        _wait(request, resource, _stream_async(request, result))
    else:
        request._did_not_return_bytes(resource, result)


def _json(request: Any, resource: Any, result: Any) -> bytes:
    try:
        return json.dumps(result, separators=(",", ":"), allow_nan=False).encode("utf-8")
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        hint = "; was it to be awaited?" if "coroutine" in str(error) or "Deferred" in str(error) else ""
        raise kind(
            f"{who_answers(resource, request)} returned a {type(result).__name__} for {request!r}"
            f" that cannot be sent as JSON: {error}{hint}"
        ) from None


def who_answers(resource: Any, request: Any) -> str:
    """Name who has answered: the resource, or of one that has handlers the one that it was."""
    name = getattr(resource, "_who_answers", None)
    return repr(resource) if name is None else str(name(request))


def _default_type(request: Any, kind: bytes) -> None:
    if not request.responseHeaders.hasHeader(b"content-type"):
        request.setHeader(b"content-type", kind)


def _wait(request: Any, resource: Any, awaitable: Any) -> None:
    """Answer when the result is there; give it up when the client goes away."""
    result = awaitable if isinstance(awaitable, Deferred) else ensureDeferred(awaitable)
    lost: list[bool] = []

    def client_lost(_: object) -> None:
        lost.append(True)
        result.cancel()

    def done(value: Any) -> None:
        if not lost and not request.finished and not getattr(request, "_disconnected", False):
            request._rendered(resource, value)

    def failed(failure: Failure) -> None:
        if lost and failure.check(CancelledError):
            return
        request.processingFailed(failure)

    request.notifyFinish().addErrback(client_lost)
    result.addCallback(done).addErrback(failed)


async def _stream_async(request: Any, pieces: AsyncIterator[bytes]) -> Any:
    from selvage.web._sentinels import NOT_DONE_YET

    drain = Drain(request)
    async for piece in pieces:
        request.write(_encoded(piece))
        if piece and request._bodiless:  # the head is out, and all that is wanted: this may go on for ever
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()
            break
        await drain.wait()
    drain.end()
    request.finish()
    return NOT_DONE_YET


def _encoded(piece: bytes | str) -> bytes:
    return piece.encode("utf-8") if isinstance(piece, str) else piece


class Drain:
    """Lets coroutines wait while the client does not take what was written; a push producer."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._waiting: list[Deferred[None]] = []
        self._paused = False
        request.registerProducer(self, True)

    async def wait(self) -> None:
        if self._paused:
            waiting: Deferred[None] = Deferred(self._waiting.remove)
            self._waiting.append(waiting)
            await waiting

    def end(self) -> None:
        self._request.unregisterProducer()

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        waiting, self._waiting = self._waiting, []
        while waiting:
            waiting.pop(0).callback(None)

    def stopProducing(self) -> None:
        """The client is gone: the request's end cancels whoever waits."""


class _Stream:
    """Sends what an iterator gives; a pull producer."""

    def __init__(self, request: Any, pieces: Iterator[bytes]) -> None:
        self._request = request
        self._pieces = pieces
        self._ended = False

    def start(self) -> None:
        self._request.notifyFinish().addErrback(lambda _: None)
        self._request.registerProducer(self, False)

    def resumeProducing(self) -> None:
        if self._ended:
            return
        try:
            piece = next(self._pieces, None)
            if piece:
                self._request.write(_encoded(piece))
        except Exception:
            self._end()
            self._request.processingFailed(Failure())
            return
        if (
            piece and self._request._bodiless
        ):  # the head is out, and all that is wanted: this may go on for ever
            self.stopProducing()
            piece = None
        if piece is None:
            self._end()
            self._request.finish()

    def _end(self) -> None:
        self._ended = True
        self._request.unregisterProducer()

    def stopProducing(self) -> None:
        self._ended = True
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
