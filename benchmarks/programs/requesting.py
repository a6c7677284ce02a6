"""How every client is measured: so many requests, so many of them in flight, and what they cost this process."""

import json
import time

IN_FLIGHT = 32
WARM_UP = 400
REQUESTS = 4_000


async def measured(name, get, gather, requests=REQUESTS):
    """Print one JSON object: the name to nanoseconds of CPU time per request.

    `get` asks once and returns the body; `gather` awaits several coroutines at once.
    """

    async def ask(count):
        for _ in range(count):
            body = await get()
            assert body == b"hello, world", body

    await gather([ask(WARM_UP // IN_FLIGHT) for _ in range(IN_FLIGHT)])
    count = requests // IN_FLIGHT
    best = float("inf")
    for _ in range(3):
        start = time.process_time_ns()
        await gather([ask(count) for _ in range(IN_FLIGHT)])
        best = min(best, (time.process_time_ns() - start) / (count * IN_FLIGHT))
    print(json.dumps({name: best}), flush=True)
