"""What a connection was given to send leaves before it is cut: on a network the bytes before a cut have arrived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["LastWords", "unsent_bytes", "when_sent"]


def unsent_bytes(transport: Any) -> int:
    """Tell how many bytes wait in a transport; 0 where it does not say."""
    tell = getattr(transport, "unsent_bytes", None)
    if tell is not None:
        return int(tell())
    return len(getattr(transport, "unsent", b""))  # one in memory


def when_sent(transport: Any, then: Callable[[], object]) -> None:
    """Call `then` once all that was written has left a transport; no producer is registered, and none is any more."""
    if unsent_bytes(transport):
        transport.registerProducer(LastWords(transport, then), False)
    else:
        then()


class LastWords:
    """Waits until all that was written has left: a pull producer, which is asked for more when it has.

    Args:
        transport: where it is registered.
        then: called once nothing waits there.
        stopped: called when the transport is gone.
    """

    def __init__(
        self, transport: Any, then: Callable[[], object], stopped: Callable[[], object] | None = None
    ) -> None:
        self._transport = transport
        self._then: Callable[[], object] | None = then
        self._stopped = stopped

    def resumeProducing(self) -> None:
        """Look; some transports ask sooner, too."""
        if self._then is not None and not unsent_bytes(self._transport):
            then, self._then = self._then, None
            then()

    def pauseProducing(self) -> None:
        """Be a producer."""

    def stopProducing(self) -> None:
        """The transport is gone."""
        self._then = None
        if self._stopped is not None:
            self._stopped()
