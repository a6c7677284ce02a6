"""1,000 short processes, twenty at a time: one that does nothing, and one whose output is taken."""

import json
import time

from twisted.internet import defer, reactor, task, utils
from twisted.internet.protocol import ProcessProtocol

COUNT = 1000
AT_ONCE = 20


class Ended(ProcessProtocol):
    def __init__(self):
        self.done = defer.Deferred()

    def processEnded(self, reason):
        self.done.callback(reason.value.exitCode)


def nothing():
    protocol = Ended()
    reactor.spawnProcess(protocol, "/bin/true", ["true"])
    return protocol.done


def output():
    return utils.getProcessOutput("/bin/echo", ["hello"])


async def measured(start):
    """Run `start` COUNT times; return what one of them takes of this process's CPU time and of the clock."""
    results = set()
    work = (start().addCallback(results.add) for _ in range(COUNT))
    cpu, wall = time.process_time(), time.monotonic()
    await defer.gatherResults([task.coiterate(work) for _ in range(AT_ONCE)])
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    assert len(results) == 1, results
    return {"cpu_us": cpu * 1e6 / COUNT, "wall_us": wall * 1e6 / COUNT}


async def main(reactor):
    print(
        json.dumps({"processes": await measured(nothing), "getProcessOutput": await measured(output)}),
        flush=True,
    )


task.react(lambda reactor: defer.ensureDeferred(main(reactor)))
