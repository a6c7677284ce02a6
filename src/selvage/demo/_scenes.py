"""The clients that drive the demonstration: one scene each, in the order in which they are played.

A scene is a coroutine that takes the `Stage` and raises `SceneError` when something did not go as its docstring's first
line, which is its title, tells.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selvage.defer import Deferred, DeferredList, ensureDeferred, gatherResults, inlineCallbacks
from selvage.endpoints import TCP4ClientEndpoint, connectProtocol
from selvage.errors import ConnectionRefusedError
from selvage.failure import recent
from selvage.protocols.basic import Int32StringReceiver
from selvage.reactor import deferToThread
from selvage.web.client import Client

from ._services import FATAL_WORD, STRING_LIMIT_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from selvage.failure import Failure
    from selvage.reactor import Reactor

    from ._story import Story

HOST = "127.0.0.1"
STORM = 1000  # failures: more than anybody would read
TOLD = 2  # of equal ones, each minute: the demonstration shows what a log does with 10 of them
PATIENCE_S = 10  # on loopback every answer comes within milliseconds; longer means that it never will


class SceneError(Exception):
    """Something in the demonstration did not go as told."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scene is played."""

    reactor: Reactor
    story: Story
    strings_port: int
    lines_port: int
    web_port: int

    @property
    def url(self) -> str:
        """Where the REST service is."""
        return f"http://{HOST}:{self.web_port}"


class StringClient(Int32StringReceiver):
    """A client of the reverse echo: `ask` sends a string and fires with the answer, or fails when the line drops."""

    def __init__(self) -> None:
        self.waiting: list[Deferred[bytes]] = []
        self.closed: Deferred[None] = Deferred()

    def ask(self, string: bytes) -> Deferred[bytes]:
        d: Deferred[bytes] = Deferred()
        self.waiting.append(d)
        self.sendString(string)
        return d

    def stringReceived(self, string: bytes) -> None:
        self.waiting.pop(0).callback(string)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        waiting, self.waiting = self.waiting, []
        for d in waiting:
            d.errback(reason)
        self.closed.callback(None)


def expect(true: bool, otherwise: str) -> None:
    if not true:
        raise SceneError(otherwise)


async def string_client(stage: Stage) -> StringClient:
    endpoint = TCP4ClientEndpoint(stage.reactor, HOST, stage.strings_port)
    client = StringClient()
    await connectProtocol(endpoint, client)
    return client


async def reversed_strings(stage: Stage) -> None:
    """A client speaks to the reverse echo"""
    client = await string_client(stage)
    for word in (b"Hello, Selvage!", b"no failure is lost"):
        answer = await client.ask(word).addTimeout(PATIENCE_S, stage.reactor)
        stage.story.answered(answer)
        expect(answer == word[::-1], f"{word!r} came back as {answer!r}")
    client.transport.loseConnection()
    await client.closed


async def many_clients(stage: Stage) -> None:
    """Five clients at once, gathered with a DeferredList"""
    clients = [await string_client(stage) for _ in range(5)]
    words = [b"client number %d" % number for number in range(5)]
    asked = [client.ask(word) for client, word in zip(clients, words, strict=True)]
    answers = await DeferredList(asked).addTimeout(PATIENCE_S, stage.reactor)
    expect([a for _, a in answers] == [w[::-1] for w in words], f"the answers were {answers!r}")
    stage.story.recovered("five questions, five answers, each to its own client")
    for client in clients:
        client.transport.loseConnection()
        await client.closed


async def blocking_client(stage: Stage) -> None:
    """A plain blocking socket, in a thread beside the reactor"""

    def talk() -> bytes:
        with socket.create_connection((HOST, stage.lines_port), timeout=PATIENCE_S) as connection:
            connection.sendall(b"from a thread\r\n")
            return connection.makefile("rb").readline()

    answer = await deferToThread(talk)
    stage.story.answered(answer)
    expect(answer == b"from a thread\r\n", f"the answer was {answer!r}")


async def asyncio_client(stage: Stage) -> None:
    """asyncio's own streams, awaited in the same coroutine"""
    answer = await _line_exchange(stage, b"one loop, one await")
    expect(answer == b"one loop, one await\r\n", f"the answer was {answer!r}")


async def misbehaving_client(stage: Stage) -> None:
    """A client misbehaves: it announces a string of two gigabytes"""
    neighbour = await string_client(stage)
    reader, writer = await asyncio.open_connection(HOST, stage.strings_port)
    writer.write((2**31 - 1).to_bytes(4, "big") + b"and so it begins")
    async with asyncio.timeout(PATIENCE_S):
        rest = await reader.read()
    writer.close()
    expect(rest == b"", f"the service answered {rest!r}")
    answer = await neighbour.ask(b"x" * STRING_LIMIT_BYTES).addTimeout(PATIENCE_S, stage.reactor)
    expect(len(answer) == STRING_LIMIT_BYTES, "the neighbour was hurt")
    stage.story.recovered("only that connection was closed; its neighbour sent a string of the full limit")
    neighbour.transport.loseConnection()
    await neighbour.closed


async def handler_raises(stage: Stage) -> None:
    """A protocol's handler raises"""
    seen = len(stage.story.failures)
    answer = await _line_exchange(stage, FATAL_WORD)
    expect(answer == b"", f"the connection was not closed: {answer!r}")
    expect(len(stage.story.failures) == seen + 1, "the failure did not reach the hub exactly once")
    answer = await _line_exchange(stage, b"still there?")
    expect(answer == b"still there?\r\n", f"the answer was {answer!r}")
    stage.story.recovered("only that connection was closed; the next client is served")


async def callback_raises(stage: Stage) -> None:
    """A callback raises, and an errback recovers"""

    def divide(number: int) -> float:
        return number / 0

    def recover(failure: Failure) -> float:
        failure.trap(ZeroDivisionError)
        stage.story.told("[yellow]![/]", f"the errback trapped {failure.getErrorMessage()!r}")
        return float("inf")

    seen = len(stage.story.failures)
    d: Deferred[int] = Deferred()
    chain = d.addCallback(divide).addErrback(recover)
    stage.reactor.callLater(0, d.callback, 10)
    value = await chain
    expect(value == float("inf") and len(stage.story.failures) == seen, "the errback did not recover")
    stage.story.recovered(f"the chain went on with {value}; nothing was left to report")


async def nobody_handles(stage: Stage) -> None:
    """A callback raises, and nobody listens"""

    def parse(text: str) -> int:
        return int(text)

    seen = len(stage.story.failures)
    d: Deferred[str] = Deferred()
    d.addCallback(parse)
    d.callback("twelve")
    # Whoever fired it is among the frames that the traceback keeps, and has it in a variable: a circle of references. No
    # matter, the hub has such Deferreds looked for.
    del d
    await _heard(stage, seen + 1)
    stage.story.recovered("the hub told it once, with its traceback, when nothing referred to it any more")


class OrderError(Exception):
    """What the shop of the next scene tells its customers."""


async def a_long_way(stage: Stage) -> None:
    """An error comes a long way, and nobody listens"""

    def read_price(item: str) -> int:
        return int({"tea": "three fifty", "salt": "2"}[item])

    @inlineCallbacks
    def price_of(item: str) -> Generator[Deferred[Any], Any, int]:
        price: int = yield deferToThread(read_price, item)
        return price

    async def total(basket: list[str]) -> int:
        try:
            return sum(await gatherResults([price_of(item) for item in basket], all_errors=True))
        except* ValueError as errors:
            raise OrderError(f"no total for {', '.join(basket)}") from errors.exceptions[0]

    seen = len(stage.story.failures)
    ensureDeferred(total(["tea", "salt"]))
    await _heard(stage, seen + 1)
    stage.story.recovered("its whole story is told at the end")


async def storm(stage: Stage) -> None:
    """The same error comes a thousand times"""

    def tick(number: int) -> None:
        raise LookupError(f"no sensor {number}")

    seen = len(stage.story.failures)
    counted = sum(group.count for group in recent())
    for number in range(STORM):
        stage.reactor.callLater(0, tick, number)
    async with asyncio.timeout(PATIENCE_S):
        while sum(group.count for group in recent()) < counted + STORM:
            await asyncio.sleep(0.001)
    told = len(stage.story.failures) - seen
    expect(told == TOLD, f"{told} of them were told")
    stage.story.recovered(f"all {STORM:,} were counted, the first {told} of them told")


async def nobody_home(stage: Stage) -> None:
    """A client connects to nothing"""
    with socket.socket() as closed:
        closed.bind((HOST, 0))
        endpoint = TCP4ClientEndpoint(stage.reactor, HOST, closed.getsockname()[1])
        try:
            await connectProtocol(endpoint, StringClient())
        except ConnectionRefusedError as error:
            stage.story.told("[yellow]![/]", f"await raised {type(error).__name__}: {error}")
        else:
            raise SceneError("the connection was not refused")


async def items_over_http(stage: Stage) -> None:
    """Items are created, read, changed and deleted over HTTP"""
    async with Client() as client:
        created = await client.post(f"{stage.url}/items", json={"name": "nut"})
        expect(created.status == 201, f"creating was answered {created.status}")
        url = f"{stage.url}/items/{created.json()['number']}"
        stage.story.answered(created.content)
        changed = await client.put(url, json={"name": "bolt"})
        expect((await client.get(url)).json() == {"name": "bolt"}, "the change was not kept")
        refused = await client.put(url, json={"name": 7})
        expect(refused.status == 422, f"nonsense was answered {refused.status}")
        stage.story.answered(refused.content)
        deleted = await client.delete(url)
        missing = await client.get(url)
        expect([changed.status, deleted.status, missing.status] == [200, 204, 404], "an item was not deleted")
        stage.story.recovered("nonsense is a problem with a name, and what is gone is gone")


async def handler_fails_over_http(stage: Stage) -> None:
    """A handler of HTTP fails: the client learns nothing, the hub everything"""
    failures = len(stage.story.failures)
    async with Client() as client:
        answer = await client.get(f"{stage.url}/fail")
        await _heard(stage, failures + 1)
        expect(answer.status == 500 and "secret" not in answer.text, "the page says too much")
        expect((await client.get(f"{stage.url}/items")).status == 200, "the service did not go on")
    stage.story.recovered("500 without a word of the program, and the connection goes on")


async def several_at_once(stage: Stage) -> None:
    """One request asks several others at once"""
    paths = ["/items", "/nowhere", "/docs"]
    async with Client() as client:
        answer = await client.get(f"{stage.url}/together", params=[("path", path) for path in paths])
    expect(answer.json() == {"/items": 200, "/nowhere": 404, "/docs": 200}, answer.text)
    stage.story.answered(answer.content)


async def _heard(stage: Stage, failures: int) -> None:
    """Wait until so many failures have reached the hub."""
    async with asyncio.timeout(PATIENCE_S):
        while len(stage.story.failures) < failures:
            await asyncio.sleep(0.001)
    expect(len(stage.story.failures) == failures, "a failure did not reach the hub exactly once")


async def _line_exchange(stage: Stage, line: bytes) -> bytes:
    """Send a line over asyncio's streams and return the first line of the answer, b"" when the service closed."""
    reader, writer = await asyncio.open_connection(HOST, stage.lines_port)
    try:
        writer.write(line + b"\r\n")
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.readline()
    except ConnectionError:
        return b""
    finally:
        writer.close()
    if answer:
        stage.story.answered(answer)
    return answer


SCENES: tuple[Callable[[Stage], Awaitable[None]], ...] = (
    reversed_strings,
    many_clients,
    blocking_client,
    asyncio_client,
    misbehaving_client,
    handler_raises,
    callback_raises,
    nobody_handles,
    a_long_way,
    storm,
    nobody_home,
    items_over_http,
    handler_fails_over_http,
    several_at_once,
)
