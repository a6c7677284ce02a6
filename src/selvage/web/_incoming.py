"""The body of a request as it comes over a connection of HTTP/1.  Floor 4.

Knows where the body ends, how large it may be, whether the client waits for leave to send it, and what becomes of a request
whose body is no good.  Bodies that come together with their heads do not pass here, see `HTTPChannel`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from selvage.web._headers import Headers
from selvage.web._limits import Limits
from selvage.web._lingering import close_while_input_comes, refuse
from selvage.web._pace import Pace
from selvage.web._transfer import _ChunkedTransferDecoder, _MalformedChunkedDataError
from selvage.web.errors import BodyDiscarded, BodyMalformed, BodyTooLarge, RequestBodyError

if TYPE_CHECKING:
    from selvage.web._channel import HTTPChannel

__all__ = ["IncomingBody", "begin_body", "take_body"]

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class IncomingBody:
    """Takes a body out of the stream, and hands it to its request piece by piece.

    Args:
        channel: where it comes from.
        request: whose it is.
        length: its bytes; None when it comes in chunks.
        limits: what is taken of it.
    """

    #: Sees to it that it comes fast enough, where anybody does.
    pace: Pace | None = None
    #: Whether the client waits to be told that it may send (100-continue).
    awaited = False

    def __init__(self, channel: HTTPChannel, request: Any, length: int | None, limits: Limits) -> None:
        self.length = length
        #: Whether it is read as it comes, by an application that answers already.
        self.streams = bool(getattr(request, "_streams", False))
        self._channel = channel
        self._request = request
        self._limits = limits
        self._give = request.handleContentChunk
        self._left = length
        self._size = 0
        self._discard_left: int | None = None
        self._rest: bytes | None = None
        self._decoder = None if length is not None else _ChunkedTransferDecoder(self._count, self._end)

    def expect(self, seconds: Callable[[], float] | None, may_wait: bool) -> None:
        """Begin to wait for it.

        Args:
            seconds: gives the time; None where nobody knows the channel's clock.
            may_wait: whether the client may be one that waits to be told to send it.
        """
        channel = self._channel
        if channel.strict or self.streams:
            self.pace = Pace(self._limits, channel.callLater, seconds or time.monotonic, self.fail)
        if may_wait:
            expectations = self._request.requestHeaders._rawHeaders.get(b"Expect")
            self.awaited = expectations is not None and expectations[0].lower() == b"100-continue"
            self.hold(False)
            if self.awaited and self.streams:
                # An answer before it is told to go on: what it sends then may be the body or the next request.
                self._request.responseHeaders.setRawHeaders(b"connection", [b"close"])

    def tell_to_go_on(self) -> None:
        """Tell a client that waits for that to send the body; its answer, where that has begun, tells it, too."""
        if self.awaited:
            self.awaited = False
            channel, request = self._channel, self._request
            if getattr(request, "startedWriting", False):
                channel.persistent = False  # as the answer says
            else:
                channel.transport.write(_CONTINUE)
                if self.streams and channel.persistent:
                    request.responseHeaders.removeHeader(b"connection")
            channel._update_reading()

    def fail(self, error: RequestBodyError) -> None:
        """Refuse the request; but one that is with the application already is that's to answer."""
        channel, request = self._channel, self._request
        channel._log.info("{peer}: {error}", peer=channel.getPeer(), error=error)
        if not self.streams:
            refuse(channel, error)
        elif self.discards:
            close_while_input_comes(channel)  # it is answered, and was only to be read to its end
        else:
            channel._ignore_input()
            if not request.startedWriting:
                request.responseHeaders.setRawHeaders(b"connection", [b"close"])
            request.body_ended(error)

    def take(self, data: bytes) -> bytes | None:
        """Take the next piece of the stream; return what comes after the body, None as long as that goes on.

        Raises:
            BodyMalformed, BodyTooLarge: it is of no use any more.
            BodyDiscarded: as much was discarded of it as ever is.
        """
        self.awaited = False
        if self._decoder is not None:
            try:
                self._decoder.dataReceived(data)
            except _MalformedChunkedDataError as error:
                raise BodyMalformed(str(error)) from None
            return self._rest
        left = self._left or 0
        piece = data if len(data) <= left else data[:left]
        self._left = left = left - len(piece)
        self._count(piece)
        return None if left else data[len(piece) :]

    def _end(self, rest: bytes) -> None:
        self._rest = rest
        assert self._decoder is not None
        lines = self._decoder._trailerHeaders
        if lines and not self.discards:
            self._request.trailers = trailers = Headers()
            for line in lines:
                name, _, value = line.partition(b":")
                trailers.addRawHeader(name, value.strip(b" \t"))

    def _count(self, piece: bytes) -> None:
        self._size += len(piece)
        if self.pace is not None:
            self.pace.received = self._size
        if self._discard_left is not None:
            self._discard_left -= len(piece)
            if self._discard_left < 0:
                raise BodyDiscarded
            return
        limit = self._limits.body_bytes
        if limit is not None and self._size > limit:
            raise BodyTooLarge(limit)
        self._give(piece)

    @property
    def discards(self) -> bool:
        """Whether nobody gets it."""
        return self._discard_left is not None

    def discard(self) -> bool:
        """Hand on no more of it; return whether to wait for its end.

        With one that is longer than is discarded the connection closes.  But a client that waits to be told to go on may
        never begin.
        """
        self._discard_left = self._limits.discard_bytes
        return not self.awaited

    def hold(self, held: bool) -> None:
        """Count no time while this side does not read, or has not told the client to begin."""
        if self.pace is not None:
            self.pace.pause() if held or self.awaited else self.pace.resume()

    def stop(self) -> None:
        """Be done with it."""
        if self.pace is not None:
            self.pace.stop()


def begin_body(channel: HTTPChannel, request: Any, length: int | None, rest: bytes) -> bytes:
    """Begin with a request whose body is yet to come, or some of it; return what there is of that already.

    Raises:
        BodyTooLarge: its length says so.
    """
    plan = getattr(request, "plan_body", None)
    limits = (None if plan is None else plan(channel._command, channel._path)) or channel.limits
    if length is not None and limits.body_bytes is not None and length > limits.body_bytes:
        raise BodyTooLarge(limits.body_bytes)
    body = channel._transferDecoder = IncomingBody(channel, request, length, limits)
    body.expect(channel._seconds, not rest and channel._version == b"HTTP/1.1")
    channel.requests.append(request)
    channel.persistent = channel.checkPersistence(request, channel._version)
    request.gotLength(length)
    channel.allHeadersReceived()
    if not body.streams:
        body.tell_to_go_on()
    elif channel.requests and not channel._ended:
        channel.allContentReceived()  # not yet, but the application is to see to that
    return rest


def take_body(channel: HTTPChannel, body: IncomingBody, data: bytes) -> bytes:
    """Take a piece of the body, and return what comes after it."""
    try:
        rest = body.take(data)
    except RequestBodyError as error:
        body.fail(error)
        return b""
    if rest is None or channel._ended:
        return b""
    channel._stop_body()
    if not body.streams:
        channel.allContentReceived()
    elif not body.discards:
        channel.requests[-1].body_ended()
    elif not channel.persistent or channel._finishing:
        channel.loseConnection()
    else:
        channel._watch_time()
    return rest
