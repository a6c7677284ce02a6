"""Hierarchical token buckets: so many bytes a second for each host, each service, and all of them together.  Floor 3.

    everybody = HierarchicalBucketFilter()
    everybody.bucketFactory = Fast                  # class Fast(Bucket): maxburst = 2_000_000; rate = 1_000_000
    each = FilterByHost(everybody)
    each.bucketFactory = Slow
    factory.protocol = ShapedProtocolFactory(factory.protocol, each)

A bucket fills with what is sent and leaks at its rate; what does not fit has to wait.  A filter finds the bucket of a
connection, and asks its parent for the bucket that this one leaks into.

Twisted: `twisted.protocols.htb`.
"""

from __future__ import annotations

from time import monotonic as time
from typing import Any

from selvage._publish import publish
from selvage.interfaces._base import Interface, Protocol, implementer
from selvage.protocols._wrapping import call_later, cancel
from selvage.protocols.pcp import ProducerConsumerProxy

__all__ = [
    "Bucket",
    "FilterByHost",
    "FilterByServer",
    "HierarchicalBucketFilter",
    "IBucketFilter",
    "ShapedConsumer",
    "ShapedProtocolFactory",
    "ShapedTransport",
]

#: When a bucket is full, what waits is tried again after so many seconds: each time a tenth of what a second allows leaves.
RETRY_S = 0.1


class Bucket:
    """Takes `maxburst` bytes at once and `rate` bytes a second on average; None for no limit.

    Args:
        parentBucket: what is put here has to fit there too; None for no parent.
    """

    #: Most bytes that are in it.
    maxburst: float | None = None
    #: Bytes that leak out of it in a second.
    rate: float | None = None
    #: How many consumers and children use it.
    _refcount = 0

    def __init__(self, parentBucket: Bucket | None = None) -> None:
        self.content = 0.0
        self.parentBucket = parentBucket
        self.lastDrip = time()
        if parentBucket is not None:
            parentBucket._refcount += 1

    def add(self, amount: int) -> int:
        """Put in as much of `amount` as fits, here and in the parents; returns how much that was."""
        self.drip()
        fits = amount if self.maxburst is None else int(min(amount, max(0, self.maxburst - self.content)))
        if self.parentBucket is not None:
            fits = self.parentBucket.add(fits)
        self.content += fits
        return fits

    def drip(self) -> bool:
        """Let out what has leaked since the last time; returns whether it is empty now."""
        if self.parentBucket is not None:
            self.parentBucket.drip()
        now = time()
        elapsed, self.lastDrip = now - self.lastDrip, now
        self.content = 0.0 if self.rate is None else max(0.0, self.content - elapsed * self.rate)
        return self.content == 0


class IBucketFilter(Interface, Protocol):
    """Finds the bucket that something counts for."""

    def getBucketFor(self, *somethings: Any, **some_kw: Any) -> Any:
        """Return the bucket that is meant by what is given, most often a transport."""


@implementer(IBucketFilter)
class HierarchicalBucketFilter:
    """Has one bucket for each key that `getBucketKey` gives.

    Args:
        parentFilter: finds the bucket that a new bucket here gets as its parent; None for no parent.
    """

    #: What makes a bucket of its parent.
    bucketFactory: Any = Bucket
    #: Buckets that are empty and not in use are thrown away so often; in seconds, None for never.
    sweepInterval: float | None = None

    def __init__(self, parentFilter: Any = None) -> None:
        self.buckets: dict[Any, Bucket] = {}
        self.parentFilter = parentFilter
        self.lastSweep = time()

    def getBucketFor(self, *a: Any, **kw: Any) -> Any:
        """Return the bucket for what is given, a new one if need be."""
        if self.sweepInterval is not None and time() - self.lastSweep > self.sweepInterval:
            self.sweep()
        key = self.getBucketKey(*a, **kw)
        bucket = self.buckets.get(key)
        if bucket is None:
            parent = None if self.parentFilter is None else self.parentFilter.getBucketFor(*a, **kw)
            bucket = self.buckets[key] = self.bucketFactory(parent)
        return bucket

    def getBucketKey(self, *a: Any, **kw: Any) -> Any:
        """Hook: return what tells one bucket from another; one bucket for all by default."""
        return None

    def sweep(self) -> None:
        """Throw away the buckets that are empty and not in use."""
        for key, bucket in list(self.buckets.items()):
            if bucket.drip() and bucket._refcount == 0:
                del self.buckets[key]
                if bucket.parentBucket is not None:
                    bucket.parentBucket._refcount -= 1
        self.lastSweep = time()


class FilterByHost(HierarchicalBucketFilter):
    """A bucket for each host that connects."""

    sweepInterval = 60 * 20

    def getBucketKey(self, transport: Any) -> Any:
        """Return the peer's host; one key for all peers that have none."""
        return getattr(transport.getPeer(), "host", None)


class FilterByServer(HierarchicalBucketFilter):
    """A bucket for each port that is connected to."""

    sweepInterval = None

    def getBucketKey(self, transport: Any) -> Any:
        """Return the number of our port; one key for all transports that have none."""
        return getattr(transport.getHost(), "port", None)


class ShapedConsumer(ProducerConsumerProxy):
    """Passes on what fits into a bucket, and the rest later.

    Args:
        consumer: where to send.
        bucket: what is sent counts for it.
    """

    iAmStreaming = False

    def __init__(self, consumer: Any, bucket: Bucket) -> None:
        super().__init__(consumer)
        self.bucket: Bucket | None = bucket
        bucket._refcount += 1
        self._retry: Any = None

    def _writeSomeData(self, data: Any) -> int:
        """Send what fits.  A consumer asks again only when something was sent, so that nothing fits is our own affair."""
        fits = 0 if self.bucket is None else self.bucket.add(len(data))
        if fits:
            super()._writeSomeData(data[:fits])
        elif data and self._retry is None and self.bucket is not None:
            self._retry = self._call_later(RETRY_S, self._try_again)
        return fits

    def _call_later(self, seconds: float, function: Any) -> Any:
        """Schedule on the consumer's own reactor, else on the ambient one."""
        reactor = getattr(self.consumer, "reactor", None)
        return call_later(seconds, function) if reactor is None else reactor.callLater(seconds, function)

    def _try_again(self) -> None:
        self._retry = None
        self.resumeProducing()

    def stopProducing(self) -> None:
        """Forget what waits, and let go of the bucket."""
        super().stopProducing()
        bucket, self.bucket = self.bucket, None
        if bucket is not None:
            bucket._refcount -= 1
        retry, self._retry = self._retry, None
        if retry is not None:
            cancel(retry)


class ShapedTransport(ShapedConsumer):
    """A `ShapedConsumer` with all attributes of the transport that it sends to.

    Twisted: `writeSequence` goes past the bucket there, and `loseConnection` never closes.
    """

    iAmStreaming = False

    def __init__(self, consumer: Any, bucket: Bucket) -> None:
        self._transport = consumer
        super().__init__(consumer, bucket)

    def writeSequence(self, data: Any) -> None:
        """Send the joined pieces."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Close when what waits is sent and no producer is left."""
        if self.producer is None:
            self.unregisterProducer()
        self._transport.loseConnection()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_transport"], name)


class ShapedProtocolFactory:
    """Makes protocols whose transports are shaped; set it as a factory's `protocol`.

    Args:
        protoClass: makes the protocols.
        bucketFilter: finds the bucket for a protocol's transport.
    """

    def __init__(self, protoClass: Any, bucketFilter: Any) -> None:
        self.protocol = protoClass
        self.bucketFilter = bucketFilter

    def __call__(self, *a: Any, **kw: Any) -> Any:
        """Make a protocol; its transport is replaced when it gets one."""
        protocol = self.protocol(*a, **kw)
        make_connection = protocol.makeConnection

        def make_shaped_connection(transport: Any) -> Any:
            return make_connection(ShapedTransport(transport, self.bucketFilter.getBucketFor(transport)))

        protocol.makeConnection = make_shaped_connection
        return protocol


publish(globals())
