"""The pleasant client of HTTP.

usage: selvage_client.py PORT
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from requesting import IN_FLIGHT, measured

import selvage
from selvage.defer import Deferred, gatherResults
from selvage.web.client import Client


def gather(coroutines):
    return gatherResults([Deferred.fromCoroutine(each) for each in coroutines])


async def run(port):
    url = f"http://127.0.0.1:{port}/hello"
    async with Client(proxy=False, max_per_host=IN_FLIGHT) as client:

        async def get():
            return (await client.get(url)).content

        await measured("client, 32 in flight", get, gather)


if __name__ == "__main__":
    selvage.run(run, sys.argv[1])
