"""The service that is soaked: run as a program, `python -m tests.soak.service LOOP FOLDER`.

It prints where it listens as one line of JSON; for each line that it then reads it collects garbage, counts what there is,
and prints that.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import selvage
from selvage import failure
from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.logger import globalLogBeginner
from selvage.protocols.basic import LineReceiver
from selvage.reactor import get_reactor
from selvage.transports.stdio import StandardIO
from tests.soak.hurry import hurry
from tests.soak.ledger import count_failure, happened
from tests.soak.served import fetching, lines, tls, web

#: What is counted: what a connection, a call or an error leaves behind when it is not let go.
COUNTED = (
    "Deferred",
    "Failure",
    "Server",
    "Client",
    "Conversation",
    "Flood",
    "Flow",
    "ScheduledCall",
    "SendmsgTransport",
    "Task",
    "coroutine",
    "async_generator",
    # TLS
    "TLSTransport",
    "TLSSession",
    "StandardEngine",
    "OpenSSLEngine",
    # The server of HTTP; Request is that of the client, too
    "_GenericHTTPChannelProtocol",
    "HTTPChannel",
    "H2Connection",
    "H2Stream",
    "Request",
    "RequestBody",
    "IncomingBody",
    "ShortSession",
    # WebSocket
    "_ServerWire",
    "Talk",
    "Messages",
    # The client of HTTP
    "Asking",
    "Call",
    "ClientConnection",
    "HTTP11ClientProtocol",
    "HTTP2Client",
    "_Stream",
    "ResponseReader",
    "StreamedResponse",
    "Response",
)

#: Each returns more counts, by name.
counts: list[Callable[[], dict[str, int]]] = []


def count() -> dict[str, Any]:
    """Collect garbage and say what there is."""
    while gc.collect():
        pass
    reactor = get_reactor()
    # Calls that were cancelled may be remembered until their time; those that were not are timers.
    alive = Counter(
        type(each).__name__
        for each in gc.get_objects()
        if type(each).__name__ != "ScheduledCall" or each.active()
    )
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "timers": len(reactor.getDelayedCalls()),
        "open": len(reactor._transport_engine().open),
        "readers": len(reactor.getReaders()),
        "objects": {name: alive[name] for name in COUNTED}
        | {name: number for each in counts for name, number in each().items()},
        "resident_kib": int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024,
        "happened": dict(happened),
    }


class Control(LineReceiver):
    """Standard input: each line asks for a count."""

    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(json.dumps(count()).encode())

    def connectionLost(self, reason: Failure) -> None:
        finished.callback(None)


finished: Deferred[None] = Deferred()


async def main() -> None:
    reactor = get_reactor()
    failure.set_default_reporter(None)
    failure.subscribe(count_failure)
    hurry()
    # As programs do; until then the last events are kept, and with them the connections that they are about.
    globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False)
    folder = sys.argv[2]
    certificate = tls.make_certificate(folder)
    where = lines.listen(reactor, folder) | tls.listen(reactor, folder, certificate)
    site, of_site = web.listen(reactor, folder, certificate)
    fetcher, of_fetcher = fetching.listen(reactor, certificate)
    counts.extend([site.counted, fetcher.counted])
    control = Control()
    StandardIO(control)
    control.sendLine(json.dumps(where | of_site | of_fetcher).encode())
    await finished
    await fetcher.client.close()
    await fetcher.pool.closeCachedConnections()


if __name__ == "__main__":
    # As `tests.soak.service`, so that what is pickled or shown has one name.
    selvage.run(main, loop_factory=asyncio.SelectorEventLoop if sys.argv[1] == "asyncio" else None)
