"""Notes that the levels on the way have added."""

from twisted.internet.defer import Deferred, ensureDeferred, inlineCallbacks

answer = Deferred()


@inlineCallbacks
def query():
    text = yield answer
    return int(text)


async def load_user(name):
    try:
        return await query()
    except ValueError as error:
        error.add_note(f"while loading the user {name!r}")
        raise


d = ensureDeferred(load_user("ada"))
answer.callback("not a number")
d.addErrback(lambda failure: print(failure.getTraceback()))
