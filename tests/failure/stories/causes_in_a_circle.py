"""Two exceptions that were made each other's cause."""

from twisted.internet.defer import Deferred


def fail(_):
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first
    raise first


d = Deferred()
d.addCallback(fail)
d.addErrback(lambda failure: print(failure.getTraceback()))
d.callback(None)
