# Guide 2.3.1. Mended: `Failure` is not in `defer`, inlineCallbacks needs a `yield`, `succeed` wants a plain result (not a Deferred), and nothing stopped the reactor.
"""An error on its way through a Deferred: raised in a coroutine, converted, received by an errback."""

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.task import deferLater
from twisted.python.failure import Failure


@inlineCallbacks
def divide(a, b):
    yield deferLater(reactor, 0)
    try:
        result = a / b
    except ZeroDivisionError:
        raise Failure(RuntimeError("Cannot divide by zero"))
    else:
        print("Result is", result)
        return result


def main():
    d = divide(10, 0)  # fails with the RuntimeError
    d.addCallback(lambda result: print("Callback received:", result))
    d.addErrback(lambda failure: print("Error callback received:", failure))
    d.addBoth(lambda _: reactor.stop())
    reactor.run()


if __name__ == "__main__":
    main()
