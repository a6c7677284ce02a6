"""A storm of failures that nobody handles, in a process of its own; prints what it took as JSON.

    python -m tests.failure.storm EQUAL DIFFERENT [WAY]

WAY is how they get to the hub: "deferred" (the default: each fails in a callback of a Deferred that is dropped), "report",
or "log" (as "deferred", with the log system loaded and writing to standard error).
"""

from __future__ import annotations

import gc
import json
import resource
import sys

from selvage.defer import Deferred
from selvage.failure import flush, recent, report


def resident() -> int:
    """Bytes of memory in use now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def fail(payload: object) -> None:
    raise ValueError(f"no {payload}")


def leave_over(number: int) -> None:
    d: Deferred[int] = Deferred()
    d.addCallback(fail)
    d.callback(number)


def report_it(number: int) -> None:
    try:
        fail(number)
    except ValueError as error:
        report(error, "Unhandled error in a storm", source="timer", number=number)


def different(number: int) -> None:
    """Fail in a place of its own."""
    names = {"fail": fail}
    exec(compile("\n" * number + "def place(payload): fail(payload)", "places.py", "exec"), names)
    d: Deferred[int] = Deferred()
    d.addCallback(names["place"])
    d.callback(number)


def main(equal: int, differing: int, way: str = "deferred") -> None:
    if way == "log":
        from selvage.logger import globalLogBeginner, textFileLogObserver

        globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    one = report_it if way == "report" else leave_over
    for number in range(100):
        one(number)
    before = most = resident()
    for number in range(100, equal):
        one(number)
        if number % 1000 == 0:
            most = max(most, resident())
    for number in range(differing):
        different(number)
    # The frames of each traceback lead to a caller that has the Deferred.
    gc.collect()
    flush()
    counts = sorted((group.count for group in recent()), reverse=True)
    most = max(most, resident())
    json.dump({"counts": counts, "grown": most - before}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
