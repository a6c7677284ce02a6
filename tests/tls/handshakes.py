"""Two engines, joined in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from selvage.transports._tls_engine import TLSFacts

#: Flights of a handshake are fewer than this.
FLIGHTS = 10


class FakeProtocol:
    """As much of a TLS protocol as the makers of engines look at."""

    def __init__(self, factory: Any = None) -> None:
        self.factory = factory
        self.failures: list[Any] = []

    def failVerification(self, reason: Any) -> None:
        self.failures.append(reason)


@dataclass
class Side:
    """One side after the handshake: what it agreed to, or why it failed."""

    engine: Any
    facts: TLSFacts | None = None
    error: Exception | None = None

    @property
    def is_done(self) -> bool:
        return self.facts is not None or self.error is not None


def shake_hands(
    server: Any, client: Any, server_protocol: Any = None, client_protocol: Any = None
) -> tuple[Side, Side]:
    """Let options of both sides make engines, and join these; returns server and client."""
    sides = (
        Side(server.make_tls_engine(server_protocol or FakeProtocol(), False)),
        Side(client.make_tls_engine(client_protocol or FakeProtocol(), True)),
    )
    for _ in range(FLIGHTS):
        for side, other in (sides, sides[::-1]):
            if not side.is_done:
                try:
                    if side.engine.handshake():
                        side.facts = side.engine.facts()
                except side.engine.errors as error:
                    side.error = error
            elif side.error is None:
                # An alert may come after what is the end of the handshake for this side.
                try:
                    side.engine.read()
                except side.engine.errors as error:
                    side.error = error
            if data := side.engine.take():
                other.engine.feed(data)
    return sides
