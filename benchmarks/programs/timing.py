"""Time small functions of this process, the same way for every peer."""

import gc
import json
import time


def measure(functions, *, target_s=0.15, rounds=3):
    """Print one JSON object: the name of each function to the best nanoseconds of CPU time per call.

    `functions` maps a name to a function of a count that does its operation that often. The best of a few rounds is what
    the code costs; the driver takes the median of it over processes.
    """
    results = {}
    for name, function in functions.items():
        count = 16
        while True:
            start = time.process_time_ns()
            function(count)
            taken = time.process_time_ns() - start
            if taken > target_s * 2e8:
                break
            count *= 4
        count = max(1, int(count * target_s * 1e9 / taken))
        best = float("inf")
        for _ in range(rounds):
            gc.collect()
            start = time.process_time_ns()
            function(count)
            best = min(best, (time.process_time_ns() - start) / count)
        results[name] = best
    print(json.dumps(results), flush=True)
