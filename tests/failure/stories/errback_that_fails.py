"""An errback that itself raises something else, by mistake."""

from twisted.internet.defer import Deferred


def parse(text):
    return int(text)


def log(failure):
    print_to_nowhere(failure)


d = Deferred()
d.addCallback(parse)
d.addErrback(log)
d.addErrback(lambda failure: print(failure.getTraceback()))
d.callback("not a number")
