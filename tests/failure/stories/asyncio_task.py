"""An asyncio task under a Deferred under a coroutine under another task."""

import asyncio

from twisted.internet import asyncioreactor

asyncioreactor.install()

from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred


async def asyncio_library():
    await asyncio.sleep(0)
    return int("not a number")


async def program():
    return await Deferred.fromFuture(asyncio.ensure_future(asyncio_library()))


async def main():
    return await ensureDeferred(program()).asFuture(asyncio.get_event_loop())


def report(failure):
    print(failure.getTraceback())
    reactor.stop()


def start():
    Deferred.fromFuture(asyncio.ensure_future(main())).addErrback(report)


reactor.callWhenRunning(start)
reactor.run()
