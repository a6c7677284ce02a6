"""One end of ours that echoes, a server's or a client's, and what a peer of it sends and hears: frames."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

from tests.web.websocket.peer import MASK, deflated, frame, masked
from tests.web.websocket.test_client import Connecting
from tests.web.websocket.test_server import OFFER, Echo, opened

#: One frame: fin, reserved bits, opcode, payload.
Heard = tuple[bool, int, int, bytes]


class _Echoing(Connecting):
    def __init__(self, program: Any, **options: Any) -> None:
        self._echo = program
        super().__init__(**options)

    def buildProtocol(self, url: Any) -> Any:
        return self._echo


class Side:
    """Ours, once the handshake is done.

    Args:
        name: "server" or "client".
        extension: the parameters of permessage-deflate: what is offered to the server, what is answered to the client.
        options: of the resource or the endpoint.
    """

    def __init__(self, name: str, extension: bytes | None = None, **options: Any) -> None:
        self.is_client = name == "client"
        lines = [] if extension is None else [OFFER + b"permessage-deflate" + extension]
        self.program: Any = Echo()
        if self.is_client:
            client: Any = _Echoing(self.program, **options)
            client.answer(*lines)
            self._end: Any = client
        else:
            self._end = opened(*lines, program=self.program, **options)
        self.greeting = bytes(self._end.transport.value())
        self._end.transport.clear()
        self.program.told.clear()
        self._inflate: Any = None

    def frame(self, opcode: int, payload: bytes = b"", fin: bool = True, rsv: int = 0) -> bytes:
        """Return a frame as a peer of this side makes it."""
        return frame(opcode, payload, fin=fin, rsv=rsv, mask=None if self.is_client else MASK)

    def packed(self, opcode: int, content: bytes, fin: bool = True) -> bytes:
        """Return a compressed message in one frame."""
        return self.frame(opcode, deflated(content), fin, 4)

    def send(self, data: bytes, chop: int = 0) -> list[Heard]:
        """Send bytes, in pieces of `chop` if that is not 0, and return the frames that came back."""
        self._end.transport.clear()
        for at in range(0, len(data), chop or max(len(data), 1)):
            self._end.protocol.dataReceived(data[at : at + (chop or len(data))])
        return list(self._frames(bytes(self._end.transport.value())))

    def _frames(self, data: bytes) -> Iterator[Heard]:
        while data:
            size, at = data[1] & 127, 2
            assert bool(data[1] & 128) == self.is_client, "a client masks, a server does not"
            if size == 126:
                size, at = struct.unpack("!H", data[2:4])[0], 4
            elif size == 127:
                size, at = struct.unpack("!Q", data[2:10])[0], 10
            mask, at = (data[at : at + 4], at + 4) if self.is_client else (bytes(4), at)
            payload = data[at : at + size]
            yield bool(data[0] & 128), data[0] >> 4 & 7, data[0] & 15, masked(payload, mask)
            data = data[at + size :]

    def inflated(self, heard: Heard, forgets: bool = False, bits: int = 15) -> bytes:
        """Return what is in a compressed message of one frame."""
        assert heard[0] and heard[1] == 4
        if self._inflate is None or forgets:
            self._inflate = zlib.decompressobj(-bits)
        return bytes(self._inflate.decompress(heard[3] + b"\0\0\xff\xff"))

    @property
    def told(self) -> list[Any]:
        return self.program.told

    @property
    def is_over(self) -> bool:
        return bool(self._end.transport.disconnecting)
