"""gatherResults that waits for all of them, and fails with all that went wrong.  Selvage only."""

from twisted.internet.defer import Deferred, ensureDeferred, gatherResults

answers = [Deferred(), Deferred(), Deferred()]


async def parse(answer):
    return int(await answer)


async def sum_up():
    return sum(await gatherResults([ensureDeferred(parse(each)) for each in answers], all_errors=True))


d = ensureDeferred(sum_up())
answers[0].callback("one")
answers[1].callback("2")
answers[2].errback(ConnectionResetError("gone"))
d.addErrback(lambda failure: print(failure.getTraceback()))
