"""What `twisted.test.proto_helpers` gives: the old address of the test helpers."""

from __future__ import annotations

import warnings
from typing import Any

__all__ = ["proto_helpers_getattr"]

_NAMES = frozenset(
    {
        "AccumulatingProtocol",
        "EventLoggingObserver",
        "FakeDatagramTransport",
        "LineSendingProtocol",
        "MemoryReactor",
        "MemoryReactorClock",
        "NonStreamingProducer",
        "RaisingMemoryReactor",
        "StringIOWithoutClosing",
        "StringTransport",
        "StringTransportWithDisconnection",
        "_FakeConnector",
        "_FakePort",
        "waitUntilAllDisconnected",
    }
)


def proto_helpers_getattr(name: str) -> Any:
    """`__getattr__` of the module: warns that the name has moved, and gives it."""
    if name not in _NAMES:
        raise AttributeError(f"module 'twisted.test.proto_helpers' has no attribute {name!r}")
    warnings.warn(
        f"twisted.test.proto_helpers.{name} was deprecated in Twisted 19.7.0: "
        f"Please use twisted.internet.testing.{name} instead.",
        DeprecationWarning,
        stacklevel=2,
    )
    from selvage import testing

    return getattr(testing, name)
