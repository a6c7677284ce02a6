"""Shorten what Selvage gives its peers time for, so that who lets it wait is gone by the end of a round."""

from __future__ import annotations

from typing import Any

from selvage.protocols import tls as classic_tls
from selvage.transports import _tls_transport
from selvage.web import _lingering
from selvage.web.http import HTTPChannel
from selvage.web.websocket import _wire

__all__ = ["PATIENCE_S", "hurry"]

#: Seconds for whatever has seconds in Selvage.
PATIENCE_S = 2.0


def hurry() -> None:
    """Do it for this process."""
    from selvage.web._http2 import H2Connection

    closing: list[Any] = [_tls_transport, classic_tls, _wire]
    for module in closing:
        assert module.CLOSE_TIMEOUT_S > PATIENCE_S
        module.CLOSE_TIMEOUT_S = PATIENCE_S
    lingering: Any = _lingering
    lingering.LINGER_S = PATIENCE_S
    HTTPChannel.abortTimeout = H2Connection.abortTimeout = PATIENCE_S
