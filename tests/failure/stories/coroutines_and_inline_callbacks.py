"""inlineCallbacks over `async def` over inlineCallbacks over `async def`."""

from twisted.internet.defer import Deferred, ensureDeferred, inlineCallbacks

answer = Deferred()


@inlineCallbacks
def outermost():
    yield ensureDeferred(outer())


async def outer():
    await inner()


@inlineCallbacks
def inner():
    result = yield ensureDeferred(innermost())
    return result


async def innermost():
    return int(await answer)


d = outermost()
answer.callback("not a number")
d.addErrback(lambda failure: print(failure.getTraceback()))
