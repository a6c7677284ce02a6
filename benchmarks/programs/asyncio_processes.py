"""What twisted_processes.py does, with asyncio's subprocesses on uvloop."""

import asyncio
import json
import time

import uvloop

COUNT = 1000
AT_ONCE = 20


async def nothing():
    process = await asyncio.create_subprocess_exec(
        "/bin/true",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    await process.communicate()


async def output():
    process = await asyncio.create_subprocess_exec(
        "/bin/echo",
        "hello",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert out == b"hello\n"


async def measured(start):
    left = iter(range(COUNT))

    async def some():
        for _ in left:
            await start()

    cpu, wall = time.process_time(), time.monotonic()
    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    return {"cpu_us": cpu * 1e6 / COUNT, "wall_us": wall * 1e6 / COUNT}


async def main():
    print(
        json.dumps({"processes": await measured(nothing), "getProcessOutput": await measured(output)}),
        flush=True,
    )


uvloop.run(main())
