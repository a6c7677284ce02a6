"""One failed Deferred that a retry loop awaits three times, and errbacks that let the failure pass."""

from twisted.internet.defer import Deferred, ensureDeferred

connected = Deferred()


def only_timeouts(failure):
    failure.trap(TimeoutError)


def only_resets(failure):
    failure.trap(ConnectionResetError)


async def retry():
    for attempt in range(3):
        try:
            await connected
        except OSError:
            if attempt == 2:
                raise


connected.addErrback(only_timeouts)
connected.addErrback(only_resets)
d = ensureDeferred(retry())
connected.errback(OSError("unreachable"))
d.addErrback(lambda failure: print(failure.getTraceback()))
