"""What tests give to readers and responses to be told."""

from __future__ import annotations

from typing import Any

from selvage.protocols import Protocol


class Sink:
    """Keeps what a `ResponseReader` tells."""

    reader: Any

    def __init__(self) -> None:
        self.version: Any = None
        self.code = 0
        self.phrase = b""
        self.informational: list[Any] = []
        self.fields: list[Any] | None = None
        self.length: Any = "unknown yet"
        self.pieces: list[bytes] = []
        self.rest: bytes | None = None

    def status_received(self, line, version, code, phrase):
        self.version, self.code, self.phrase = version, code, phrase

    def informational_received(self, fields):
        self.informational.append((self.code, fields))

    def fields_received(self, fields):
        assert self.fields is None
        self.fields = fields

    def body_begins(self, length):
        self.length = length

    def body_received(self, data):
        assert data
        assert self.rest is None
        self.pieces.append(data)

    def message_complete(self, rest):
        assert self.rest is None
        self.rest = rest

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def told(self) -> tuple[Any, ...]:
        """Return all that does not depend on how the bytes were cut."""
        return (
            self.version,
            self.code,
            self.phrase,
            self.informational,
            self.fields,
            self.length,
            self.body,
            self.rest,
            self.reader.trailers,
            self.reader.reusable,
            self.reader.state,
            self.reader.receive_eof(),
        )


class Body(Protocol):
    """Keeps a body and the reason of its end."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.reason: Any = None

    def dataReceived(self, data):
        self.pieces.append(data)

    def connectionLost(self, reason):
        assert self.reason is None
        self.reason = reason

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)
