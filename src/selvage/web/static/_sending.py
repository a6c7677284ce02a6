"""Send a file the quick way where nothing stands between it and the socket.  Floor 4."""

from __future__ import annotations

from io import BufferedReader, FileIO
from typing import IO, Any

from selvage.interfaces import IPushProducer, implementer

__all__ = ["answers_quickly", "send_quickly"]


def answers_quickly(request: Any) -> bool:
    """Tell whether a request is one of ours, in whose answer nobody has a say but who renders it."""
    may = getattr(request, "_may_answer_quickly", None)
    return may is not None and bool(may())


def _is_of_the_system(file: IO[bytes]) -> bool:
    """Tell whether reading a file gives what its descriptor has: what `gzip.open` returns has a descriptor, too."""
    return type(file.raw if type(file) is BufferedReader else file) is FileIO


def send_quickly(request: Any, file: IO[bytes], offset: int | None, size: int) -> bool:
    """Answer a request with a part of a file that the system copies to the socket.

    Only where that gives the same answer as writing it: to a request of ours over a connection without TLS, whose headers
    are set, the length among them.

    Args:
        request: is to be answered.
        file: is closed in the end.
        offset: where the part begins; None for where the file is.
        size: its bytes.

    Returns:
        Whether it was begun; else nothing has happened.
    """
    if not answers_quickly(request):
        return False
    send_file = getattr(request.channel.transport, "send_file", None)
    if send_file is None or not _is_of_the_system(file):
        return False
    sending = _Sending(request, file, size)
    send = send_file(file, file.tell() if offset is None else offset, size, sending.done)
    if send is None:
        return False
    sending.begin(send)
    return True


@implementer(IPushProducer)
class _Sending:
    """The producer that stands for what the system sends.

    Args:
        request: is answered.
        file: is closed in the end.
        size: how much of it is promised.
    """

    def __init__(self, request: Any, file: IO[bytes], size: int) -> None:
        self._request = request
        self._file = file
        self._size = size
        self._send: Any = None
        self._seen = 0
        self._channel = request.channel
        self._check: Any = None

    def begin(self, send: Any) -> None:
        """Write the headers; the file follows them in the next turn of the loop."""
        self._send = send
        self._request.registerProducer(self, True)
        self._request.write(b"")
        self._watch_progress()

    def _watch_progress(self) -> None:
        """Cut off a client that takes nothing for as long as the channel's limits bear.

        The channel does that itself for what it writes; it does not see what is sent here.
        """
        stall_s = self._channel.limits.stall_s
        if stall_s is not None:
            self._check = self._channel.callLater(stall_s, self._look)

    def _look(self) -> None:
        self._check = None
        if self._send.sent == self._seen:
            self._channel._stalled()
            return
        self._seen = self._send.sent
        self._watch_progress()

    def done(self, sent: int) -> None:
        """All that there is has been taken by the system."""
        request = self._request
        self._close()
        request.unregisterProducer()
        request.sentLength += sent
        if sent == self._size:
            request.finish()
        else:
            # The client must not take what there is for the whole.
            request.loseConnection()

    def _close(self) -> None:
        self._file.close()
        if self._check is not None:
            self._check.cancel()
            self._check = None

    def pauseProducing(self) -> None:
        """Nothing to do: the system takes no more than the client reads."""

    def resumeProducing(self) -> None:
        """Nothing to do."""

    def stopProducing(self) -> None:
        """The client has gone."""
        self._send.stop()
        self._close()
