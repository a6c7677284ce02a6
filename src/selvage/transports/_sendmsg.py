"""A stream transport for UNIX sockets, which can carry descriptors beside the bytes.  Floor 2.

Loops read and write with plain calls, which lose descriptors.  So this stands where the loop's own transport stands for
TCP, with the same methods, and the adapter above does not know the difference.  A descriptor rides on the first bytes
that leave after it was queued, and arrives before them.
"""

from __future__ import annotations

import array
import asyncio
import contextvars
import errno
import functools
import os
import socket
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

from selvage.errors import FileDescriptorOverrun

__all__ = ["SendmsgTransport"]

_READ_SIZE = 65536
#: Descriptors taken from one message; the kernel sends no more than 253 in one.
_DESCRIPTORS_AT_ONCE = 253
_SYSTEM: Any = socket  # with what only some systems have
_CLOSE_ON_EXEC = int(getattr(socket, "MSG_CMSG_CLOEXEC", 0))
#: Set by recvmsg when the kernel had to close descriptors, because the process may not have more.
_CUT = int(getattr(socket, "MSG_CTRUNC", 0))  # an enumeration would take a microsecond to look at
_NOT_NOW = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR, errno.ENOBUFS)
#: From input to the look for an error that uvloop does not mention.  To ask after each message would be one more system call; this is
#: soon enough to hear that a peer has gone; in seconds.
_LOOK_AFTER_S = 0.1
#: Pieces given to one system call; the kernel takes at most 1024.
_VECTOR = 64


@functools.cache
def _ancillary_size() -> int:
    size: int = _SYSTEM.CMSG_SPACE(_DESCRIPTORS_AT_ONCE * array.array("i").itemsize)
    return size


class _Adapter(Protocol):
    def connection_made(self, transport: Any) -> object: ...
    def data_received(self, data: bytes) -> object: ...
    def descriptor_received(self, descriptor: int) -> object: ...
    def descriptors_missing(self) -> object: ...
    def eof_received(self) -> object: ...
    def connection_lost(self, exc: BaseException | None) -> object: ...
    def pause_writing(self) -> object: ...
    def resume_writing(self) -> object: ...


class SendmsgTransport:
    """What `asyncio.Transport` is, over a connected UNIX socket, and `send_descriptor`.

    `connection_made` is called when the loop comes round.  All hooks that the loop brings about run in the context of who
    makes this, whoever pauses, resumes or writes.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, adapter: _Adapter) -> None:
        self._loop = loop
        self._context = contextvars.copy_context()
        self._socket: Any = sock
        self._adapter = adapter
        self._names = {"sockname": sock.getsockname(), "peername": sock.getpeername()}
        self._buffer: deque[memoryview | bytes] = deque()
        self._size = 0
        self._descriptors: deque[int] = deque()
        self._high = 65536
        self._low = 16384
        self._wants_input = True
        self._reading = self._writing = False
        # uvloop watches no socket that had an error any longer, without a word; what the error was, once it is known.
        self._goes_deaf = not isinstance(loop, asyncio.BaseEventLoop)
        self._broken: OSError | None = None
        self._look: asyncio.TimerHandle | None = None
        self._full = self._eof = self._closing = self._ended = False
        loop.call_soon(self._begin, context=self._context)

    def _begin(self) -> None:
        self._adapter.connection_made(self)
        self._watch_input()

    # --- Reading -----------------------------------------------------------------------------------------------

    def is_reading(self) -> bool:
        return self._wants_input and not self._closing

    def pause_reading(self) -> None:
        self._wants_input = False
        self._watch_input()

    def resume_reading(self) -> None:
        self._wants_input = True
        self._watch_input()

    def _watch_input(self) -> None:
        wanted = self._wants_input and not self._closing
        if self._broken is not None:
            if wanted and not self._reading:
                self._loop.call_soon(self._read_on, context=self._context)
        elif wanted and not self._reading:
            self._context.copy().run(self._loop.add_reader, self._socket, self._read)
        elif self._reading and not wanted:
            self._loop.remove_reader(self._socket)
        self._reading = wanted

    def _read(self) -> None:
        try:
            data, ancillary, flags, _address = self._socket.recvmsg(
                _READ_SIZE, _ancillary_size(), _CLOSE_ON_EXEC
            )
        except OSError as exc:
            if self._broken is not None:
                self._end(self._broken)
            elif exc.errno not in _NOT_NOW:
                self._end(exc)
            return
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == _SYSTEM.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
                for number in numbers:
                    if self._closing:
                        os.close(number)
                    else:
                        self._adapter.descriptor_received(number)
        if flags & _CUT and not self._closing:
            self._adapter.descriptors_missing()
        if self._closing:
            return
        if data:
            self._adapter.data_received(data)
            if self._look is None and self._goes_deaf and not self._ended:
                self._look = self._loop.call_later(_LOOK_AFTER_S, self._look_for_error)
        elif self._broken is not None:
            self._end(self._broken)
        elif self._adapter.eof_received():
            self.pause_reading()
        else:
            self.close()

    def _look_for_error(self) -> None:
        """See whether the peer has broken the connection: then read the rest by ourselves, for the loop says no more."""
        self._look = None
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._goes_deaf = False
            self._loop.remove_reader(self._socket)
            self._reading = False
            self._broken = OSError(number, os.strerror(number))
            self._watch_input()

    def _read_on(self) -> None:
        if self._reading:
            self._read()
            self._reading = False
            self._watch_input()

    # --- Writing -----------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        # Quick way, equal to the other: nothing waits, so the system is asked at once (benchmarks, row `unix echo`).
        if self._buffer or self._descriptors or self._closing or self._eof:
            self.writelines((data,))
            return
        try:
            sent = self._socket.send(data)
        except OSError as exc:
            if exc.errno not in _NOT_NOW:
                self._end(exc)
                return
            sent = 0
        if sent < len(data):
            self.writelines((memoryview(data)[sent:],))

    def writelines(self, pieces: Iterable[bytes | memoryview]) -> None:
        if self._closing or self._eof:
            return
        for piece in pieces:
            if piece:
                self._buffer.append(piece)
                self._size += len(piece)
        if not self._writing:
            self._write()

    def send_descriptor(self, number: int) -> None:
        """Have a duplicate of a descriptor leave with the bytes written next; once the end has begun nothing leaves.

        Raises:
            OSError: it is not open, or the process may have no more.
        """
        if not self._ended:
            # At once: the caller may close it, and its number may be another's by the time that this leaves.
            self._descriptors.append(os.dup(number))

    def descriptors_waiting(self) -> int:
        """Return how many descriptors have not left yet."""
        return len(self._descriptors)

    def _write(self) -> None:
        """Write what can be written; called by the loop too, when that changes."""
        while self._buffer:
            try:
                sent = self._send()
            except OSError as exc:
                if exc.errno not in _NOT_NOW:
                    self._end(exc)
                    return
                break
            self._size -= sent
            while sent:
                piece = self._buffer[0]
                if sent < len(piece):
                    self._buffer[0] = memoryview(piece)[sent:]
                    break
                sent -= len(piece)
                self._buffer.popleft()
        self._watch_output()
        if self._size > self._high and not self._full:
            self._full = True
            self._adapter.pause_writing()
        elif self._size <= self._low and self._full:
            self._full = False
            self._adapter.resume_writing()
        if not self._buffer:
            self._drained()

    def _send(self) -> int:
        pieces = [self._buffer[index] for index in range(min(len(self._buffer), _VECTOR))]
        sent: int
        if not self._descriptors:
            sent = self._socket.sendmsg(pieces)
            return sent
        # One byte for each descriptor at least: that is what a reader may count on.
        count = min(len(self._descriptors), self._size, _DESCRIPTORS_AT_ONCE)
        numbers = array.array("i", [self._descriptors[index] for index in range(count)])
        sent = self._socket.sendmsg(pieces, [(socket.SOL_SOCKET, _SYSTEM.SCM_RIGHTS, numbers)])
        self._close_descriptors(count)
        return sent

    def _close_descriptors(self, count: int) -> None:
        for _ in range(count):
            os.close(self._descriptors.popleft())

    def _watch_output(self) -> None:
        wanted = bool(self._buffer) and not self._ended
        if wanted and not self._writing:
            self._context.copy().run(self._loop.add_writer, self._socket, self._write)
        elif self._writing and not wanted:
            self._loop.remove_writer(self._socket)
        self._writing = wanted

    def _drained(self) -> None:
        if self._closing:
            self._end(FileDescriptorOverrun() if self._descriptors else None)
        elif self._eof:
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the peer has gone already

    def get_write_buffer_size(self) -> int:
        return self._size

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = 65536 if high is None else high
        self._low = self._high // 4 if low is None else low
        if self._size > self._high and not self._full:
            self._full = True
            self._adapter.pause_writing()

    def write_eof(self) -> None:
        if not self._eof:
            self._eof = True
            if not self._buffer:
                self._drained()

    # --- Ending ------------------------------------------------------------------------------------------------

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._watch_input()
        if not self._buffer:
            self._drained()

    def abort(self) -> None:
        self._end(None)

    def _end(self, exc: BaseException | None) -> None:
        if self._ended:
            return
        self._closing = self._ended = True
        if self._look is not None:
            self._look.cancel()
            self._look = None
        self._buffer.clear()
        self._close_descriptors(len(self._descriptors))
        self._size = 0
        self._watch_input()
        self._watch_output()
        self._loop.call_soon(self._lost, exc, context=self._context)

    def _lost(self, exc: BaseException | None) -> None:
        try:
            self._adapter.connection_lost(exc)
        finally:
            self._socket.close()

    # --- The rest ----------------------------------------------------------------------------------------------

    def set_protocol(self, protocol: Any) -> None:
        self._adapter = protocol

    def get_protocol(self) -> Any:
        return self._adapter

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "socket":
            return self._socket
        return self._names.get(name, default)
