"""permessage-deflate with a bound on what a message becomes.  Floor 4; knows no socket, clock or Deferred.

wsproto has the extension; what comes in from the peer is inflated here, since wsproto inflates without a bound (a frame
of a kilobyte becomes a megabyte) and forgets that a message is compressed when a control frame comes between its
fragments.

Source: RFC 7692.
"""

from __future__ import annotations

import re
import zlib
from typing import Any

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits

__all__ = ["BoundedDeflate", "accept_offer", "client_offer", "finalize_answer"]

_SYNC = b"\x00\x00\xff\xff"

#: Bytes that may come after a block that says it is the last (RFC 7692 section 7.2.3.4): one, and what this side adds.  zlib keeps
#: them, and more for as long as they come.
_AFTER_LAST_BYTES = 1 + len(_SYNC)

# Of the server's window the size is always given, of the client's an offer may only say that it is understood; zlib has no
# window of 8 bits.
_parameter = re.compile(
    r"(client_no_context_takeover|server_no_context_takeover|client_max_window_bits)"
    r'|((?:client|server)_max_window_bits)\s*=\s*"?(9|1[0-5])"?'
).fullmatch


class BoundedDeflate(PerMessageDeflate):
    """permessage-deflate, as it was negotiated; a message that becomes too large ends the connection with 1009.

    Args:
        limit_bytes: of one message, inflated.
        options: those of wsproto's class.
    """

    def __init__(self, limit_bytes: int, **options: Any) -> None:
        super().__init__(**options)
        self._enabled = True  # it is made when it has been negotiated
        self._limit = limit_bytes
        self._inflated = 0
        self._is_control = False
        self._is_compressed = False

    def frame_inbound_header(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """Begin a frame.  May be called again for the same one."""
        self._is_control = opcode.iscontrol()
        if rsv.rsv1 and (self._is_control or opcode is Opcode.CONTINUATION):
            return CloseReason.PROTOCOL_ERROR
        if not self._is_control and opcode is not Opcode.CONTINUATION:
            self._is_compressed = rsv.rsv1
            self._inflated = 0
        return RsvBits(True, False, False)

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        """Inflate a piece of a frame."""
        if self._is_control or not self._is_compressed:
            return data
        return self._inflate(proto, data)

    def frame_inbound_complete(self, proto: Any, fin: bool) -> bytes | CloseReason | None:
        """End a frame; what the message ends with was left out by the peer."""
        if self._is_control or not fin or not self._is_compressed:
            return None
        tail = self._inflate(proto, _SYNC)
        forgets = self.server_no_context_takeover if proto.client else self.client_no_context_takeover
        if forgets or (self._decompressor is not None and self._decompressor.eof):
            self._decompressor = None
        return tail

    def _inflate(self, proto: Any, data: bytes) -> bytes | CloseReason:
        if self._decompressor is None:
            bits = self.server_max_window_bits if proto.client else self.client_max_window_bits
            self._decompressor = zlib.decompressobj(-bits)
        room = self._limit - self._inflated
        try:
            # One more than there is room for: 0 would mean no bound.
            inflated = self._decompressor.decompress(data, room + 1)
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        if len(inflated) > room:
            return CloseReason.MESSAGE_TOO_BIG
        if len(self._decompressor.unused_data) > _AFTER_LAST_BYTES:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        self._inflated += len(inflated)
        return inflated


def _parameters(extension: str) -> dict[str, int | None] | None:
    """Return the parameters of an offer or answer, None when it is not permessage-deflate, malformed or cannot be served."""
    name, *rest = (part.strip() for part in extension.split(";"))
    if name != PerMessageDeflate.name:
        return None
    found: dict[str, int | None] = {}
    for part in rest:
        match = _parameter(part)
        if match is None:
            return None
        flag, size, bits = match.groups()
        if (flag or size) in found:
            return None
        found[flag or size] = int(bits) if bits else None
    return found


def _agreed(parameters: dict[str, int | None], limit_bytes: int) -> BoundedDeflate:
    """Return the extension for what an answer says."""
    return BoundedDeflate(
        limit_bytes, **{name: True if bits is None else bits for name, bits in parameters.items()}
    )


def accept_offer(header: str, limit_bytes: int) -> tuple[str, BoundedDeflate] | None:
    """Accept the first offer in a client's Sec-WebSocket-Extensions that can be served.

    Returns:
        The server's answer, and the extension; None for neither.
    """
    for offer in header.split(","):
        offered = _parameters(offer)
        if offered is None:
            continue
        # Without context between messages an idle connection keeps no window of 32 KiB in memory for what it receives.
        answer: dict[str, int | None] = {"client_no_context_takeover": None}
        answer |= {name: bits for name, bits in offered.items() if name.startswith("server_")}
        words = [name if bits is None else f"{name}={bits}" for name, bits in answer.items()]
        return "; ".join([PerMessageDeflate.name, *words]), _agreed(answer, limit_bytes)
    return None


def client_offer() -> str:
    """Return what a client offers."""
    return PerMessageDeflate.name


def finalize_answer(header: str, limit_bytes: int) -> BoundedDeflate | None:
    """Return the extension for a server's answer to `client_offer`, None when the answer is not one to it."""
    parameters = _parameters(header)
    # The client's window may be bounded only if the offer says that this is understood.
    if parameters is None or "client_max_window_bits" in parameters:
        return None
    return _agreed(parameters, limit_bytes)
