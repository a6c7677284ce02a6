"""Who comes, by kind: those that behave and those that do not."""

from __future__ import annotations

from collections.abc import Sequence

from tests.soak.crowd import Behaviour
from tests.soak.peers import client, http1, http2, lines, tls, websocket

__all__ = ["KINDS", "of"]

_MODULES = {
    "lines": lines,
    "tls": tls,
    "http1": http1,
    "http2": http2,
    "websocket": websocket,
    "client": client,
}

#: What may be asked for.
KINDS = tuple(_MODULES)


def of(names: Sequence[str]) -> tuple[list[Behaviour], list[Behaviour]]:
    """Return what the good and the bad ones do of these kinds, or with these names."""
    good, bad = (
        [
            behave
            for kind, module in _MODULES.items()
            for behave in getattr(module, which)
            if kind in names or behave.__name__ in names
        ]
        for which in ("GOOD", "BAD")
    )
    return good, bad
