# Guide 4.2.2. Mended: `trap` lets one class of exception in and raises all others again, it converts nothing; converting is raising another exception from the first.
"""Turn one exception into another: trap the one you know, raise the one your callers know."""

from twisted.internet import defer
from twisted.python.failure import Failure


class MyCustomError(Exception):
    pass


def handleSuccess(result):
    print("Success:", result)


def convert(failure):
    print("Original error:", failure.getErrorMessage())
    failure.trap(LookupError)
    raise MyCustomError("the order does not exist") from failure.value


def handleError(failure):
    failure.trap(MyCustomError)
    print("Converted error:", failure.getTraceback())


if __name__ == "__main__":
    d = defer.Deferred()
    d.addCallback(handleSuccess)
    d.addErrback(convert)
    d.addErrback(handleError)
    d.errback(Failure(LookupError("no row 17")))
