"""What type checkers make of handling by kind: `catch`, `recover`, `suppress`, `convert`."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, assert_type

from selvage.defer import Deferred, DeferredList, Failure, gatherResults, inlineCallbacks, succeed
from selvage.failure import convert, fingerprint, suppress


def fetch(key: str) -> Deferred[bytes]:
    return succeed(key.encode())


def fallback(failure: Failure, key: str) -> Deferred[str]:
    return succeed(key)


def is_gone(error: BaseException) -> bool:
    return error.args == ("gone",)


class NotFound(Exception):
    pass


# --- catch, recover ------------------------------------------------------------------------------------------------

assert_type(fetch("a").catch(ValueError, lambda f: 0), Deferred[bytes | int])
assert_type(fetch("a").catch((ValueError, KeyError), lambda f: 0), Deferred[bytes | int])
assert_type(fetch("a").catch(is_gone, lambda f: 0), Deferred[bytes | int])
assert_type(fetch("a").catch("twisted.internet.error.ConnectionLost", lambda f: None), Deferred[bytes | None])
assert_type(fetch("a").catch(KeyError, fallback, "b"), Deferred[bytes | str])
assert_type(fetch("a").recover(KeyError, None), Deferred[bytes | None])
assert_type(fetch("a").recover((KeyError, is_gone), b""), Deferred[bytes])

fetch("a").catch(KeyError, fallback, 1)  # type: ignore[call-overload]
fetch("a").catch(1, fallback, "b")  # type: ignore[call-overload]
fetch("a").recover(5, b"")  # type: ignore[arg-type]


def words(failure: Failure) -> str:
    return fingerprint(failure)


assert_type(fetch("a").catch(KeyError, words), Deferred[bytes | str])

# --- suppress, convert: as errbacks ------------------------------------------------------------------------------

assert_type(fetch("a").addErrback(suppress(KeyError)), Deferred[bytes | None])
assert_type(fetch("a").addErrback(convert(KeyError, to=NotFound)), Deferred[bytes])
fetch("a").addErrback(convert(KeyError, is_gone, to=lambda error: NotFound(str(error))))

convert(KeyError)  # type: ignore[call-arg]
convert(KeyError, to=str)  # type: ignore[arg-type]

# --- around blocks ---------------------------------------------------------------------------------------------------

with suppress(KeyError), convert(OSError, to=NotFound):
    print("may fail")

# --- on functions ----------------------------------------------------------------------------------------------------


@suppress(KeyError)
def plain(number: int) -> str:
    return str(number)


@suppress(KeyError)
async def coroutine(number: int) -> str:
    return str(number)


@convert(KeyError, to=NotFound)
def converted(number: int) -> str:
    return str(number)


@convert(KeyError, to=NotFound)
async def converted_coroutine(number: int) -> str:
    return str(number)


@inlineCallbacks
@convert(KeyError, to=NotFound)
def generator(number: int) -> Generator[Deferred[Any], Any, str]:
    yield fetch("a")
    return str(number)


the_plain: Callable[[int], str | None] = plain
the_coroutine: Callable[[int], Coroutine[Any, Any, str | None]] = coroutine
the_converted: Callable[[int], str] = converted
the_converted_coroutine: Callable[[int], Coroutine[Any, Any, str]] = converted_coroutine
assert_type(plain(1), str | None)
assert_type(converted(1), str)
assert_type(generator(1), Deferred[str])
plain("one")  # type: ignore[arg-type]

# --- all errors ------------------------------------------------------------------------------------------------------

assert_type(gatherResults([fetch("a"), fetch("b")], all_errors=True), Deferred[list[bytes]])
DeferredList([fetch("a")], all_errors=True)
