"""A program with one main function, from start to exit code.  Floor 2."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NoReturn

from selvage.defer import Deferred, ensureDeferred
from selvage.errors import ReactorNotRunning
from selvage.failure import Failure, report
from selvage.interfaces import IReactorCore
from selvage.reactor import get_reactor

__all__ = ["react"]


def react(
    main: Callable[..., Deferred[Any] | Coroutine[Any, Any, Any]],
    argv: Iterable[object] = (),
    _reactor: IReactorCore | None = None,
) -> NoReturn:
    """Run a program: call `main`, run the reactor until its result is there, exit the process.

    Args:
        main: called with the reactor and the elements of `argv`; a coroutine function, or one that returns a Deferred.
        argv: further arguments for `main`.
        _reactor: the reactor to run; the ambient one when left out.

    Raises:
        SystemExit: always, at the end.  Its code is 0 when `main` succeeded, or when something else stopped the
            reactor first; 1 when it failed, after the failure was reported; and where it failed with a `SystemExit`,
            the code of that.
        NotACoroutineError: `main` returned something else than a coroutine or a Deferred.

    Twisted: `twisted.internet.task.react`.
    """
    reactor: Any = get_reactor() if _reactor is None else _reactor
    code: Any = 0
    stopping = False

    def note_stopping() -> None:
        nonlocal stopping
        stopping = True

    def failed(reason: Failure) -> None:
        nonlocal code
        if isinstance(reason.value, SystemExit):
            code = reason.value.code
        else:
            report(reason, "main function encountered error", source="coroutine")
            code = 1

    def finished(_: object) -> None:
        if not stopping:
            reactor.callWhenRunning(stop)

    def stop() -> None:
        try:
            reactor.stop()
        except ReactorNotRunning:
            pass  # `main` stopped it itself and finished in the same breath

    result = ensureDeferred(main(reactor, *argv))
    result.addErrback(failed).addBoth(finished)
    reactor.addSystemEventTrigger("before", "shutdown", note_stopping)
    reactor.run()
    sys.exit(code)
