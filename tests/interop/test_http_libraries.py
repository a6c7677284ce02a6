"""httpx and aiohttp on loopback, as clients and as a server, inside Selvage's coroutines."""

from __future__ import annotations

import asyncio

import pytest

from selvage.defer import DeferredList, ensureDeferred, gatherResults
from selvage.protocols import Factory
from selvage.protocols.basic import LineReceiver
from selvage.reactor import get_reactor
from selvage.tasks import deferLater

httpx = pytest.importorskip("httpx")
aiohttp = pytest.importorskip("aiohttp")
web = pytest.importorskip("aiohttp.web")


class Greeter(LineReceiver):
    """A tiny HTTP server of Selvage's own: answers each request, after a while when the path says so."""

    async def answer(self, path):
        if path.startswith(b"/slow"):
            await deferLater(get_reactor(), 0.02)
        body = b"hello from " + path
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    def connectionMade(self):
        self.factory.connections += 1
        self.lines = []

    def lineReceived(self, line):
        if line:
            self.lines.append(line)
            return
        path = self.lines[0].split()[1]
        self.lines = []
        ensureDeferred(self.answer(path))


class Serving:
    """Selvage's server for the time of a block."""

    async def __aenter__(self):
        self.factory = Factory.forProtocol(Greeter)
        self.factory.connections = 0
        self.port = get_reactor().listenTCP(0, self.factory, interface="127.0.0.1")
        return f"http://127.0.0.1:{self.port.getHost().port}"

    async def __aexit__(self, *exc):
        await self.port.stopListening()


class ServingAiohttp:
    """aiohttp's server for the time of a block; its handlers await Deferreds."""

    async def __aenter__(self):
        async def greet(request):
            word = await deferLater(get_reactor(), 0, lambda: "hello")
            return web.Response(text=f"{word} from {request.path}")

        async def count(request):
            return web.json_response({"received": len(await request.read())})

        async def drip(request):
            response = web.StreamResponse()
            await response.prepare(request)
            for number in range(3):
                await deferLater(get_reactor(), 0.001)
                await response.write(b"%d" % number)
            return response

        async def never(request):
            await asyncio.sleep(60)

        application = web.Application()
        application.router.add_post("/count", count)
        application.router.add_get("/drip", drip)
        application.router.add_get("/never", never)
        application.router.add_get("/{tail:.*}", greet)
        self.runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        host, port = site._server.sockets[0].getsockname()
        return f"http://{host}:{port}"

    async def __aexit__(self, *exc):
        await self.runner.cleanup()


@pytest.fixture(params=[Serving, ServingAiohttp], ids=["selvage server", "aiohttp server"])
def serving(request):
    return request.param


def test_httpx(drive, serving):
    async def main():
        async with serving() as url, httpx.AsyncClient(trust_env=False) as client:
            first = await client.get(f"{url}/one")
            second = await client.get(f"{url}/two")
            return first.status_code, first.text, second.text

    assert drive(main) == (200, "hello from /one", "hello from /two")


def test_httpx_many_at_once(drive, serving):
    async def main():
        async with serving() as url, httpx.AsyncClient(trust_env=False) as client:

            async def get(number):
                return (await client.get(f"{url}/slow{number}")).text

            by_deferreds = await gatherResults([ensureDeferred(get(number)) for number in range(5)])
            by_tasks = await asyncio.gather(*(get(number) for number in range(5)))
            return by_deferreds == by_tasks == [f"hello from /slow{number}" for number in range(5)]

    assert drive(main) is True


def test_httpx_streams_and_posts(drive):
    async def main():
        async with ServingAiohttp() as url, httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{url}/count", content=b"x" * 300_000)
            async with client.stream("GET", f"{url}/drip") as response:
                dripped = b"".join([piece async for piece in response.aiter_raw()])
            return answer.json(), dripped

    assert drive(main) == ({"received": 300_000}, b"012")


def test_httpx_timeouts(drive):
    async def main():
        async with ServingAiohttp() as url, httpx.AsyncClient(trust_env=False) as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.get(f"{url}/never", timeout=0.05)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.get(f"{url}/never")
            return (await client.get(f"{url}/after")).text

    assert drive(main) == "hello from /after"


def test_httpx_connection_refused(drive):
    async def main():
        async with Serving() as url:
            pass
        async with httpx.AsyncClient(trust_env=False) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(url)
        return "refused"

    assert drive(main) == "refused"


def test_httpx_cancelled_by_its_deferred(drive):
    async def main():
        async with ServingAiohttp() as url, httpx.AsyncClient(trust_env=False) as client:
            waiting = ensureDeferred(client.get(f"{url}/never"))
            await asyncio.sleep(0.02)
            waiting.cancel()
            [(success, _)] = await DeferredList([waiting], consumeErrors=True)
            return success, (await client.get(f"{url}/after")).text

    assert drive(main) == (False, "hello from /after")


def test_aiohttp(drive, serving):
    async def main():
        async with serving() as url, aiohttp.ClientSession() as session:
            async with session.get(f"{url}/one") as response:
                first = response.status, await response.text()
            async with session.get(f"{url}/two") as response:
                return first, await response.text()

    assert drive(main) == ((200, "hello from /one"), "hello from /two")


def test_aiohttp_many_at_once(drive, serving):
    async def main():
        async with serving() as url, aiohttp.ClientSession() as session:

            async def get(number):
                async with session.get(f"{url}/slow{number}") as response:
                    return await response.text()

            by_deferreds = await gatherResults([ensureDeferred(get(number)) for number in range(5)])
            by_tasks = await asyncio.gather(*(get(number) for number in range(5)))
            return by_deferreds == by_tasks == [f"hello from /slow{number}" for number in range(5)]

    assert drive(main) is True


def test_aiohttp_streams_and_posts(drive):
    async def main():
        async with ServingAiohttp() as url, aiohttp.ClientSession() as session:
            async with session.post(f"{url}/count", data=b"x" * 300_000) as response:
                answer = await response.json()
            async with session.get(f"{url}/drip") as response:
                return answer, await response.read()

    assert drive(main) == ({"received": 300_000}, b"012")


def test_aiohttp_timeouts(drive):
    async def main():
        async with ServingAiohttp() as url, aiohttp.ClientSession() as session:
            with pytest.raises(TimeoutError):
                await session.get(f"{url}/never", timeout=aiohttp.ClientTimeout(total=0.05))
            async with session.get(f"{url}/after") as response:
                return await response.text()

    assert drive(main) == "hello from /after"


def test_one_connection_serves_several_requests(drive):
    async def main():
        serving = Serving()
        async with serving as url, httpx.AsyncClient(trust_env=False) as client:
            for number in range(3):
                await client.get(f"{url}/{number}")
            return serving.factory.connections

    assert drive(main) == 1
