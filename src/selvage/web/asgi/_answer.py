"""What an application sends in answer to a request, sent.  Floor 4."""

from __future__ import annotations

from typing import Any

from selvage.web._answers import Drain

__all__ = ["Answer"]


class Answer:
    """Makes an answer of an application's events.

    Args:
        request: what is answered.
        prefix: what the types of the events begin with, "http" or "websocket.http".
    """

    def __init__(self, request: Any, prefix: str = "http") -> None:
        self._request = request
        self._prefix = prefix
        self._started = False
        #: Whether the client is gone.
        self.is_lost = False
        self._drain: Drain | None = None

    def lose(self) -> None:
        """Take notice that the client is gone: whoever waits for it is told."""
        self.is_lost = True
        if self._drain is not None:
            self._drain.resumeProducing()

    @property
    def is_complete(self) -> bool:
        """Whether nothing more is to be sent."""
        return self.is_lost or bool(self._request.finished)

    async def send(self, event: dict[str, Any]) -> None:
        """Send one event; wait while the client does not take what was sent.

        Raises:
            OSError: the client is gone.
            RuntimeError: the event has no place here.
        """
        self._check_lost()
        kind = event["type"]
        if kind == f"{self._prefix}.response.start":
            self._start(event)
        elif kind == f"{self._prefix}.response.body":
            await self._body(event.get("body", b""), event.get("more_body", False))
        else:
            raise RuntimeError(f"an ASGI server is not sent {kind!r} here")

    def _check_lost(self) -> None:
        if self.is_lost:
            raise OSError("the client has gone away")

    def _start(self, event: dict[str, Any]) -> None:
        if self._started:
            raise RuntimeError(f"{event['type']} was sent twice")
        self._started = True
        request = self._request
        request.defaultContentType = None
        status = event.get("status")
        if not isinstance(status, int):
            raise TypeError(f"{self._prefix}.response.start needs a number as 'status', not {status!r}")
        request.setResponseCode(status)
        for name, value in event.get("headers", ()):
            if isinstance(name, str) or isinstance(value, str):
                raise TypeError(f"headers of an ASGI application are pairs of bytes, not {(name, value)!r}")
            name = bytes(name)
            if name.lower() in (b"date", b"server"):
                request.setHeader(name, bytes(value))
            elif name.lower() not in (b"transfer-encoding", b"connection"):
                request.responseHeaders.addRawHeader(name, bytes(value))

    async def _body(self, data: bytes, more: bool) -> None:
        if isinstance(data, str):
            raise TypeError(f"'body' of {self._prefix}.response.body is a str: give bytes")
        if not self._started:
            raise RuntimeError(f"{self._prefix}.response.body was sent before {self._prefix}.response.start")
        request = self._request
        if request.finished:
            raise RuntimeError(f"{self._prefix}.response.body was sent after the last one")
        if more and self._drain is None:
            self._drain = Drain(request)
        request.write(bytes(data))
        if self._drain is not None:
            await self._drain.wait()
            self._check_lost()
        if not more:
            if self._drain is not None:
                self._drain.end()
            request.finish()
