"""failure.throw: an errback puts another exception in the place of the one that came.  Selvage only."""

from twisted.internet.defer import Deferred, ensureDeferred


class NoUser(Exception):
    pass


def parse(text):
    return int(text)


def convert(failure):
    failure.throw(NoUser("unknown"))


async def load_user(d):
    return await d


answer = Deferred()
d = ensureDeferred(load_user(answer.addCallback(parse).addErrback(convert)))
answer.callback("not a number")
d.addErrback(lambda failure: print(failure.getTraceback()))
