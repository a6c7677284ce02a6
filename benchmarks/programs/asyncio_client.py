"""HTTP's clients on asyncio: aiohttp, httpx.

usage: asyncio_client.py aiohttp|httpx PORT
"""

import asyncio
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import uvloop
from requesting import IN_FLIGHT, REQUESTS, measured


async def gather(coroutines):
    await asyncio.gather(*coroutines)


async def with_aiohttp(url):
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:

        async def get():
            async with session.get(url) as response:
                return await response.read()

        await measured("client, 32 in flight", get, gather)


async def with_httpx(url):
    import httpx

    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    async with httpx.AsyncClient(limits=limits) as client:

        async def get():
            return (await client.get(url)).content

        # It takes many times as long as others: of fewer there is no less to see.
        await measured("client, 32 in flight", get, gather, REQUESTS // 10)


if __name__ == "__main__":
    kind, port = sys.argv[1:]
    run = {"aiohttp": with_aiohttp, "httpx": with_httpx}[kind]
    uvloop.run(run(f"http://127.0.0.1:{port}/hello"))
