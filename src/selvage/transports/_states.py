"""The states of a stream connection, shared by the adapter and its helpers.  Floor 2.

    NEW -> OPEN -> CLOSING -> LOST        the only way; steps may be skipped, never taken back

NEW: made, not connected.  OPEN: reads and writes.  CLOSING: the engine's transport is closing, writes are dropped.
LOST: `connectionLost` was called.
"""

from __future__ import annotations

__all__ = [
    "CLOSING",
    "LOST",
    "NEW",
    "OPEN",
    "READ_CLOSED",
    "STARTED",
    "UNWANTED",
    "WRITE_CLOSED",
    "WRITE_CLOSING",
    "WRITE_DONE",
]

NEW, OPEN, CLOSING, LOST = range(4)

#: Bits beside the state: the peer closed its direction; we mean to close ours; the engine was told to close ours;
#: `makeConnection` returned; all has left and `writeConnectionLost` was called; it was mentioned that descriptors come
#: which nobody wants.
READ_CLOSED, WRITE_CLOSING, WRITE_CLOSED, STARTED, WRITE_DONE, UNWANTED = 1, 2, 4, 8, 16, 32
