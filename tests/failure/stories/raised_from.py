"""`raise ... from`, on two levels."""

from twisted.internet.defer import Deferred, ensureDeferred, inlineCallbacks

answer = Deferred()


class BadAnswer(Exception):
    pass


class NoUser(Exception):
    pass


@inlineCallbacks
def query():
    text = yield answer
    try:
        return int(text)
    except ValueError as error:
        raise BadAnswer(text) from error


async def load_user():
    try:
        return await query()
    except BadAnswer as error:
        raise NoUser("unknown") from error


d = ensureDeferred(load_user())
answer.callback("not a number")
d.addErrback(lambda failure: print(failure.getTraceback()))
