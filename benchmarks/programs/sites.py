"""What it would cost to remember always where each Deferred was made, and which are pending: Selvage alone.

    python benchmarks/programs/sites.py

Prints CPU time of a Deferred with four callbacks, as it is and with what `selvage.defer` notes in debug mode only.
The four are measured in turns, and the least of many rounds counts.
"""

import sys
import time
import weakref

from selvage.defer import Deferred

ROUNDS = 100
COUNT = 5_000


class Plain(Deferred):
    def __init__(self):
        begin(self)


class WithSite(Deferred):
    def __init__(self):
        begin(self)
        frame = sys._getframe(1)
        self.site = (frame.f_code, frame.f_lasti)


class WithSiteAndTime(Deferred):
    def __init__(self):
        begin(self)
        frame = sys._getframe(1)
        self.site = (frame.f_code, frame.f_lasti, time.monotonic())


class InASet(Deferred):
    pending = weakref.WeakSet()

    def __init__(self):
        begin(self)
        self.pending.add(self)


begin = Deferred.__init__


def add_one(value):
    return value + 1


def with_four_callbacks(cls):
    for _ in range(COUNT):
        d = cls()
        d.addCallback(add_one)
        d.addCallback(add_one)
        d.addCallback(add_one)
        d.addCallback(add_one)
        d.callback(1)


def main():
    best = dict.fromkeys((Plain, WithSite, WithSiteAndTime, InASet), float("inf"))
    for _ in range(ROUNDS):
        for cls in best:
            start = time.process_time()
            with_four_callbacks(cls)
            best[cls] = min(best[cls], time.process_time() - start)
    for cls, seconds in best.items():
        print(
            f"{cls.__name__:16} {seconds / COUNT * 1e6:6.3f} us  {seconds / best[Plain] * 100 - 100:+5.1f} %"
        )


if __name__ == "__main__":
    main()
