"""Postfix asks us: a server of the mail system's TCP lookup tables.  Floor 3.

Source: tcp_table(5).  Twisted: `twisted.protocols.postfix`.
"""

from __future__ import annotations

from collections import UserDict
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from selvage._publish import publish
from selvage.defer import Deferred, maybeDeferred, succeed
from selvage.failure import Failure
from selvage.protocols._factory import ServerFactory
from selvage.protocols._protocol import connectionDone
from selvage.protocols.basic import LineReceiver
from selvage.protocols.policies import TimeoutMixin

__all__ = [
    "PostfixTCPMapDeferringDictServerFactory",
    "PostfixTCPMapDictServerFactory",
    "PostfixTCPMapServer",
    "quote",
    "unquote",
]

#: Most bytes of an answer, the end of line included; tcp_table(5).
_ANSWER_LIMIT = 4096


def quote(s: bytes) -> bytes:
    """Write bytes so that they are one word of a line."""
    return quote_from_bytes(s).encode("ascii")


def unquote(s: bytes) -> bytes:
    """Read what `quote` wrote."""
    return unquote_to_bytes(s)


class PostfixTCPMapServer(LineReceiver, TimeoutMixin):
    """Answers lookups from its factory's `get(key)`, which may return a Deferred; None is "no such key".

    A command `xyz` is taken by the method `do_xyz`, which gets the rest of the line, or None.
    """

    delimiter = b"\n"
    #: Seconds without a command after which it closes.
    timeout = 600
    #: Most bytes of a request; tcp_table(5).
    MAX_LENGTH = 4096

    def connectionMade(self) -> None:
        """Begin to wait for a command."""
        self.setTimeout(self.timeout)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Wait no more."""
        self.setTimeout(None)

    def sendCode(self, code: int, message: bytes = b"") -> None:
        """Send an answer: 200 found, 400 try again later, 500 not found."""
        # Whatever an error says, it is one line, and one that is read.
        text = message.replace(b"\r", b" ").replace(b"\n", b" ")
        self.sendLine(b"%d %b" % (code, text[: _ANSWER_LIMIT - len("500 \n")]))

    def lineReceived(self, line: bytes) -> None:
        """Carry a command out."""
        self.resetTimeout()
        command, space, rest = line.partition(b" ")
        word = command.decode("ascii", "replace")
        method = getattr(self, f"do_{word}", None) if word.isidentifier() else None
        if method is None:
            self.sendCode(400, b"unknown command")
            return
        try:
            method(rest if space else None)
        except Exception:
            self._failed(Failure())

    def do_get(self, key: bytes | None) -> None:
        """Look a key up."""
        if key is None:
            self.sendCode(400, b"Command 'get' takes 1 parameters.")
            return
        found = maybeDeferred(self.factory.get, unquote(key))
        found.addCallbacks(self._found, self._failed).addErrback(self._failed)

    def do_put(self, keyAndValue: bytes | None) -> None:
        """Refuse to store anything."""
        if keyAndValue is None or b" " not in keyAndValue:
            self.sendCode(400, b"Command 'put' takes 2 parameters.")
        else:
            self.sendCode(500, b"put is not implemented yet.")

    def _found(self, value: bytes | None) -> None:
        if value is None:
            self.sendCode(500)
            return
        text = quote(value)
        if len(text) > _ANSWER_LIMIT - len("200 \n"):
            # Cut, it would be another value.
            self.sendCode(400, b"the value is longer than an answer may be")
        else:
            self.sendCode(200, text)

    def _failed(self, failure: Failure) -> None:
        self.sendCode(400, failure.getErrorMessage().encode("utf-8", "replace"))


class PostfixTCPMapDictServerFactory(UserDict[bytes, bytes], ServerFactory):
    """Answers from a dictionary, which it is."""

    protocol = PostfixTCPMapServer


class PostfixTCPMapDeferringDictServerFactory(ServerFactory):
    """Answers from a dictionary by Deferreds; an example of a factory that has to wait for what it says."""

    protocol = PostfixTCPMapServer

    def __init__(self, data: Mapping[bytes, bytes] | None = None) -> None:
        self.data: dict[bytes, bytes] = dict(data or {})

    def get(self, key: bytes) -> Deferred[Any]:
        """Fire with the value of a key, or None."""
        return succeed(self.data.get(key))


publish(globals())
