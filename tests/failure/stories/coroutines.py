"""Coroutines that await each other and, at the bottom, a Deferred; one of them is its own Deferred."""

from twisted.internet.defer import Deferred, ensureDeferred

answer = Deferred()


async def handle_request():
    return await load_user()


async def load_user():
    return await ensureDeferred(query())


async def query():
    return int(await answer)


d = ensureDeferred(handle_request())
answer.callback("not a number")
d.addErrback(lambda failure: print(failure.getTraceback()))
