"""A thousand coroutines, each waiting for the next."""

import sys

from twisted.internet.defer import Deferred, ensureDeferred

answer = Deferred()


async def level(number):
    if number == 1000:
        return int(await answer)
    return await ensureDeferred(level(number + 1))


sys.setrecursionlimit(20_000)
d = ensureDeferred(level(1))
answer.callback("not a number")
d.addErrback(lambda failure: print(failure.getTraceback()))
