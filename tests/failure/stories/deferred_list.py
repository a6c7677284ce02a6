"""DeferredList: each failure in its results has its own story."""

from twisted.internet.defer import Deferred, DeferredList, inlineCallbacks

answer = Deferred()


@inlineCallbacks
def parse(answer):
    text = yield answer
    return int(text)


def show(results):
    for success, result in results:
        if not success:
            print(result.getTraceback())


DeferredList([parse(answer)], consumeErrors=True).addCallback(show)
answer.callback("two")
