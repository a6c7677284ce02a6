# Guide 5.2.2. Mended: the printed program is the callback style of 5.1.1 again, with no coroutine in it, and never ends.
"""The same operation awaited in coroutines, of both kinds: `async def` and `inlineCallbacks`."""

from twisted.internet import reactor, task
from twisted.internet.defer import Deferred, inlineCallbacks


def async_operation(arg):
    deferred = Deferred()
    reactor.callLater(0.5, deferred.callback, arg)
    return deferred


def process_result(result):
    print(f"Processing result: {result}")


def handle_error(error):
    print(f"An error occurred: {error}")


async def with_await():
    process_result(await async_operation(10))


@inlineCallbacks
def with_yield():
    result = yield async_operation(0)
    try:
        process_result(10 / result)
    except ZeroDivisionError as error:
        handle_error(error)


async def main(reactor):
    await with_await()
    await with_yield()


if __name__ == "__main__":
    task.react(main)
