"""How long TLS may take, and how much of it there may be.  Floor 2.

Apart from what is limited, so that the reactor's methods can name them and import no TLS.
"""

from __future__ import annotations

__all__ = ["CLOSE_TIMEOUT_S", "HANDSHAKE_TIMEOUT_S", "MAX_ANSWERS", "MAX_HANDSHAKES"]

#: Seconds for the peer to finish the handshake: what asyncio and nginx give.  A peer that stops in the middle holds a
#: descriptor and the library's buffers, so there has to be an end.
HANDSHAKE_TIMEOUT_S = 60.0

#: Seconds for the peer to answer our goodbye once all has left: what it would say is not wanted any more, so this is shorter than
#: asyncio's 30; a round trip and a retransmission fit in it several times.
CLOSE_TIMEOUT_S = 10.0

#: How many handshakes a port lets go on at once; one more ends the oldest.  An honest peer needs less than a second, so this is for
#: a thousand new connections a second, and each that hangs holds the library's buffers until its time is up.
MAX_HANDSHAKES = 1000

#: How much may wait of what the protocol itself answers (refusals of new keys, say) to a peer that does not read; in bytes.  An honest peer
#: is owed a few hundred at the most.
MAX_ANSWERS = 64 * 1024
