"""The work of twisted_timers.py on a bare uvloop."""

import gc
import json
import random
import time

import uvloop

COUNT = 100_000
results = {}
loop = uvloop.new_event_loop()


def nothing():
    pass


def scheduled_and_fired():
    delays = [random.Random(7).random() * 0.05 for _ in range(COUNT)]
    gc.collect()
    start = time.process_time_ns()
    for delay in delays:
        loop.call_later(delay, nothing)
    results["timers: schedule"] = (time.process_time_ns() - start) / COUNT
    time.sleep(0.08)
    start = time.process_time_ns()
    loop.call_later(0.05, loop.stop)
    loop.run_forever()
    results["timers: fire"] = (time.process_time_ns() - start) / COUNT


def cancelled():
    calls = [loop.call_later(60 + i % 977, nothing) for i in range(COUNT)]
    loop.call_soon(loop.stop)
    loop.run_forever()
    gc.collect()
    start = time.process_time_ns()
    for call in calls:
        call.cancel()
    loop.call_soon(loop.stop)
    loop.run_forever()
    results["timers: cancel"] = (time.process_time_ns() - start) / COUNT


if __name__ == "__main__":
    scheduled_and_fired()
    cancelled()
    print(json.dumps(results), flush=True)
