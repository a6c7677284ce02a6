"""A client of memcached.  Floor 3.

Any number of commands may be under way; the server answers them in order.
Source: doc/protocol.txt of memcached (the text protocol).  Twisted: `twisted.protocols.memcache`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from typing import Any

from selvage._publish import publish
from selvage.defer import Deferred, TimeoutError, fail
from selvage.failure import Failure
from selvage.protocols._protocol import connectionDone
from selvage.protocols.basic import LineReceiver
from selvage.protocols.policies import TimeoutMixin

__all__ = [
    "DEFAULT_PORT",
    "ClientError",
    "Command",
    "MemCacheProtocol",
    "NoSuchCommand",
    "ServerError",
]

#: Where memcached listens by default.
DEFAULT_PORT = 11211

# What no key has: blanks and control characters would end it, and begin whatever comes after them.
_NO_KEY = re.compile(rb"[\x00-\x20\x7f]")
# The same where there may be several words.
_NO_WORDS = re.compile(rb"[\x00-\x1f\x7f]")

# Commands that store a value.
_STORING = (b"set", b"add", b"replace", b"append", b"prepend", b"cas")

# How answers begin -> method that takes them, with the rest of the line where there may be one.
_ANSWERS = {
    b"STORED": "cmd_STORED",
    b"NOT_STORED": "cmd_NOT_STORED",
    b"NOT STORED": "cmd_NOT_STORED",
    b"EXISTS": "cmd_EXISTS",
    b"NOT_FOUND": "cmd_NOT_FOUND",
    b"NOT FOUND": "cmd_NOT_FOUND",
    b"DELETED": "cmd_DELETED",
    b"END": "cmd_END",
    b"OK": "cmd_OK",
    b"ERROR": "cmd_ERROR",
}
_ANSWERS_WITH_WORDS = {
    b"VALUE": "cmd_VALUE",
    b"STAT": "cmd_STAT",
    b"VERSION": "cmd_VERSION",
    b"CLIENT_ERROR": "cmd_CLIENT_ERROR",
    b"SERVER_ERROR": "cmd_SERVER_ERROR",
}


class NoSuchCommand(Exception):
    """The server does not know the command."""


class ClientError(Exception):
    """The command was wrong, as the server says or as it was plain before it was sent."""


class ServerError(Exception):
    """The server could not do it."""


class Command:
    """A command that has no answer yet.

    Args:
        command: its name; kwargs: what else is to be remembered, as attributes.
    """

    def __init__(self, command: bytes, **kwargs: Any) -> None:
        self.command = command
        self.deferred: Deferred[Any] = Deferred()
        self.values: dict[bytes, Any] = {}
        vars(self).update(kwargs)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.command!r}>"

    def success(self, value: Any) -> None:
        """Answer it."""
        self.deferred.callback(value)

    def fail(self, error: Any) -> None:
        """Let it fail."""
        self.deferred.errback(error)


class MemCacheProtocol(LineReceiver, TimeoutMixin):
    """Sends commands and takes the answers.

    Args:
        timeOut: seconds that the server may take for an answer; then everything fails with `TimeoutError`, and the
            connection is closed.

    Every command fails with `ClientError` for a key or value that cannot be, with `ServerError` or `NoSuchCommand` as the
    server says, with the reason when the connection is lost, and with `RuntimeError` when there is none any more.

    Twisted: `twisted.protocols.memcache.MemCacheProtocol`, which sends keys with blanks and line ends in them.
    """

    #: Most bytes of a key; the server's own limit.
    MAX_KEY_LENGTH = 250
    #: Most bytes of a value that is received. Servers can be told to keep up to 1 GiB; few are.
    MAX_VALUE_LENGTH = 128 * 1024 * 1024

    _disconnected = False
    # The value that is being received: whose, what the server says of it, and its pieces.
    _raw: tuple[Any, bytes, int, bytes] | None = None
    _missing = 0

    def __init__(self, timeOut: int = 60) -> None:
        self._current: deque[Any] = deque()
        self.persistentTimeOut = self.timeOut = timeOut
        self._pieces: list[bytes] = []

    # --- Reading and changing values ---------------------------------------------------------------------------

    def get(self, key: bytes, withIdentifier: bool = False) -> Deferred[Any]:
        """Get a value.

        Fires with (flags, value), or (flags, identifier for `checkAndSet`, value); the value is None when there is none.
        """
        return self._get([key], withIdentifier, False)

    def getMultiple(self, keys: Iterable[bytes], withIdentifier: bool = False) -> Deferred[Any]:
        """Get several values.

        Fires with a dictionary from key to what `get` fires with.
        """
        return self._get(list(keys), withIdentifier, True)

    def set(self, key: bytes, val: bytes, flags: int = 0, expireTime: int = 0) -> Deferred[bool]:
        """Store a value, whether there is one or not.

        Args:
            flags: a number that is kept with it; expireTime: seconds, or a Unix time beyond 30 days; 0 for ever.

        Fires with True; with False when the server did not store it.
        """
        return self._set(b"set", key, val, flags, expireTime, b"")

    def add(self, key: bytes, val: bytes, flags: int = 0, expireTime: int = 0) -> Deferred[bool]:
        """Store a value if there is none; see `set`."""
        return self._set(b"add", key, val, flags, expireTime, b"")

    def replace(self, key: bytes, val: bytes, flags: int = 0, expireTime: int = 0) -> Deferred[bool]:
        """Store a value if there is one; see `set`."""
        return self._set(b"replace", key, val, flags, expireTime, b"")

    def append(self, key: bytes, val: bytes) -> Deferred[bool]:
        """Add to the end of a value; see `set`."""
        return self._set(b"append", key, val, 0, 0, b"")

    def prepend(self, key: bytes, val: bytes) -> Deferred[bool]:
        """Add to the beginning of a value; see `set`."""
        return self._set(b"prepend", key, val, 0, 0, b"")

    def checkAndSet(
        self, key: bytes, val: bytes, cas: bytes, flags: int = 0, expireTime: int = 0
    ) -> Deferred[bool]:
        """Store a value if nobody has since `get` gave the identifier `cas`; see `set`."""
        return self._set(b"cas", key, val, flags, expireTime, cas)

    def increment(self, key: bytes, val: int = 1) -> Deferred[Any]:
        """Add to a number. Fires with the new one; with False when there is none."""
        return self._send_with_key(b"incr", key, b" %d" % val)

    def decrement(self, key: bytes, val: int = 1) -> Deferred[Any]:
        """Take from a number, down to 0. Fires with the new one; with False when there is none."""
        return self._send_with_key(b"decr", key, b" %d" % val)

    def delete(self, key: bytes) -> Deferred[bool]:
        """Delete a value. Fires with whether there was one."""
        return self._send_with_key(b"delete", key)

    # --- The server itself -------------------------------------------------------------------------------------

    def stats(self, arg: bytes | None = None) -> Deferred[dict[bytes, bytes]]:
        """Ask for statistics, all or some. Fires with a dictionary."""
        if arg is not None and (not isinstance(arg, bytes) or not arg or _NO_WORDS.search(arg)):
            return fail(ClientError(f"statistics are asked for by words, in bytes: {arg!r}"))
        return self._send(Command(b"stats"), b"stats" if arg is None else b"stats " + arg)

    def version(self) -> Deferred[bytes]:
        """Ask which version the server is."""
        return self._send(Command(b"version"), b"version")

    def flushAll(self) -> Deferred[bool]:
        """Delete everything. Fires with True."""
        return self._send(Command(b"flush_all"), b"flush_all")

    # --- Sending -----------------------------------------------------------------------------------------------

    def _get(self, keys: list[bytes], with_identifier: bool, multiple: bool) -> Deferred[Any]:
        for key in keys:
            if (error := self._wrong_key(key)) is not None:
                return fail(error)
        name = b"gets" if with_identifier else b"get"
        empty = (0, b"", None) if with_identifier else (0, None)
        command = Command(name, multiple=multiple, values=dict.fromkeys(keys, empty))
        return self._send(command, b" ".join([name, *keys]))

    def _set(
        self, cmd: bytes, key: bytes, val: bytes, flags: int, expireTime: int, cas: bytes
    ) -> Deferred[Any]:
        if (error := self._wrong_key(key)) is not None:
            return fail(error)
        if not isinstance(val, bytes):
            return fail(ClientError(f"invalid type for value: {type(val).__name__}, expecting bytes"))
        if _NO_KEY.search(cas):
            return fail(ClientError(f"this is no identifier that a get gave: {cas!r}"))
        line = b"%b %b %d %d %d" % (cmd, key, flags, expireTime, len(val))
        return self._send(Command(cmd), line + b" " + cas if cas else line, val)

    def _send_with_key(self, name: bytes, key: bytes, rest: bytes = b"") -> Deferred[Any]:
        if (error := self._wrong_key(key)) is not None:
            return fail(error)
        return self._send(Command(name), name + b" " + key + rest)

    def _send(self, command: Any, *lines: bytes) -> Deferred[Any]:
        if self._disconnected:
            return fail(RuntimeError(f"not connected any more, so {command.command!r} cannot be sent"))
        for line in lines:
            self.sendLine(line)
        self._current.append(command)
        if len(self._current) == 1:
            self.setTimeout(self.persistentTimeOut)
        answer: Deferred[Any] = command.deferred
        return answer

    def _wrong_key(self, key: Any) -> ClientError | None:
        if not isinstance(key, bytes):
            return ClientError(f"invalid type for key: {type(key).__name__}, expecting bytes")
        if len(key) > self.MAX_KEY_LENGTH:
            return ClientError(f"a key has at most {self.MAX_KEY_LENGTH} bytes, not {len(key)}")
        if not key or _NO_KEY.search(key):
            return ClientError(f"a key has no blanks and no control characters, and is not empty: {key!r}")
        return None

    # --- Receiving ---------------------------------------------------------------------------------------------

    def lineReceived(self, line: bytes) -> None:
        """Take an answer, or the beginning of one.

        Raises:
            RuntimeError: it is no answer to what was asked.
        """
        word, _, rest = line.partition(b" ")
        if line in _ANSWERS:
            getattr(self, _ANSWERS[line])()
        elif word in _ANSWERS_WITH_WORDS:
            getattr(self, _ANSWERS_WITH_WORDS[word])(rest)
        elif line.isdigit():
            self._finish(b"incr", b"decr").success(int(line))
        else:
            raise RuntimeError(f"the server answers {line[:100]!r}, which is no answer")

    def _expect(self, *names: bytes) -> Any:
        """Return the command that is being answered, which is one of these."""
        if not self._current:
            raise RuntimeError("the server answers what nobody asked")
        command = self._current[0]
        if names and command.command not in names:
            raise RuntimeError(f"the server answers {command!r} with what does not belong to it")
        return command

    def _finish(self, *names: bytes) -> Any:
        """Return the command whose answer is complete, which is one of these; the time of the next one begins."""
        command = self._expect(*names)
        self._current.popleft()
        self.setTimeout(self.persistentTimeOut if self._current else None)
        return command

    def cmd_STORED(self) -> None:
        """A value is stored."""
        self._finish(*_STORING).success(True)

    def cmd_NOT_STORED(self) -> None:
        """It was not to be stored: there is one, or there is none."""
        self._finish(*_STORING).success(False)

    def cmd_EXISTS(self) -> None:
        """Somebody has stored another since."""
        self._finish(b"cas").success(False)

    def cmd_NOT_FOUND(self) -> None:
        """There is no such value."""
        self._finish(b"cas", b"incr", b"decr", b"delete").success(False)

    def cmd_DELETED(self) -> None:
        """It is deleted."""
        self._finish(b"delete").success(True)

    def cmd_OK(self) -> None:
        """Everything is deleted."""
        self._finish(b"flush_all").success(True)

    def cmd_VERSION(self, versionData: bytes) -> None:
        """The server says its version."""
        self._finish(b"version").success(versionData)

    def cmd_STAT(self, line: bytes) -> None:
        """One of the statistics."""
        name, _, value = line.partition(b" ")
        self._expect(b"stats").values[name] = value

    def cmd_VALUE(self, line: bytes) -> None:
        """A value follows."""
        command = self._expect(b"get", b"gets")
        words = line.split(b" ")
        wanted = 4 if command.command == b"gets" else 3
        if len(words) != wanted or words[0] not in command.values or not (words[1] + words[2]).isdigit():
            raise RuntimeError(f"the server answers {command!r} with the value {line[:300]!r}")
        length = int(words[2])
        if length > self.MAX_VALUE_LENGTH:
            raise RuntimeError(
                f"a value of {length} bytes is longer than MAX_VALUE_LENGTH={self.MAX_VALUE_LENGTH}"
            )
        self._raw = command, words[0], int(words[1]), words[3] if wanted == 4 else b""
        self._missing = length + len(b"\r\n")
        self.setRawMode()

    def rawDataReceived(self, data: bytes) -> None:
        """Take some of a value."""
        self._pieces.append(data[: self._missing])
        rest = data[self._missing :]
        self._missing -= len(self._pieces[-1])
        if self._missing:
            return
        value = b"".join(self._pieces)
        self._pieces = []
        if not value.endswith(b"\r\n"):
            raise RuntimeError("a value does not end where the server said")
        assert self._raw is not None
        command, key, flags, identifier = self._raw
        found = (flags, identifier, value[:-2]) if command.command == b"gets" else (flags, value[:-2])
        command.values[key] = found
        self.setLineMode(rest)

    def cmd_END(self) -> None:
        """All values, or statistics, have come."""
        command = self._finish(b"get", b"gets", b"stats")
        if command.command == b"stats" or command.multiple:
            command.success(command.values)
        else:
            command.success(next(iter(command.values.values())))

    def cmd_ERROR(self) -> None:
        """The server does not know the command."""
        self._finish().fail(NoSuchCommand())

    def cmd_CLIENT_ERROR(self, errText: bytes) -> None:
        """The command was wrong."""
        self._finish().fail(ClientError(repr(errText)))

    def cmd_SERVER_ERROR(self, errText: bytes) -> None:
        """The server could not do it."""
        self._finish().fail(ServerError(repr(errText)))

    # --- Ending ------------------------------------------------------------------------------------------------

    def timeoutConnection(self) -> None:
        """Let everything fail, now and later, and close: an answer that comes yet is nobody's."""
        self._disconnected = True
        self._fail_all(TimeoutError("Connection timeout"))
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Let everything fail, now and later."""
        self._disconnected = True
        self.setTimeout(None)
        self._pieces = []
        self._fail_all(reason)

    def _fail_all(self, reason: Any) -> None:
        waiting, self._current = self._current, deque()
        for command in waiting:
            command.fail(reason)


publish(globals())
