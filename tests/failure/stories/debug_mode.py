"""Debug mode: where the Deferreds were made and fired, where callbacks were added, and which of them the failure passed."""

from twisted.internet.defer import Deferred, ensureDeferred, setDebugging

setDebugging(True)


def parse(text):
    return int(text)


def log(failure):
    return failure


def request():
    answer = Deferred()
    answer.addCallback(parse)
    answer.addErrback(log)
    return answer


async def load_user(answer):
    return await answer


def data_received(answer, data):
    answer.callback(data)


answer = request()
d = ensureDeferred(load_user(answer))
data_received(answer, "not a number")
d.addErrback(lambda failure: print(failure.getTraceback()))
