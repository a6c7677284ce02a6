"""Two coroutines wait for the same Deferred, and both clean up before they let the exception go on."""

from twisted.internet.defer import Deferred, ensureDeferred

connected = Deferred()
cleaned_up = Deferred()


async def connection():
    return await connected


async def reader(shared):
    try:
        await shared
    finally:
        await cleaned_up


async def writer(shared):
    try:
        await shared
    except OSError:
        await cleaned_up
        raise


shared = ensureDeferred(connection())
waiters = [ensureDeferred(reader(shared)), ensureDeferred(writer(shared))]
connected.errback(OSError("unreachable"))
cleaned_up.callback(None)
for waiter in waiters:
    waiter.addErrback(lambda failure: print(failure.getTraceback()))
