"""An exception group that a coroutine raises, and a note on it."""

from twisted.internet.defer import Deferred, ensureDeferred, inlineCallbacks

answer = Deferred()


def check(text):
    return int(text)


@inlineCallbacks
def validate():
    errors = []
    for text in (yield answer):
        try:
            check(text)
        except ValueError as error:
            errors.append(error)
    group = ExceptionGroup("the form is not valid", errors)
    group.add_note("ask for numbers only")
    raise group


async def submit():
    await validate()


d = ensureDeferred(submit())
answer.callback(["one", "2", "three"])
d.addErrback(lambda failure: print(failure.getTraceback()))
