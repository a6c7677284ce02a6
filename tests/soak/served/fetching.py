"""HTTP clients that fetch what they are told: a line of JSON with `how`, `url` and what else there is, a line in answer."""

from __future__ import annotations

import json
from typing import Any

from selvage.defer import Deferred, ensureDeferred, gatherResults
from selvage.failure import Failure
from selvage.protocols import Factory
from selvage.protocols.basic import LineReceiver
from selvage.tls import PrivateCertificate
from selvage.web.client import (
    Agent,
    BrowserLikePolicyForHTTPS,
    Client,
    HTTPConnectionPool,
    RedirectAgent,
    Timeouts,
    readBody,
)
from tests.soak.hurry import PATIENCE_S
from tests.soak.ledger import happened

__all__ = ["Fetching", "listen"]

#: Connections to one place: fewer than there are requests at once, so that some wait in line.
PER_HOST = 4
#: Seconds that those wait who do not mean to meet a timeout.
LONG_S = 25.0


class Fetching(Factory[Any]):
    """Takes orders; the clients are shared by all who ask, as in a program."""

    noisy = False

    def __init__(self, reactor: Any, certificate: PrivateCertificate) -> None:
        self._reactor = reactor
        policy = BrowserLikePolicyForHTTPS(certificate, protocols=(b"h2", b"http/1.1"))
        self.client = Client(
            policy=policy,
            proxy=False,
            timeout=Timeouts(total=LONG_S, connect=LONG_S, read=LONG_S),
            max_per_host=PER_HOST,
            idle_s=PATIENCE_S,
        )
        self.pool = HTTPConnectionPool(reactor)
        self.pool.cachedConnectionTimeout = PATIENCE_S
        self.agent = RedirectAgent(
            Agent(
                reactor,
                BrowserLikePolicyForHTTPS(certificate),
                connectTimeout=PATIENCE_S,
                pool=self.pool,
            ),
            redirectLimit=5,
        )

    def buildProtocol(self, addr: Any) -> Asking:
        return Asking(self)

    def counted(self) -> dict[str, int]:
        """Connections that the clients have, and who waits for one."""
        connections = self.client._connections
        return {
            "connections of the client": len(connections._all),
            "places of the client": connections._count(),
            "idle ones of the client": sum(map(len, connections._idle.values())) + len(connections._shared),
            "waiting for the client": sum(map(len, connections._waiting.values())),
            "idle ones of the pool": sum(map(len, self.pool._connections.values())),
            "timers of the pool": len(self.pool._timeouts),
        }

    # --- The ways to fetch, by name ----------------------------------------------------------------------------

    def get(self, order: dict[str, Any]) -> Deferred[Any]:
        """Read the whole answer."""
        got = self.client.get(
            order["url"], limit_bytes=order.get("limit", 5_000_000), timeout=order.get("patience", LONG_S)
        )
        return got.addCallback(lambda response: (response.status, len(response.content)))

    def post(self, order: dict[str, Any]) -> Deferred[Any]:
        """Send a body in pieces."""
        got = self.client.post(
            order["url"],
            data=(b"x" * 10_000 for _ in range(order["pieces"])),
            timeout=order.get("patience", LONG_S),
        )
        return got.addCallback(lambda response: (response.status, len(response.content)))

    def many(self, order: dict[str, Any]) -> Deferred[Any]:
        """Ask for more at once than there may be connections."""
        got = [self.client.get(order["url"]) for _ in range(3 * PER_HOST)]
        return gatherResults(got, consumeErrors=True).addCallback(lambda all: (all[0].status, len(all)))

    def part(self, order: dict[str, Any]) -> Deferred[Any]:
        """Take the first piece of an answer, and leave."""

        async def take() -> Any:
            async with self.client.stream(
                "GET", order["url"], timeout=order.get("patience", LONG_S)
            ) as response:
                async for piece in response.chunks():
                    return response.status, len(piece)
            return None

        return ensureDeferred(take())

    def cancel(self, order: dict[str, Any]) -> Deferred[Any]:
        """Change one's mind after a while."""
        got = self.client.get(order["url"])
        call = self._reactor.callLater(order["after"], got.cancel)

        def over(result: Any) -> Any:
            if call.active():
                call.cancel()
            return result

        return got.addBoth(over).addCallback(lambda response: (response.status, len(response.content)))

    def agent_get(self, order: dict[str, Any]) -> Deferred[Any]:
        """Ask with the other client, which has no limits of time for an answer."""
        got = self.agent.request(b"GET", order["url"].encode())

        def read(response: Any) -> Any:
            return readBody(response).addCallback(lambda body: (response.code, len(body)))

        return got.addCallback(read).addTimeout(order.get("patience", LONG_S), self._reactor)


class Asking(LineReceiver):
    """Somebody who wants something fetched."""

    delimiter = b"\n"

    def __init__(self, fetching: Fetching) -> None:
        self._fetching = fetching
        self._under_way: set[Deferred[Any]] = set()

    def connectionMade(self) -> None:
        happened["connected"] += 1

    def lineReceived(self, line: bytes) -> None:
        order = json.loads(line)
        happened[f"fetch: {order['how']}"] += 1
        fetched: Deferred[Any] = getattr(self._fetching, order["how"])(order)
        self._under_way.add(fetched)

        def over(result: Any) -> Any:
            self._under_way.discard(fetched)
            return result

        fetched.addBoth(over).addCallbacks(self._answer, self._tell)

    def _answer(self, result: Any) -> None:
        self.sendLine(b"%d %d" % result if result else b"nothing")

    def _tell(self, failure: Failure) -> None:
        happened[f"fetch failed: {failure.type.__name__}"] += 1
        self.sendLine(f"failed {failure.type.__name__}: {failure.value.__cause__!r}".encode())

    def connectionLost(self, reason: Failure) -> None:
        """Who asked has gone: nobody wants it any more."""
        happened["lost"] += 1
        for fetched in list(self._under_way):
            fetched.cancel()


def listen(reactor: Any, certificate: PrivateCertificate) -> tuple[Fetching, dict[str, Any]]:
    """Listen; return who fetches, and where to ask."""
    fetching = Fetching(reactor, certificate)
    port = reactor.listenTCP(0, fetching, interface="127.0.0.1", backlog=200)
    return fetching, {"fetching": port.getHost().port}
