"""A protocol of netstrings, and one that dispatches strings by a state.  Floor 3."""

from __future__ import annotations

from typing import Any

from selvage.protocols._framing import NetstringBuffer, NetstringParseError, encode_netstring
from selvage.protocols._mention import mention
from selvage.protocols._protocol import Protocol

__all__ = ["IncompleteNetstring", "NetstringReceiver", "StatefulStringProtocol"]


class IncompleteNetstring(Exception):
    """The end of a netstring has not been received yet."""


class NetstringReceiver(Protocol):
    """A protocol of netstrings: `5:hello,`.

    Hooks: `stringReceived`, and those of `Protocol` except `dataReceived`.  What is no netstring, or is longer than
    `MAX_LENGTH`, closes the transport, and nothing is received any more.

    Source: D. J. Bernstein, "Netstrings" (1997).  Twisted: `twisted.protocols.basic.NetstringReceiver`.
    """

    #: Most bytes of one string that is received.  Twisted's figure.
    MAX_LENGTH = 99999

    _strings: NetstringBuffer | None = None
    _busy = False
    _broken = False

    def makeConnection(self, transport: Any) -> None:
        """Take the transport and begin with an empty buffer."""
        self._strings = None
        self._broken = False
        super().makeConnection(transport)

    def dataReceived(self, data: bytes) -> None:
        """Deliver each complete string to `stringReceived`, in order.

        Context: may be called from within a hook; `data` is then delivered after what waits already.
        """
        if self._broken:
            return
        strings = self._strings
        if strings is None:
            strings = self._strings = NetstringBuffer()
        strings.feed(data)
        if self._busy:
            return
        self._busy = True
        try:
            while (string := strings.next_string(self.MAX_LENGTH)) is not None:
                self.stringReceived(string)
        except NetstringParseError:
            self._broken = True
            self._strings = None
            self.transport.loseConnection()
        finally:
            self._busy = False

    def take_unread(self) -> bytes:
        """Give out what was received and not delivered, and forget it.

        `startTLS` asks: what came in the clear must not pass for what came encrypted.
        """
        return b"" if self._strings is None else self._strings.take()

    def stringReceived(self, string: bytes) -> None:
        """Hook: called with the bytes of each complete netstring; has to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} has to override stringReceived()")

    def sendString(self, string: bytes) -> None:
        """Send `string` as a netstring.

        Raises:
            TypeError: this is no bytes.
        """
        if isinstance(string, str):
            raise TypeError("sendString() takes bytes, not str: encode it, as in sendString(text.encode())")
        self.transport.write(encode_netstring(string))


class StatefulStringProtocol:
    """Mixed into a protocol of strings: gives each string to the method that belongs to the present state.

    In state "x" that is `proto_x(string)`, which returns the next state; "done" closes the transport.  A state for
    which there is no method ignores strings.

    Twisted: `twisted.protocols.basic.StatefulStringProtocol`.
    """

    transport: Any
    #: The present state.
    state = "init"

    def stringReceived(self, string: bytes) -> None:
        """Call the method of the present state and take up the state it returns."""
        handler = getattr(self, f"proto_{self.state}", None)
        if handler is None:
            mention(self, "callback {state} not found", state=self.state)
            return
        self.state = handler(string)
        if self.state == "done":
            self.transport.loseConnection()
