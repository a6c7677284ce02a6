# Guide 5.1.1. Mended: nothing stopped the reactor.
"""The operation decides when it is done; what happens then is decided by whoever asked for it."""

from twisted.internet import defer, reactor


def on_success(result):
    print(f"Operation succeeded with result: {result}")


def on_failure(failure):
    print(f"Operation failed with error: {failure}")


def some_async_operation(arg):
    # Simulate an asynchronous operation
    deferred = defer.Deferred()
    reactor.callLater(1, deferred.callback, arg)
    return deferred


if __name__ == "__main__":
    # Using the Deferred object
    d = some_async_operation(10)
    d.addCallback(on_success)
    d.addErrback(on_failure)
    d.addBoth(lambda _: reactor.stop())
    reactor.run()
