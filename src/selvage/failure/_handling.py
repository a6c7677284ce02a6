"""Handling by kind: `suppress`, `convert`, and what is under `Deferred.catch`.  Floor 0.

What to handle is named by *kinds*: exception classes, their dotted names, or predicates, which are called with the
exception. An exception group is split as `except*` splits it: what is of the kind is handled, the rest goes its way.
Predicates are asked about the exceptions in groups, classes also about the groups themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Mapping
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, overload

from selvage.failure._exceptions import qualified_name
from selvage.failure._failure import Failure
from selvage.failure._frames import machinery, safe_repr

__all__ = ["Convert", "Kind", "Suppress", "convert", "handle", "split", "suppress"]

#: What to handle: a class, its dotted name, or a function that is told the exception and says whether.
Kind = type[BaseException] | str | Callable[[Any], object]

_P = ParamSpec("_P")
_T = TypeVar("_T")


def split(failure: Failure, *kinds: Kind) -> tuple[Failure | None, Failure | None]:
    """Part a failure into what is of some kinds and the rest; either is None when there is nothing of it."""
    value = failure.value
    if not isinstance(value, BaseExceptionGroup):
        return (failure, None) if _is_plain_match(failure, kinds) else (None, failure)
    matched, rest = value.split(lambda error: _is_of(error, kinds))
    if rest is None:
        return failure, None
    if matched is None:
        return None, failure
    return Failure(matched, exc_tb=failure.tb), Failure(rest, exc_tb=failure.tb)


def _is_plain_match(failure: Failure, kinds: tuple[Kind, ...]) -> bool:
    for kind in kinds:
        if isinstance(kind, (type, str)):
            if failure.check(kind) is not None:
                return True
        elif kind(failure.value):
            return True
    return False


def _is_of(error: BaseException, kinds: tuple[Kind, ...]) -> bool:
    for kind in kinds:
        if isinstance(kind, type):
            if isinstance(error, kind):
                return True
        elif isinstance(kind, str):
            if any(qualified_name(cls) == kind for cls in type(error).__mro__):
                return True
        elif not isinstance(error, BaseExceptionGroup) and kind(error):
            return True
    return False


def as_kinds(kinds: object, asker: str) -> tuple[Kind, ...]:
    """Take one kind or a tuple of them, and complain of anything else.

    Raises:
        TypeError: there is none, or one that could never match.
    """
    found: tuple[Any, ...] = kinds if isinstance(kinds, tuple) else (kinds,)
    flat: list[Any] = []
    for kind in found:
        if isinstance(kind, tuple):
            flat.extend(as_kinds(kind, asker))
        elif isinstance(kind, type) and not issubclass(kind, BaseException):
            raise TypeError(f"{asker} handles exceptions, and {kind!r} is not an exception class")
        elif isinstance(kind, str) or callable(kind):
            flat.append(kind)
        else:
            raise TypeError(
                f"{asker} takes exception classes, their dotted names, or functions of an exception, "
                f"not {safe_repr(kind)}"
            )
    if not flat:
        raise TypeError(f"{asker} was told no kind of exception: name at least one class")
    return tuple(flat)


@machinery
def handle(
    failure: Failure,
    kinds: tuple[Kind, ...],
    handler: Callable[..., Any],
    args: tuple[Any, ...] = (),
    keywords: Mapping[str, Any] | None = None,
) -> Any:
    """Call `handler` with what of `failure` is of the kinds, as an errback; the rest travels on.

    Returns:
        what the handler returns; `failure` itself where nothing is of the kinds. If there is a rest, the Failure of
        that, once the handler is done; together with what the handler raised, if it did.
    """
    matched, rest = split(failure, *kinds)
    if matched is None:
        return failure
    if rest is None:
        return handler(matched, *args, **(keywords or {}))
    try:
        result = handler(matched, *args, **(keywords or {}))
    except BaseException as error:
        return _joined(failure, matched, rest, error)
    if isinstance(result, Failure):
        return _joined(failure, matched, rest, result)
    if hasattr(type(result), "addCallbacks"):
        return result.addCallbacks(lambda _: rest, lambda raised: _joined(failure, matched, rest, raised))
    return rest


def _joined(whole: Failure, matched: Failure, rest: Failure, raised: BaseException) -> Failure:
    """Put what a handler raised beside what it was not meant to handle; what it raised again was never taken out."""
    error = raised.value if isinstance(raised, Failure) else raised
    if error is matched.value:
        return whole
    if error.__context__ is None and not error.__suppress_context__:
        error.__context__ = matched.value
    return Failure(BaseExceptionGroup("", [error, rest.value]))


class _ByKind:
    """What `suppress` and `convert` have in common: an errback, a context manager and a decorator in one."""

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        self._kinds = kinds

    def _handle(self, failure: Failure) -> Any:
        """Handle what is of the kinds: return a result, or raise."""
        raise NotImplementedError(f"{type(self).__name__} has to say how it handles: override _handle")

    def __enter__(self) -> None:
        pass

    @machinery
    def __exit__(
        self, cls: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> bool:
        if error is None:
            return False
        failure = Failure(error)
        result = handle(failure, self._kinds, self._raising)
        if not isinstance(result, Failure):
            return True
        if result is failure:
            return False
        left = result.value
        context = left.__context__
        try:
            raise left
        finally:
            # Not "during handling of": it is what is left of that very exception, or has been told its cause.
            left.__context__ = context

    @machinery
    def _raising(self, failure: Failure) -> Any:
        """Handle, with what is raised as a Failure, so that its traceback begins where the exception came from."""
        try:
            return self._handle(failure)
        except BaseException as error:
            return Failure(error)

    def _call(self, subject: Any) -> Any:
        if isinstance(subject, Failure):
            return handle(subject, self._kinds, self._handle)
        if callable(subject):
            return self._decorated(subject)
        raise TypeError(
            f"{self!r} is an errback, a context manager and a decorator; it was called with {safe_repr(subject)}, "
            "which is neither a Failure nor a function"
        )

    def _decorated(self, function: Callable[..., Any]) -> Callable[..., Any]:
        from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction

        if isasyncgenfunction(function):
            raise TypeError(
                f"{safe_repr(function)} is an asynchronous generator, which ends at the first exception: "
                f"put `with {self!r}:` inside, around what may fail"
            )
        if iscoroutinefunction(function):

            @wraps(function)
            @machinery
            async def handling(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

        elif isgeneratorfunction(function):

            @wraps(function)
            @machinery
            def handling(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
                with self:
                    return (yield from function(*args, **kwargs))

        else:

            @wraps(function)
            @machinery
            def handling(*args: Any, **kwargs: Any) -> Any:
                with self:
                    result = function(*args, **kwargs)
                    if hasattr(type(result), "addErrback"):
                        # A Deferred: what it fails with later is handled as well.
                        return result.addErrback(self._call)
                    return result

        return handling

    def __repr__(self) -> str:
        names = [kind.__name__ if isinstance(kind, type) else safe_repr(kind) for kind in self._kinds]
        return f"{type(self).__name__.lower()}({', '.join(names)})"


class Suppress(_ByKind):
    """See `suppress`."""

    def _handle(self, failure: Failure) -> None:
        return None

    @overload
    def __call__(self, subject: Failure, /) -> Failure | None: ...

    @overload
    def __call__(
        self, subject: Callable[_P, Coroutine[Any, Any, _T]], /
    ) -> Callable[_P, Coroutine[Any, Any, _T | None]]: ...

    @overload
    def __call__(self, subject: Callable[_P, _T], /) -> Callable[_P, _T | None]: ...

    @machinery
    def __call__(self, subject: Any, /) -> Any:
        return self._call(subject)


class Convert(_ByKind):
    """See `convert`."""

    def __init__(self, kinds: tuple[Kind, ...], to: Callable[[Any], BaseException]) -> None:
        super().__init__(kinds)
        self._to = to

    @machinery
    def _handle(self, failure: Failure) -> Any:
        to = self._to
        if isinstance(to, type):
            made = to(failure.getErrorMessage())
        else:
            made = to(failure.value)
        if not isinstance(made, BaseException):
            raise TypeError(
                f"convert(to={safe_repr(to)}) has to give an exception; it gave {safe_repr(made)}"
            )
        failure.throw(made)

    # `except` lets an exception pass by returning; a conversion never has a result of its own.
    @overload
    def __call__(self, subject: Failure, /) -> Failure: ...

    @overload
    def __call__(self, subject: Callable[_P, _T], /) -> Callable[_P, _T]: ...

    @machinery
    def __call__(self, subject: Any, /) -> Any:
        return self._call(subject)


def suppress(*kinds: Kind) -> Suppress:
    """Make what lets failures of some kinds be forgotten; the result is None in their place.

    Use it as an errback, around a block, or on a function, a coroutine function or a generator of `inlineCallbacks`:

        d.addErrback(suppress(ConnectionLost))
        with suppress(KeyError): ...
        @suppress(KeyError, lambda error: error.args == ("gone",))

    Args:
        kinds: exception classes, their dotted names, or predicates of an exception. Of an exception group those members
            are dropped that are of the kinds, the rest is raised, or travels on.
    """
    return Suppress(as_kinds(kinds, "suppress()"))


def convert(*kinds: Kind, to: Callable[[Any], BaseException]) -> Convert:
    """Make what raises another exception in place of failures of some kinds, which become its cause.

    It is used as `suppress` is.

    Args:
        kinds: exception classes, their dotted names, or predicates of an exception. Of an exception group those members
            become one exception that are of the kinds; the rest travels on beside it, in a group with it.
        to: an exception class, which is called with the words of the exception; or a function, which is called with the
            exception itself, and gives the one to raise.
    """
    if not callable(to):
        raise TypeError(
            f"convert(to=...) takes an exception class or a function that makes an exception, not {safe_repr(to)}"
        )
    return Convert(as_kinds(kinds, "convert()"), to)
