"""asyncio.TaskGroup: all that failed in it, each with its story.  Selvage only: in Twisted there is no current task."""

import asyncio

from twisted.internet import asyncioreactor
from twisted.internet.defer import ensureDeferred

asyncioreactor.install()

from twisted.internet import reactor


async def parse(text):
    await asyncio.sleep(0)
    return int(text)


async def program():
    async with asyncio.TaskGroup() as group:
        group.create_task(parse("one"))
        group.create_task(parse("2"))
        group.create_task(parse("three"))


def report(failure):
    print(failure.getTraceback())
    reactor.stop()


reactor.callWhenRunning(lambda: ensureDeferred(program()).addErrback(report))
reactor.run()
