"""Three levels of inlineCallbacks; the innermost fails after it has waited."""

from twisted.internet.defer import Deferred, inlineCallbacks

answer = Deferred()


@inlineCallbacks
def handle_request():
    user = yield load_user()
    return user


@inlineCallbacks
def load_user():
    row = yield query()
    return row


@inlineCallbacks
def query():
    text = yield answer
    return int(text)


d = handle_request()
answer.callback("not a number")
d.addErrback(lambda failure: print(failure.getTraceback()))
