# Guide 4.3.1. Mended: `SpecificError` and `Failure` were not defined, and nothing ever fired the Deferred.
"""Do one thing for an error that is known and another for all the rest."""

from twisted.internet import defer
from twisted.python.failure import Failure


class SpecificError(Exception):
    pass


def handleSuccess(result):
    print("Success:", result)


def handleError(failure):
    print("Error:", failure.getErrorMessage())
    if isinstance(failure.value, SpecificError):
        # A specific error: we know what to do.
        print("Recovered from a specific error")
        return None
    # Any other error: somebody else's business.
    print("Passing it on")
    return failure


def handleTheRest(failure):
    print("Last resort:", failure.getBriefTraceback())


def run(error):
    d = defer.Deferred()
    d.addCallback(handleSuccess)
    d.addErrback(handleError)
    d.addErrback(handleTheRest)
    d.errback(Failure(error))


if __name__ == "__main__":
    run(SpecificError("A specific error occurred"))
    run(ValueError("Something else"))
