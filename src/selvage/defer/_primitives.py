"""Locks, semaphores and queues for code that waits on Deferreds.  Floor 0.

Who waits is served in the order of asking. Cancelling the Deferred of somebody who waits takes them out of the line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar, overload

from selvage.defer._deferred import Deferred
from selvage.defer._shortcuts import maybeDeferred, succeed
from selvage.errors import QueueOverflow, QueueUnderflow

__all__ = ["DeferredLock", "DeferredQueue", "DeferredSemaphore"]

_T = TypeVar("_T")
_P = ParamSpec("_P")


class _Line(deque[Any]):
    """Who or what waits, first come first served; equal to a list with the same members, as tests like to ask."""

    __slots__ = ()

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, (list, deque)) else NotImplemented


class _ConcurrencyPrimitive(ABC):
    """What lock and semaphore share: running something under it, and `async with`."""

    def __init__(self) -> None:
        self.waiting: deque[Deferred[Any]] = _Line()

    @abstractmethod
    def acquire(self) -> Deferred[Self]:
        """Ask for it; the Deferred fires when it is there."""

    @abstractmethod
    def release(self) -> None:
        """Give it back."""

    def _cancelAcquire(self, d: Deferred[Any]) -> None:
        self.waiting.remove(d)

    @overload
    def run(self, f: Callable[_P, Deferred[_T]], /, *args: _P.args, **kwargs: _P.kwargs) -> Deferred[_T]: ...

    @overload
    def run(
        self, f: Callable[_P, Coroutine[Any, Any, _T]], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Deferred[_T]: ...

    @overload
    def run(self, f: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Deferred[_T]: ...

    def run(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Acquire, call `f(*args, **kwargs)`, and release when its result is there.

        Fires with the result of `f`, which may return a Deferred or be a coroutine function. Cancelling while it waits
        for its turn takes it out of the line, later cancels what `f` returned.
        """

        def call(_: object) -> Deferred[Any]:
            return maybeDeferred(f, *args, **kwargs).addBoth(release)

        def release(result: _T) -> _T:
            self.release()
            return result

        return self.acquire().addCallback(call)

    def __aenter__(self) -> Deferred[Self]:
        return self.acquire()

    def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> Deferred[None]:
        self.release()
        return succeed(None)


class DeferredLock(_ConcurrencyPrimitive):
    """A lock for operations that take turns of the reactor.

    Attributes:
        locked: whether somebody holds it.
        waiting: the Deferreds of those who wait.
    """

    locked = False

    def acquire(self) -> Deferred[Self]:
        """Ask for the lock.

        Fires with the lock when it is the caller's. Cancelling while waiting takes the caller out of the line.
        """
        d: Deferred[Any] = Deferred(self._cancelAcquire)
        if self.locked:
            self.waiting.append(d)
        else:
            self.locked = True
            d.callback(self)
        return d

    def release(self) -> None:
        """Hand the lock to who waits longest, or leave it unlocked.

        Raises:
            AssertionError: nobody holds it.
        """
        if not self.locked:
            raise AssertionError(
                f"Tried to release an unlocked lock: {self!r}; each release() needs one acquire() that has fired"
            )
        self.locked = False
        if self.waiting:
            self.locked = True
            self.waiting.popleft().callback(self)

    def __repr__(self) -> str:
        state = f"locked, {len(self.waiting)} waiting" if self.locked else "unlocked"
        return f"<{type(self).__name__} at {id(self):#x} {state}>"


class DeferredSemaphore(_ConcurrencyPrimitive):
    """Lets a number of operations run at the same time.

    Args:
        tokens: how many, at least 1.

    Attributes:
        tokens: how many are free.
        limit: how many there are.
        waiting: the Deferreds of those who wait.

    Raises:
        ValueError: `tokens` is below 1.
    """

    def __init__(self, tokens: int) -> None:
        super().__init__()
        if tokens < 1:
            raise ValueError(f"DeferredSemaphore requires tokens >= 1, not {tokens!r}")
        self.tokens = tokens
        self.limit = tokens

    def acquire(self) -> Deferred[Self]:
        """Ask for a token.

        Fires with the semaphore when a token is the caller's. Cancelling while waiting takes the caller out of the
        line.
        """
        d: Deferred[Any] = Deferred(self._cancelAcquire)
        if self.tokens:
            self.tokens -= 1
            d.callback(self)
        else:
            self.waiting.append(d)
        return d

    def release(self) -> None:
        """Give back a token: to who waits longest, if anybody does.

        Raises:
            AssertionError: all tokens are there.
        """
        if self.tokens >= self.limit:
            raise AssertionError(
                f"Someone released me too many times: too many tokens! {self!r}; each release() needs one acquire()"
            )
        if self.waiting:
            self.waiting.popleft().callback(self)
        else:
            self.tokens += 1

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} at {id(self):#x} {self.tokens} of {self.limit} free, "
            f"{len(self.waiting)} waiting>"
        )


class DeferredQueue(Generic[_T]):
    """Hands objects from those who put them to those who get them.

    Args:
        size: how many objects may lie in it; None for any number.
        backlog: how many may wait for an object; None for any number.

    Attributes:
        pending: the objects in it.
        waiting: the Deferreds of those who wait.
    """

    def __init__(self, size: int | None = None, backlog: int | None = None) -> None:
        self.waiting: deque[Deferred[_T]] = _Line()
        self.pending: deque[_T] = _Line()
        self.size = size
        self.backlog = backlog

    def _cancelGet(self, d: Deferred[Any]) -> None:
        self.waiting.remove(d)

    def put(self, obj: _T) -> None:
        """Give an object to who waits longest, or keep it.

        Raises:
            QueueOverflow: as many objects as allowed lie in the queue.
        """
        if self.waiting:
            self.waiting.popleft().callback(obj)
        elif self.size is None or len(self.pending) < self.size:
            self.pending.append(obj)
        else:
            raise QueueOverflow(f"{self!r} may hold {self.size} objects; take some with get(), or raise size")

    def get(self) -> Deferred[_T]:
        """Ask for an object.

        Fires with the oldest object as soon as there is one. Cancelling while waiting takes the caller out of the
        line.

        Raises:
            QueueUnderflow: as many as allowed wait.
        """
        if self.pending:
            return succeed(self.pending.popleft())
        if self.backlog is None or len(self.waiting) < self.backlog:
            d: Deferred[_T] = Deferred(self._cancelGet)
            self.waiting.append(d)
            return d
        raise QueueUnderflow(f"{self!r} lets {self.backlog} wait; put() something first, or raise backlog")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x} {len(self.pending)} pending, {len(self.waiting)} waiting>"
