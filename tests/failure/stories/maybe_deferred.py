"""maybeDeferred: a function that raises at once, and one that does later."""

from twisted.internet.defer import Deferred, ensureDeferred, inlineCallbacks, maybeDeferred

answer = Deferred()


def at_once():
    return int("not a number")


@inlineCallbacks
def later():
    text = yield answer
    return int(text)


async def main():
    try:
        await maybeDeferred(at_once)
    finally:
        await maybeDeferred(later)


d = ensureDeferred(main())
answer.callback("no number either")
d.addErrback(lambda failure: print(failure.getTraceback()))
