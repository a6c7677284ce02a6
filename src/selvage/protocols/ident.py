"""Whose connection is that?  The identification protocol, both sides.  Floor 3.

What a server says is what its host's administrator wants it to say: good for logs, no proof of anything.
Source: RFC 1413.  Twisted: `twisted.protocols.ident`, whose server and client cannot write to a real connection.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

from selvage._publish import publish
from selvage.defer import Deferred, fail, maybeDeferred
from selvage.failure import Failure, report
from selvage.protocols._protocol import connectionDone
from selvage.protocols.basic import LineOnlyReceiver

__all__ = [
    "HiddenUser",
    "IdentClient",
    "IdentError",
    "IdentServer",
    "InvalidPort",
    "NoUser",
    "ProcServerMixin",
]

_PORTS = range(1, 65536)
_QUERY = re.compile(r"\s*(-?\d{1,6})\s*,\s*(-?\d{1,6})\s*", re.ASCII)
# Section 4: octets that no user identifier has.
_FORBIDDEN = re.compile(r"[\0\r\n]")

_Address = tuple[str, int]


class IdentError(Exception):
    """The user cannot be told, for no reason that is given."""

    identDescription = "UNKNOWN-ERROR"


class NoUser(IdentError):
    """The connection is not in use, or not by a user."""

    identDescription = "NO-USER"


class InvalidPort(IdentError):
    """A port is no port."""

    identDescription = "INVALID-PORT"


class HiddenUser(IdentError):
    """The user does not want to be told of."""

    identDescription = "HIDDEN-USER"


class _IdentLines(LineOnlyReceiver):
    #: Section 6: longer lines need not be read.
    MAX_LENGTH = 1000

    def sendLine(self, line: str | bytes) -> None:
        """Send a line."""
        # Identifiers are octets; each is one character here.
        super().sendLine(line.encode("latin-1", "replace") if isinstance(line, str) else line)


class IdentServer(_IdentLines):
    """Answers who has a connection.

    Hooks: `lookup`.
    """

    def lineReceived(self, line: bytes | str) -> None:
        """Answer a query, or close if it is none."""
        query = _QUERY.fullmatch(_text(line))
        if query is None:
            self.invalidQuery()
        else:
            self.validQuery(int(query[1]), int(query[2]))

    def invalidQuery(self) -> None:
        """Close: what came is no query."""
        self.transport.loseConnection()

    def validQuery(self, portOnServer: int, portOnClient: int) -> None:
        """Look the owner up and answer.

        Args:
            portOnServer: of the connection in question, on this host; portOnClient: on the host that asks.
        """
        if portOnServer not in _PORTS or portOnClient not in _PORTS:
            self._answer(portOnServer, portOnClient, f"ERROR : {InvalidPort.identDescription}")
            return
        ours: Any = self.transport.getHost()
        theirs: Any = self.transport.getPeer()
        found: Deferred[Any] = maybeDeferred(
            self.lookup, (ours.host, portOnServer), (theirs.host, portOnClient)
        )
        found.addCallback(self._say_user).addErrback(self._say_error)
        found.addCallback(lambda words: self._answer(portOnServer, portOnClient, words))

    def lookup(self, serverAddress: _Address, clientAddress: _Address) -> Any:
        """Hook: called for each query; has to be overridden.

        Args:
            serverAddress, clientAddress: host and port of both ends of the connection.

        Returns: `(name of the system, name of the user)`, or a Deferred of it.

        Raises:
            IdentError: it is not told; a subclass says why.
        """
        raise IdentError()

    def _say_user(self, found: tuple[str, str]) -> str:
        system, user = found
        if _FORBIDDEN.search(f"{system}{user}"):
            raise ValueError(f"lookup() gave a name that cannot be sent: {found!r}")
        return f"USERID : {system} : {user}"

    def _say_error(self, failure: Failure) -> str:
        if isinstance(failure.value, IdentError):
            return f"ERROR : {failure.value.identDescription}"
        report(failure, "Unhandled error in lookup", source="protocol", protocol=self)
        return f"ERROR : {IdentError.identDescription}"

    def _answer(self, portOnServer: int, portOnClient: int, words: str) -> None:
        self.sendLine(f"{portOnServer}, {portOnClient} : {words}")


class IdentClient(_IdentLines):
    """Asks one query after the other.

    Attributes:
        queries: those that have no answer yet: (Deferred, port on the server, port on the client), the first one sent.
        errorTypes: the errors that an answer may name.
    """

    errorTypes: tuple[type[IdentError], ...] = (IdentError, NoUser, InvalidPort, HiddenUser)

    # Why the connection is lost, once it is.
    _lost: Failure | None = None

    def __init__(self) -> None:
        self.queries: list[tuple[Deferred[Any], int, int]] = []

    def lookup(self, portOnServer: int, portOnClient: int) -> Deferred[tuple[str, str]]:
        """Ask who has the connection from the server's port `portOnServer` to our host's port `portOnClient`.

        Fires with ``("USERID", "system : user")``.
        Fails with an `IdentError`, also when the connection is lost, or is so already, before the answer is there.
        """
        if self._lost is not None:
            return fail(IdentError(self._lost))
        answer: Deferred[tuple[str, str]] = Deferred()
        self.queries.append((answer, portOnServer, portOnClient))
        if len(self.queries) == 1:
            self._ask()
        return answer

    def lineReceived(self, line: bytes | str) -> None:
        """Take the answer to the first query and send the next one; close when none was asked."""
        if not self.queries:
            self.transport.loseConnection()
            return
        answer, *ports = self.queries.pop(0)
        text = _text(line)
        echoed = _QUERY.fullmatch(text.partition(":")[0])
        if echoed is None or [int(echoed[1]), int(echoed[2])] != ports:
            answer.errback(IdentError(f"asked for {ports}, answered {text!r}"))
        else:
            self.parseResponse(answer, text)
        if self.queries and self.transport is not None:
            self._ask()

    def parseResponse(self, deferred: Deferred[Any], line: str) -> None:
        """Fire `deferred` with what the answer says."""
        parts = [part.strip() for part in line.split(":", 2)]
        if len(parts) != 3:
            deferred.errback(IdentError(line))
            return
        _ports, kind, words = parts
        if kind != "ERROR":
            deferred.callback((kind, words))
            return
        known = (error for error in self.errorTypes if error.identDescription == words)
        deferred.errback(next(known, IdentError)(line))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Fail what has no answer, now and later."""
        self._lost = reason
        pending, self.queries = self.queries, []
        for answer, *_ports in pending:
            answer.errback(IdentError(reason))

    def _ask(self) -> None:
        _answer, portOnServer, portOnClient = self.queries[0]
        self.sendLine(f"{portOnServer}, {portOnClient}")


class ProcServerMixin:
    """Gives an `IdentServer` a `lookup` in Linux's table of IPv4 connections."""

    SYSTEM_NAME = "LINUX"

    def lookup(self, serverAddress: _Address, clientAddress: _Address) -> tuple[str, str]:
        """Find the user of a connection.

        Raises:
            NoUser: there is no such connection.
        """
        for entry in self.entries():
            local, remote, uid = self.parseLine(entry)
            if (local, remote) == (serverAddress, clientAddress):
                return self.SYSTEM_NAME, self.getUsername(uid)
        raise NoUser()

    def entries(self) -> Iterator[str]:
        """Yield the lines of the table without its head."""
        with open("/proc/net/tcp") as table:
            next(table)
            for line in table:
                yield line.strip()

    def parseLine(self, line: str) -> tuple[_Address, _Address, int]:
        """Return local address, remote address and user number of a line."""
        fields = line.split()
        return self.unpackAddress(fields[1]), self.unpackAddress(fields[2]), int(fields[7])

    def unpackAddress(self, packed: str) -> _Address:
        """Return host and port of "0100007F:0277"."""
        host, _, port = packed.partition(":")
        return self.dottedQuadFromHexString(host), int(port, 16)

    def dottedQuadFromHexString(self, hexstr: str) -> str:
        """Return the IPv4 address that eight hexadecimal digits in this machine's byte order stand for."""
        return socket.inet_ntoa(struct.pack("=L", int(hexstr, 16)))

    def getUsername(self, uid: int, getpwuid: Callable[[int], Any] | None = None) -> str:
        """Return the name of a user."""
        if getpwuid is None:
            import pwd

            getpwuid = pwd.getpwuid
        return str(getpwuid(uid)[0])


def _text(line: bytes | str) -> str:
    return line if isinstance(line, str) else line.decode("latin-1")


publish(globals())
