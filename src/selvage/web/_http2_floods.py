"""Frames of HTTP/2 that cost the client next to nothing and the server something.  Floor 4.

Streams that the client resets or makes us reset (CVE-2023-44487, CVE-2025-8671); and frames that carry nothing, that is pings,
settings, priorities, empty data, frames of unknown types, and updates of windows beyond those that what we sent explains.  Each
of both kinds has a bucket of tokens that fills with time.  h2 itself bounds header blocks and CONTINUATION frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selvage.web._tokens import Tokens

if TYPE_CHECKING:
    from selvage.web._http2 import H2Connection

__all__ = ["UPDATES_PER_FRAME", "Floods"]

#: Updates of windows that come for nothing with each frame of data that we send and each request.  One for the connection and
#: one for the stream are usual; Envoy allows ten.
UPDATES_PER_FRAME = 4


class Floods:
    """Counts the frames of one connection; most connections send none, and have no buckets."""

    def __init__(self, connection: H2Connection) -> None:
        self._connection = connection
        #: Updates of windows that are explained by what was sent; who sends adds `UPDATES_PER_FRAME`.
        self.updates_due = 0
        #: The bucket of resets; None before the first.
        self.resets: Tokens | None = None
        self._empty: Tokens | None = None

    def take_reset(self) -> bool:
        """Count a reset; return False when there are too many."""
        if self.resets is None:
            self.resets = self._bucket()
        return self.resets.take(self._connection.seconds())

    def take_empty(self) -> bool:
        """Count a frame that carries nothing; return False when there are too many."""
        if self._empty is None:
            self._empty = self._bucket()
        return self._empty.take(self._connection.seconds())

    def _bucket(self) -> Tokens:
        connection = self._connection
        return Tokens(connection._resetTokenBurst, connection._resetTokenRate, connection.seconds())
