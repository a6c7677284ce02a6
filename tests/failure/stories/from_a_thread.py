"""blockingCallFromThread: from the thread that waits into the reactor's."""

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.threads import blockingCallFromThread, deferToThread


@inlineCallbacks
def ask():
    answer = Deferred()
    reactor.callLater(0, answer.callback, "not a number")
    text = yield answer
    return int(text)


def work():
    return blockingCallFromThread(reactor, ask)


def report(failure):
    print(failure.getTraceback())
    reactor.stop()


reactor.callWhenRunning(lambda: deferToThread(work).addErrback(report))
reactor.run()
