"""What asyncio's Task and gather cost on uvloop for the work of twisted_results.py."""

import asyncio
import os
import sys

import uvloop

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from timing import measure

LOOP = uvloop.new_event_loop()


def done(value):
    future = LOOP.create_future()
    future.set_result(value)
    return future


async def two_awaits():
    return await done(1) + await done(2)


def coroutine_2_awaits(count):
    async def main():
        for _ in range(count):
            await LOOP.create_task(two_awaits())

    LOOP.run_until_complete(main())


async def await_one(future):
    return await future


def await_pending(count):
    async def main():
        for _ in range(count):
            future = LOOP.create_future()
            task = LOOP.create_task(await_one(future))
            LOOP.call_soon(future.set_result, 1)
            await task

    LOOP.run_until_complete(main())


def gather_10(count):
    async def main():
        for _ in range(count):
            ten = [LOOP.create_future() for _ in range(10)]
            together = asyncio.gather(*ten)
            for future in ten:
                future.set_result(1)
            await together

    LOOP.run_until_complete(main())


if __name__ == "__main__":
    asyncio.set_event_loop(LOOP)
    measure(
        {
            "inlineCallbacks, 2 yields": coroutine_2_awaits,
            "coroutine, 2 awaits": coroutine_2_awaits,
            "coroutine, await pending": await_pending,
            "gatherResults of 10": gather_10,
            "DeferredList of 10": gather_10,
        }
    )
