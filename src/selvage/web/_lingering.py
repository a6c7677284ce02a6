"""Refusing a request, and closing a connection whose client still sends.  Floor 4.

A socket that is closed with input unread resets the connection, and what the system had yet to deliver is lost: the client
is told of a reset and not of what was wrong, and a proxy in front makes a 502 of a 413.  So our direction is closed first,
and what comes is read and dropped until the client closes its own (RFC 9112 section 9.6).
"""

from __future__ import annotations

from typing import Any

from selvage.errors import ConnectionDone
from selvage.failure import Failure
from selvage.web._status import REQUEST_TIMEOUT, RESPONSES

__all__ = ["LINGER_S", "close_while_input_comes", "refuse"]

#: Seconds until a client that goes on sending, or just stays, is cut off.  nginx has 30 as well.
LINGER_S = 30


def refuse(channel: Any, error: Any) -> None:
    """Say what is wrong, in one line, and close a channel of HTTP/1.

    Args:
        error: has a `status`.
    """
    if channel.strict or error.status >= 500:
        channel._log.debug("A request was refused: {error}", error=error, peer=channel.getPeer())
        channel.transport.write(
            b"HTTP/1.1 %d %b\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            % (error.status, RESPONSES[error.status])
        )
        if error.status != REQUEST_TIMEOUT:  # who has had all that time gets no more
            close_while_input_comes(channel)
            return
    else:
        channel.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    channel.loseConnection()


def close_while_input_comes(channel: Any) -> None:
    """Close a channel of HTTP/1 after its last answer, so that the answer arrives though the client still sends.

    A request whose body was still to come is over at once, and what there is of the body is let go.
    """
    transport = channel.transport
    finish_writing = getattr(transport, "loseWriteConnection", None)
    if finish_writing is None or transport.disconnecting:
        channel.loseConnection()
        return
    channel._cancel_stall()
    channel._let_go()
    requests, channel.requests = channel.requests, []
    for request in requests:
        request.connectionLost(Failure(ConnectionDone()))
    transport.resumeProducing()
    channel._abortingCall = channel.callLater(LINGER_S, channel.forceAbortClient)
    finish_writing()
