# Guide 4.2.1. Mended: `Failure` was not imported, and nothing ever fired the Deferred.
"""How an exception travels: whoever fires the Deferred with a Failure reaches its errback."""

from twisted.internet import defer
from twisted.python.failure import Failure


def handleSuccess(result):
    print("Success:", result)


def handleError(failure):
    print("Error:", failure.getTraceback())


if __name__ == "__main__":
    d = defer.Deferred()
    d.addCallback(handleSuccess)
    d.addErrback(handleError)
    d.errback(Failure(Exception("An error occurred")))
