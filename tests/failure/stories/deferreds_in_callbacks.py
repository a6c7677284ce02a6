"""Callbacks that return Deferreds: the exception goes from one to the other, and only functions that ran are frames."""

from twisted.internet.defer import Deferred

answer = Deferred()


def parse(text):
    return int(text)


def ask(_):
    return answer.addCallback(parse)


d = Deferred()
d.addCallback(ask)
d.addCallback(lambda number: number + 1)
d.callback(None)
answer.callback("not a number")
d.addErrback(lambda failure: print(failure.getTraceback()))
