"""websockets and aiohttp on loopback, as clients and as servers, against Selvage's own WebSocket."""

from __future__ import annotations

import asyncio

import pytest

from selvage.defer import Deferred
from selvage.reactor import get_reactor
from selvage.web.resource import Resource
from selvage.web.server import Site
from selvage.web.websocket import ConnectionRejected, WebSocketClientEndpoint, WebSocketResource

websockets = pytest.importorskip("websockets")
aiohttp = pytest.importorskip("aiohttp")
web = pytest.importorskip("aiohttp.web")

# Compresses well, goes beyond one read, and has characters of several bytes.
LONG = "Größe \N{SNOWMAN} " * 20_000


class Echo:
    """Echoes, until it is told "close"."""

    def negotiationStarted(self, transport):
        self.transport = transport

    def negotiationFinished(self):
        self.transport.sendTextMessage(f"welcome {self.transport.subprotocol}")

    def textMessageReceived(self, message):
        if message == "close":
            self.transport.loseConnection(4001)
        else:
            self.transport.sendTextMessage(message)

    def bytesMessageReceived(self, data):
        self.transport.sendBytesMessage(data)

    def pongReceived(self, payload):
        pass

    def connectionLost(self, reason):
        pass


class Serving:
    """Selvage's server for the time of a block."""

    def __init__(self, **options) -> None:
        self.options = options

    def buildProtocol(self, request):
        return Echo()

    async def __aenter__(self):
        root = Resource()
        root.putChild(b"echo", WebSocketResource(self, subprotocols=["b"], **self.options))
        self.port = get_reactor().listenTCP(0, Site(root), interface="127.0.0.1")
        return f"ws://127.0.0.1:{self.port.getHost().port}/echo"

    async def __aexit__(self, *exc):
        await self.port.stopListening()


@pytest.mark.parametrize("compression", ["deflate", None])
def test_the_client_of_websockets(drive, compression):
    async def main():
        async with (
            Serving() as url,
            websockets.connect(
                url, subprotocols=["a", "b"], compression=compression, max_size=None
            ) as client,
        ):
            said = [await client.recv()]
            for message in ("short", LONG, b"\x00\xff" * 100_000, ""):
                await client.send(message)
                said.append(await client.recv() == message)
            await client.send(iter(["in ", "frag", "ments"]))
            said.append(await client.recv())
            await (await client.ping(b"there?"))
            await client.send("close")
            await client.wait_closed()
            return said, client.close_code

    assert drive(main) == (["welcome b", True, True, True, True, "in fragments"], 4001)


def test_the_client_of_aiohttp(drive):
    async def main():
        async with (
            Serving() as url,
            aiohttp.ClientSession() as session,
            session.ws_connect(url, protocols=["b"], compress=15) as client,
        ):
            said = [await client.receive_str()]
            await client.send_str(LONG)
            said.append(await client.receive_str() == LONG)
            await client.send_bytes(b"\x00\xff" * 100_000)
            said.append(await client.receive_bytes() == b"\x00\xff" * 100_000)
            await client.close(code=4002)
            return said, client.close_code

    assert drive(main) == (["welcome b", True, True], 4002)


def test_a_message_beyond_the_limit_ends_the_connection_of_a_real_client(drive):
    async def main():
        async with Serving(max_message_bytes=1000) as url, websockets.connect(url) as client:
            await client.recv()
            await client.send(LONG)
            await client.wait_closed()
            return client.close_code

    assert drive(main) == 1009


class Client:
    """Notes what comes, for who waits for it."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[object] = asyncio.Queue()
        self.lost: Deferred[object] = Deferred()

    def negotiationStarted(self, transport):
        self.transport = transport

    def negotiationFinished(self):
        pass

    def textMessageReceived(self, message):
        self.messages.put_nowait(message)

    bytesMessageReceived = pongReceived = textMessageReceived

    def connectionLost(self, reason):
        self.lost.callback((self.transport.close_code, self.transport.close_reason))


class Clients:
    def buildProtocol(self, url):
        return Client()


async def talk(url: str) -> tuple[object, ...]:
    endpoint = WebSocketClientEndpoint.new(get_reactor(), url, subprotocols=["a", "b"])
    client = await endpoint.connect(Clients())
    said = [client.transport.subprotocol]
    for message in ("short", LONG):
        client.transport.sendTextMessage(message)
        said.append(await client.messages.get() == message)
    client.transport.sendBytesMessage(b"\x00\xff" * 100_000)
    said.append(await client.messages.get() == b"\x00\xff" * 100_000)
    client.transport.ping(b"there?")
    said.append(await client.messages.get())
    client.transport.sendTextMessage("close")
    return (*said, await client.lost)


def test_the_server_of_websockets(drive):
    async def main():
        async def echo(connection):
            async for message in connection:
                if message == "close":
                    await connection.close(4003, "because")
                else:
                    await connection.send(message)

        async with websockets.serve(echo, "127.0.0.1", 0, subprotocols=["b"]) as server:
            return await talk(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")

    assert drive(main) == ("b", True, True, True, b"there?", (4003, "because"))


def test_the_server_of_aiohttp(drive):
    async def main():
        async def echo(request):
            connection = web.WebSocketResponse(protocols=["b"])
            await connection.prepare(request)
            async for message in connection:
                if message.data == "close":
                    await connection.close(code=4004, message=b"because")
                elif message.type is aiohttp.WSMsgType.TEXT:
                    await connection.send_str(message.data)
                else:
                    await connection.send_bytes(message.data)
            return connection

        app = web.Application()
        app.router.add_get("/", echo)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            return await talk(f"ws://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/")
        finally:
            await runner.cleanup()

    assert drive(main) == ("b", True, True, True, b"there?", (4004, "because"))


def test_a_server_that_refuses_is_heard(drive):
    async def main():
        def refuse(connection, request):
            return connection.respond(403, "go away\n")

        async with websockets.serve(None, "127.0.0.1", 0, process_request=refuse) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            try:
                await WebSocketClientEndpoint.new(get_reactor(), url).connect(Clients())
            except ConnectionRejected as rejected:
                return rejected.response.code, str(rejected)

    assert drive(main) == (403, "the server answered 403 Forbidden")
