"""The body of a request, for who reads it as it comes.  Floor 4.

Theory of operation.  The channel hands each piece to `request.handleContentChunk`, which writes it to `request.content`.
Where a resource streams, `content` is an `ArrivingContent`, whose `write` gives it to the `RequestBody`.  That keeps what
nobody has read yet; when much is kept it has the channel read no more (`pause_body`), until it is read (`resume_body`).

Where a resource does not stream, the same `RequestBody` reads from `content`, the file that holds all of it.
"""

from __future__ import annotations

from typing import IO, Any, NoReturn

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.interfaces import IPushProducer, implementer
from selvage.web.errors import BodyDiscarded, RequestBodyError

__all__ = ["ArrivingContent", "RequestBody"]

#: Bytes that are kept for who reads slowly, before the client is made to wait: as much as one stream of HTTP/2 may send.
_KEPT = 65536

#: What a piece costs to keep besides its bytes, so that pieces of one byte do not cost a hundred times what is counted.
_PIECE_COST = 64

#: Bytes that are read at once from a body that is in a file.
_AT_ONCE = 65536


class RequestBody:
    """The body of a request, to be read piece by piece::

        async for piece in request.body: ...

    Or by `read`, or by a consumer, see `deliver_to`; by one of them at a time.  Each raises (or fails with) a
    `RequestBodyError` when the body does not come to its end.
    """

    __slots__ = (
        "_asked",
        "_channel",
        "_delivery",
        "_ended",
        "_error",
        "_file",
        "_file_left",
        "_kept",
        "_paused",
        "_pieces",
        "_waiting",
        "length",
        "received",
    )

    def __init__(self, channel: Any = None, file: IO[bytes] | None = None) -> None:
        #: Its bytes; None when nobody knows.
        self.length: int | None = None
        #: Bytes that have come.
        self.received = 0
        self._channel = channel
        self._file = file
        self._file_left = 0
        self._pieces: list[bytes] = []
        self._kept = 0  # what they cost
        self._ended = file is not None
        self._error: RequestBodyError | None = None
        self._asked = False  # somebody has begun to read
        self._paused = False  # the channel was asked to read no more
        self._waiting: Deferred[None] | None = None  # the reader
        self._delivery: _Delivery | None = None
        if file is not None:
            at = file.tell()
            self.length = self.received = file.seek(0, 2)
            file.seek(at)
            self._file_left = self.length - at

    # --- For who reads -----------------------------------------------------------------------------------------

    @property
    def at_end(self) -> bool:
        """Whether all of it has been read."""
        return self._ended and self._error is None and not self._available()

    def __aiter__(self) -> RequestBody:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._next()
        if not piece:
            raise StopAsyncIteration
        return piece

    async def read(self, size: int = -1) -> bytes:
        """Return the next bytes, as soon as there are any; empty when the body is at its end.

        Args:
            size: so many at most.  By default all that is left is waited for; the limits of site and resource bound it.

        Raises:
            RequestBodyError: the body does not come to its end.
        """
        if size < 0:
            return b"".join([piece async for piece in self])
        if size == 0:
            return b""
        piece = await self._next()
        if len(piece) > size:
            self._put_back(piece[size:])
            piece = piece[:size]
        return piece

    def deliver_to(self, consumer: Any) -> Deferred[int]:
        """Have a consumer take the body as it comes, and pause it when it wants.

        Args:
            consumer: an `IConsumer`.

        Fires with the number of bytes that were delivered, when all were; the producer is unregistered then.
        Fails with a `RequestBodyError`: `BodyDiscarded` when the consumer has said `stopProducing`; or with what the
        consumer's `write` raised.  Cancelling delivers no more.
        """
        self._claim()
        delivery = self._delivery = _Delivery(self, consumer)
        consumer.registerProducer(delivery, True)
        delivery.flow()
        return delivery.done

    def _claim(self) -> None:
        """Begin to read; nobody else may at the same time."""
        if self._waiting is not None or self._delivery is not None:
            raise RuntimeError("the body of this request is being read already; it has one reader at a time")
        if not self._asked:
            self._asked = True
            if not self._ended:
                self._channel.continue_body()

    async def _next(self) -> bytes:
        """Return what is there, or what comes next; empty at the end."""
        self._claim()
        while not self._available():
            if self._error is not None:
                raise self._error.with_traceback(None)
            if self._ended:
                return b""
            self._waiting = Deferred()
            try:
                await self._waiting
            finally:
                self._waiting = None
        return self._take()

    def _available(self) -> bool:
        return bool(self._pieces) or self._file_left > 0

    def _take(self) -> bytes:
        """Return what is there."""
        if self._pieces:
            pieces = self._pieces
            piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self._pieces = []
            self._kept = 0
        else:
            assert self._file is not None
            piece = self._file.read(_AT_ONCE)
            self._file_left = self._file_left - len(piece) if piece else 0
        if self._paused:
            self._paused = False
            self._channel.resume_body()
        return piece

    def _put_back(self, piece: bytes) -> None:
        self._pieces.insert(0, piece)
        self._kept += len(piece) + _PIECE_COST
        self._pause_if_much()

    def _pause_if_much(self) -> None:
        if self._kept >= _KEPT and not self._paused and not self._ended:
            self._paused = True
            self._channel.pause_body()

    # --- For who brings it -------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take a piece that has come."""
        self.received += len(data)
        if self._ended:
            return
        self._pieces.append(data)
        self._kept += len(data) + _PIECE_COST
        self._wake()
        self._pause_if_much()

    def end(self, error: RequestBodyError | None = None) -> None:
        """Take notice that no more comes: all has, or there was an error.  Called once or more often; the first counts."""
        if self._ended:
            return
        self._ended = True
        self._paused = False
        self._error = error
        self._wake()

    def close(self) -> None:
        """Give up what was not read; who reads on is told, for what is missing is no end."""
        if self._error is None and self._available():
            self._error = BodyDiscarded()
        self._pieces = []
        self._kept = self._file_left = 0
        self._paused = False
        if self._ended:
            self._wake()
        else:
            self.end(BodyDiscarded())

    def _wake(self) -> None:
        waiting = self._waiting
        if self._delivery is not None:
            self._delivery.flow()
        elif waiting is not None and not waiting.called:
            waiting.callback(None)


@implementer(IPushProducer)
class _Delivery:
    """Hands a body to a consumer."""

    def __init__(self, body: RequestBody, consumer: Any) -> None:
        self._body = body
        self._consumer = consumer
        self._paused = False
        self._flowing = False
        self._delivered = 0
        self.done: Deferred[int] = Deferred(lambda _: self._leave())

    def flow(self) -> None:
        """Hand over what is there, unless paused; and the end."""
        if self._flowing:
            return  # the consumer paused and resumed within `write`: whoever writes goes on
        self._flowing = True
        body = self._body
        try:
            while not self._paused and body._delivery is self and body._available():
                piece = body._take()
                self._delivered += len(piece)
                self._consumer.write(piece)
        except Exception:
            # It is no fault of the connection, on which others may have requests, too.
            if body._delivery is self:
                self._leave()
                self.done.errback(Failure())
                return
            raise
        finally:
            self._flowing = False
        if body._delivery is self and body._ended and not body._available():
            self._leave()
            if body._error is None:
                self.done.callback(self._delivered)
            else:
                self.done.errback(body._error)

    def _leave(self) -> None:
        if self._body._delivery is self:
            self._body._delivery = None
            self._consumer.unregisterProducer()

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        if self._body._delivery is self:
            self.flow()

    def stopProducing(self) -> None:
        if self._body._delivery is self:
            self._body._delivery = None
            self.done.errback(BodyDiscarded())


class ArrivingContent:
    """What stands in the place of `request.content` while the body is streamed: takes what comes, and gives nothing."""

    def __init__(self, body: RequestBody) -> None:
        self.write = body.feed
        self.close = body.close

    def _refuse(self, *args: object) -> NoReturn:
        raise RuntimeError(
            "request.content cannot be read while the body is streamed: read it by 'await request.body.read()' or "
            "'async for piece in request.body', or have the resource not say streams_body"
        )

    read = readline = readlines = seek = tell = __iter__ = _refuse
