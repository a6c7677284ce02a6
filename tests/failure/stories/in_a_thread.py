"""deferToThread: from the coroutine that waits into the thread."""

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.threads import deferToThread


def read(name):
    return parse("not a number")


def parse(text):
    return int(text)


async def load():
    return await deferToThread(read, "settings")


def report(failure):
    print(failure.getTraceback())
    reactor.stop()


reactor.callWhenRunning(lambda: ensureDeferred(load()).addErrback(report))
reactor.run()
