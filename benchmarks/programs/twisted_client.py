"""HTTP's client: a Twisted program that runs unmodified on Twisted and on Selvage.

usage: twisted_client.py agent|treq PORT
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from requesting import IN_FLIGHT, measured
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import react
from twisted.web.client import Agent, HTTPConnectionPool, readBody


def gather(coroutines):
    return gatherResults([Deferred.fromCoroutine(each) for each in coroutines])


async def run(reactor, kind, port):
    pool = HTTPConnectionPool(reactor)
    pool.maxPersistentPerHost = IN_FLIGHT
    agent = Agent(reactor, pool=pool)
    url = f"http://127.0.0.1:{port}/hello"
    if kind == "treq":
        from treq.client import HTTPClient

        client = HTTPClient(agent)

        async def get():
            return await (await client.get(url)).content()

    else:
        encoded = url.encode("ascii")

        async def get():
            return await readBody(await agent.request(b"GET", encoded))

    await measured("client, 32 in flight", get, gather)
    await pool.closeCachedConnections()


if __name__ == "__main__":
    react(lambda reactor, *arguments: Deferred.fromCoroutine(run(reactor, *arguments)), sys.argv[1:])
