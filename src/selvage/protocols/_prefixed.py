"""Protocols whose strings are preceded by their length.  Floor 3."""

from __future__ import annotations

import struct

from selvage.protocols._framing import FrameBuffer, length_codec
from selvage.protocols._pausing import _WatchedPause
from selvage.protocols._protocol import Protocol

__all__ = [
    "Int8StringReceiver",
    "Int16StringReceiver",
    "Int32StringReceiver",
    "IntNStringReceiver",
    "StringTooLongError",
]


class StringTooLongError(AssertionError):
    """A string is too long for the length prefix of the protocol that should send it."""


class IntNStringReceiver(Protocol, _WatchedPause):
    """A protocol of strings, each preceded by its length as an integer of fixed size.

    Hooks: `stringReceived`, `lengthLimitExceeded`, and those of `Protocol` except `dataReceived`.  Subclasses set
    `structFormat` and `prefixLength`.  It can be paused between any two strings.

    Twisted: `twisted.protocols.basic.IntNStringReceiver`.
    """

    #: Most bytes of one string that is received.  Twisted's figure.
    MAX_LENGTH = 99999
    #: Format of the length, as in the module `struct`.
    structFormat: str
    #: How many bytes the length takes.
    prefixLength: int

    _frame_buffer: FrameBuffer | None = None

    @property
    def recvd(self) -> bytes:
        """What was received and not delivered.  Setting it, also from a hook, replaces these bytes."""
        buffer = self._frame_buffer
        return b"" if buffer is None else buffer.peek()

    @recvd.setter
    def recvd(self, data: bytes) -> None:
        buffer = self._frame_buffer
        if buffer is None:
            buffer = self._frame_buffer = FrameBuffer()
        buffer.recall()
        buffer.take()
        buffer.add(data)
        buffer.refused = False

    _unprocessed = recvd

    def take_unread(self) -> bytes:
        """Give out what was received and not delivered, and forget it.

        `startTLS` asks: what came in the clear must not pass for what came encrypted.
        """
        buffer = self._frame_buffer
        return b"" if buffer is None else buffer.take()

    def _interrupt(self) -> None:
        buffer = self._frame_buffer
        if buffer is not None and buffer.busy:
            buffer.recall()

    def dataReceived(self, data: bytes) -> None:
        """Deliver each complete string to `stringReceived`, in order.

        Context: may be called from within a hook; `data` is then delivered after what waits already.
        """
        buffer = self._frame_buffer
        if buffer is None:
            buffer = self._frame_buffer = FrameBuffer()
        if buffer.refused:
            return
        if buffer.busy or self.paused:
            buffer.add(data)
            return
        buffer.busy = True
        try:
            while True:
                limit = self.MAX_LENGTH
                # Fast path: one string, one call, and the test whether the limit changed; whatever else a hook may
                # change (`recvd`, a pause, more data) empties the iterator.
                for string in buffer.cut(data, length_codec(self.structFormat, self.prefixLength), limit):
                    self.stringReceived(string)
                    if limit != self.MAX_LENGTH:
                        buffer.recall()
                        break
                length = buffer.excess
                if length is not None:
                    buffer.excess = None
                    self.lengthLimitExceeded(length)
                    if not buffer.unsettled:
                        # The bytes stay readable.  After a close nothing of the peer's is looked at; a hook that did
                        # not close is asked again when more arrives.
                        buffer.refused = bool(getattr(self.transport, "disconnecting", False))
                        return
                if not buffer.unsettled or self.paused:
                    return
                data = b""
        except BaseException:
            buffer.recall()
            raise
        finally:
            buffer.busy = False

    def stringReceived(self, string: bytes) -> None:
        """Hook: called with each complete string, its length removed; has to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} has to override stringReceived()")

    def lengthLimitExceeded(self, length: int) -> None:
        """Hook: called when a string of more than `MAX_LENGTH` bytes is announced; the base version closes.

        Args:
            length: what the peer announced; `self.recvd` begins with the announcement.
        """
        self.transport.loseConnection()

    def sendString(self, string: bytes) -> None:
        """Send `string`, its length first.

        Raises:
            StringTooLongError: the length does not fit into the prefix.
            TypeError: this is no bytes.
        """
        try:
            self.transport.write(struct.pack(self.structFormat, len(string)) + string)
        except struct.error:
            raise StringTooLongError(
                f"Try to send {len(string)} bytes whereas maximum is {2 ** (8 * self.prefixLength) - 1}"
            ) from None
        except TypeError:
            if isinstance(string, str):
                raise TypeError(
                    "sendString() takes bytes, not str: encode it, as in sendString(text.encode())"
                ) from None
            raise


class Int32StringReceiver(IntNStringReceiver):
    """Strings preceded by 32 bits of length, in network byte order.

    Twisted: `twisted.protocols.basic.Int32StringReceiver`.
    """

    structFormat = "!I"
    prefixLength = struct.calcsize(structFormat)


class Int16StringReceiver(IntNStringReceiver):
    """Strings preceded by 16 bits of length, in network byte order.

    Twisted: `twisted.protocols.basic.Int16StringReceiver`.
    """

    structFormat = "!H"
    prefixLength = struct.calcsize(structFormat)


class Int8StringReceiver(IntNStringReceiver):
    """Strings preceded by one byte of length.

    Twisted: `twisted.protocols.basic.Int8StringReceiver`.
    """

    structFormat = "!B"
    prefixLength = struct.calcsize(structFormat)
