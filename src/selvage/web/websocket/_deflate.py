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

_BITS = re.compile(r"[89]|1[0-5]").fullmatch
_TAKES_A_SIZE = ("client_max_window_bits", "server_max_window_bits")
_TAKES_NOTHING = ("client_no_context_takeover", "server_no_context_takeover")


class BoundedDeflate(PerMessageDeflate):
    """permessage-deflate; a message that becomes too large ends the connection with 1009.

    Args:
        limit_bytes: of one message, inflated.
        options: those of wsproto's class.
    """

    def __init__(self, limit_bytes: int, **options: Any) -> None:
        super().__init__(**options)
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
        self._inflated += len(inflated)
        return inflated


def _parameters(extension: str) -> dict[str, str | None] | None:
    """Return the parameters of an offer or answer, None when it is not permessage-deflate or malformed."""
    name, *rest = (part.strip() for part in extension.split(";"))
    if name != PerMessageDeflate.name:
        return None
    found: dict[str, str | None] = {}
    for part in rest:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        value = value.strip('"')
        if key in found or not (
            (key in _TAKES_NOTHING and not equals) or (key in _TAKES_A_SIZE and (not equals or _BITS(value)))
        ):
            return None
        found[key] = value if equals else None
    return found


def accept_offer(header: str, limit_bytes: int) -> tuple[str, BoundedDeflate] | None:
    """Accept the first offer in a client's Sec-WebSocket-Extensions that can be served.

    Returns:
        The server's answer, and the extension; None for neither.
    """
    for offer in header.split(","):
        parameters = _parameters(offer)
        # zlib has no window of 8 bits, and the client may leave the size of the server's window out only in an answer.
        if (
            parameters is None
            or "8" in parameters.values()
            or ("server_max_window_bits" in parameters and parameters["server_max_window_bits"] is None)
        ):
            continue
        # Without context between messages an idle connection keeps no window of 32 KiB in memory for what it receives.
        answer = [PerMessageDeflate.name, "client_no_context_takeover"]
        options: dict[str, Any] = {"client_no_context_takeover": True}
        if "server_no_context_takeover" in parameters:
            answer.append("server_no_context_takeover")
            options["server_no_context_takeover"] = True
        bits = parameters.get("server_max_window_bits")
        if bits is not None:
            answer.append(f"server_max_window_bits={bits}")
            options["server_max_window_bits"] = int(bits)
        extension = BoundedDeflate(limit_bytes, **options)
        extension._enabled = True
        return "; ".join(answer), extension
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
    options: dict[str, Any] = {name: True for name in _TAKES_NOTHING if name in parameters}
    if "server_max_window_bits" in parameters:
        bits = parameters["server_max_window_bits"]
        if bits is None or bits == "8":
            return None
        options["server_max_window_bits"] = int(bits)
    extension = BoundedDeflate(limit_bytes, **options)
    extension._enabled = True
    return extension
