"""A head of which only the beginning is there.  Floor 4.

What can be seen already is looked at once, however small the pieces are in which it comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage.web._grammar import bare_line_feed
from selvage.web._head import BadRequest, check_request_line
from selvage.web._lingering import refuse
from selvage.web._status import (
    BAD_REQUEST,
    REQUEST_HEADER_FIELDS_TOO_LARGE,
    REQUEST_TIMEOUT,
    REQUEST_URI_TOO_LONG,
)

if TYPE_CHECKING:
    from selvage.web._channel import HTTPChannel

__all__ = ["PartialHead", "forget_partial_head", "keep_incomplete_head"]


class PartialHead:
    """What is known of a head that has not ended.

    Args:
        limit_bytes: a head may have.
    """

    __slots__ = ("_limit", "_line_checked", "deadline", "searched")

    def __init__(self, limit_bytes: int) -> None:
        #: So many bytes of its beginning hold no end of it.
        self.searched = 0
        #: The delayed call that ends it when it takes too long.
        self.deadline: Any = None
        self._limit = limit_bytes
        self._line_checked = False

    def grow(self, data: bytes) -> None:
        """Look at what has come.

        Args:
            data: all of it, from its first byte on.

        Raises:
            BadRequest: it can be seen already that this is no head.
        """
        if not self._line_checked:
            line, end, _ = data.partition(b"\r\n")
            if end:
                check_request_line(line)
                self._line_checked = True
            elif len(data) > self._limit:
                raise BadRequest(REQUEST_URI_TOO_LONG, "the request line is too long")
        if len(data) > self._limit:
            raise BadRequest(REQUEST_HEADER_FIELDS_TOO_LARGE, "the head is too long")
        if bare_line_feed(data, self.searched) is not None:
            raise BadRequest(BAD_REQUEST, "a line does not end with CR LF")
        self.searched = max(len(data) - 3, 0)


def keep_incomplete_head(channel: HTTPChannel, data: bytes) -> None:
    """Keep the beginning of a head, unless it can be seen already that it is none."""
    head = channel._partial_head
    if head is None:
        head = channel._partial_head = PartialHead(channel.totalHeadersSize)
    try:
        head.grow(data)
    except BadRequest as error:
        refuse(channel, error)
        return
    channel._dataBuffer = data
    seconds = channel.limits.head_s
    if head.deadline is None and channel.strict and seconds is not None:
        head.deadline = channel.callLater(seconds, _too_slow, channel)


def _too_slow(channel: HTTPChannel) -> None:
    channel._partial_head = None
    channel._log.info("{peer} took too long to send its head", peer=channel.getPeer())
    refuse(channel, BadRequest(REQUEST_TIMEOUT, "it took too long to send its head"))


def forget_partial_head(channel: HTTPChannel) -> None:
    """Be done with the beginning of a head: all of it is there, or no more is wanted."""
    head, channel._partial_head = channel._partial_head, None
    if head is not None and head.deadline is not None:
        head.deadline.cancel()
