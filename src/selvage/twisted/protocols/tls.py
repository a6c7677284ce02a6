"""`twisted.protocols.tls`: TLS over any transport."""

from selvage.protocols.tls import (
    BufferingTLSTransport as BufferingTLSTransport,
    SomeConnectionCreator as SomeConnectionCreator,
    TLSMemoryBIOFactory as TLSMemoryBIOFactory,
    TLSMemoryBIOProtocol as TLSMemoryBIOProtocol,
    _AggregateSmallWrites as _AggregateSmallWrites,
    _get_default_clock as _get_default_clock,
    _ProducerMembrane as _ProducerMembrane,
    _PullToPush as _PullToPush,
)
