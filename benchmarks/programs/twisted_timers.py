"""100,000 timers scheduled, fired, cancelled: a Twisted program that runs unmodified on Twisted and on Selvage."""

import gc
import json
import random
import time

from twisted.internet import reactor

COUNT = 100_000
results = {}


def nothing():
    pass


def run_until_quiet():
    """Run the reactor until every timer that is due has fired."""
    reactor.callLater(0.0, lambda: reactor.callLater(0.0, reactor.crash))
    reactor.run(installSignalHandlers=False)


def scheduled_and_fired():
    delays = [random.Random(7).random() * 0.05 for _ in range(COUNT)]
    gc.collect()
    start = time.process_time_ns()
    for delay in delays:
        reactor.callLater(delay, nothing)
    results["timers: schedule"] = (time.process_time_ns() - start) / COUNT
    time.sleep(0.08)  # all of them are due now: what follows is the cost of firing them
    start = time.process_time_ns()
    reactor.callLater(0.05, reactor.crash)
    reactor.run(installSignalHandlers=False)
    results["timers: fire"] = (time.process_time_ns() - start) / COUNT


def cancelled():
    calls = [reactor.callLater(60 + i % 977, nothing) for i in range(COUNT)]
    run_until_quiet()
    gc.collect()
    start = time.process_time_ns()
    for call in calls:
        call.cancel()
    run_until_quiet()
    results["timers: cancel"] = (time.process_time_ns() - start) / COUNT


if __name__ == "__main__":
    scheduled_and_fired()
    cancelled()
    print(json.dumps(results), flush=True)
