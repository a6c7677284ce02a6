"""Deferreds that had failed before anybody waited for them."""

from twisted.internet.defer import ensureDeferred, execute, inlineCallbacks


def connect():
    raise ConnectionRefusedError("nobody listens")


@inlineCallbacks
def fetch():
    yield execute(connect)


async def fetch_all():
    await fetch()


ensureDeferred(fetch_all()).addErrback(lambda failure: print(failure.getTraceback()))
