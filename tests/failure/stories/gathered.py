"""gatherResults: the first failure, and where its results were waited for."""

from twisted.internet.defer import Deferred, ensureDeferred, gatherResults

answers = [Deferred(), Deferred()]


async def parse(answer):
    return int(await answer)


async def sum_up():
    return sum(await gatherResults([ensureDeferred(parse(each)) for each in answers], consumeErrors=True))


d = ensureDeferred(sum_up())
answers[0].callback("1")
answers[1].callback("two")
d.addErrback(lambda failure: print(failure.getTraceback()))
