"""`raise ... from None`: the person who wrote it did not want the cause to be seen."""

from twisted.internet.defer import Deferred, ensureDeferred

answer = Deferred()


async def load_user():
    try:
        return int(await answer)
    except ValueError:
        raise LookupError("no such user") from None


d = ensureDeferred(load_user())
answer.callback("not a number")
d.addErrback(lambda failure: print(failure.getTraceback()))
