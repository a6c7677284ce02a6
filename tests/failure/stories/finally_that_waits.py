"""`finally` and `except` that wait for something themselves before the exception goes on."""

from twisted.internet.defer import Deferred, ensureDeferred, inlineCallbacks

answer, closed, rolled_back = Deferred(), Deferred(), Deferred()


@inlineCallbacks
def with_connection():
    try:
        yield ensureDeferred(in_transaction())
    finally:
        yield closed


async def in_transaction():
    try:
        await work()
    except ValueError:
        await rolled_back
        raise


@inlineCallbacks
def work():
    text = yield answer
    return int(text)


d = with_connection()
answer.callback("not a number")
rolled_back.callback(None)
closed.callback(None)
d.addErrback(lambda failure: print(failure.getTraceback()))
