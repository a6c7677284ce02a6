"""Addresses in few words, for what a person reads."""

from __future__ import annotations

from typing import Any

__all__ = ["shown"]


def shown(address: Any) -> str:
    """Write an address the short way."""
    host = getattr(address, "host", None)
    if host is None:
        return str(address)
    return f"[{host}]:{address.port}" if ":" in host else f"{host}:{address.port}"
