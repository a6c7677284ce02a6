# Guide 2.3.2. Mended: `Failure` is not in `defer`, inlineCallbacks needs a `yield`, the result was printed but never returned, and nothing stopped the reactor.
"""Recovering from an error: catch it, try something else, and clean up in any case."""

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.task import deferLater


@inlineCallbacks
def safe_divide(a, b):
    yield deferLater(reactor, 0)
    result = None
    try:
        result = a / b
    except ZeroDivisionError:
        print("Caught a division by zero error")
        # Recover: here, try again with another divisor.
        result = a / (b + 1)
    else:
        print("Result is", result)
    finally:
        print("Final result is", result)
    return result


def main():
    d = safe_divide(10, 0)
    d.addCallback(lambda result: print("Callback received:", result))
    d.addErrback(lambda failure: print("Error callback received:", failure))
    d.addBoth(lambda _: reactor.stop())
    reactor.run()


if __name__ == "__main__":
    main()
