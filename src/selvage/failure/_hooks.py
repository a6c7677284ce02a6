"""What Python itself is left with goes to the hub: exceptions that end the program or a thread, and those of finalizers.
Floor 0.

`sys.excepthook`, `threading.excepthook` and `sys.unraisablehook` are replaced while somebody wants it (a running reactor
does), the hooks from before are called after the hub, and put back in the end. Where another library has put a hook over
ours meanwhile, that one stays; ours then only passes on, and the next installation puts a new one on top.

A hook from before prints. So the hub's own printing, where no log has taken its place, leaves these out.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from selvage.failure._failure import Failure
from selvage.failure._frames import safe_repr
from selvage.failure._hub import receive

__all__ = ["hooks_installed", "install_hooks", "uninstall_hooks"]


class _Hook:
    """What stands in the place of one hook of the interpreter's from its making on."""

    def __init__(self, module: Any, name: str, take: Callable[..., None]) -> None:
        self._module = module
        self._name = name
        self._take = take
        self._before = getattr(module, name)
        self._active = True
        setattr(module, name, self)

    def uninstall(self) -> None:
        self._active = False
        if getattr(self._module, self._name) is self:
            setattr(self._module, self._name, self._before)

    def __call__(self, *args: Any) -> Any:
        if self._active:
            try:
                self._take(*args)
            except BaseException as error:
                # `receive` does not raise; what it was given did.
                receive(Failure(error), f"Error in {self._name}", "main", {})
        return self._before(*args)

    def __repr__(self) -> str:
        return f"<selvage's {self._module.__name__}.{self._name}, before {self._before!r}>"


def _take_uncaught(cls: type[BaseException], error: BaseException | None, tb: TracebackType | None) -> None:
    # Ctrl-C is how a person ends a program.
    if not issubclass(cls, KeyboardInterrupt):
        failure = Failure(cls() if error is None else error, cls, tb)
        receive(failure, "Uncaught exception, which ends the program", "main", {}, shown=True)


def _take_of_thread(args: Any) -> None:
    # SystemExit ends a thread without a word, as the interpreter has it.
    if not issubclass(args.exc_type, SystemExit):
        error = args.exc_type() if args.exc_value is None else args.exc_value
        name = getattr(args.thread, "name", "which is gone")
        message = f"Uncaught exception in thread {name}"
        receive(
            Failure(error, args.exc_type, args.exc_traceback), message, "thread", {"thread": name}, shown=True
        )


def _take_unraisable(args: Any) -> None:
    error = args.exc_type() if args.exc_value is None else args.exc_value
    message = args.err_msg or "Exception ignored in"
    # As text: the object is being finalized, and a reference to it would bring it back.
    where = safe_repr(args.object)
    failure = Failure(error, args.exc_type, args.exc_traceback)
    receive(failure, f"{message}: {where}", "finalizer", {"object": where}, shown=True)


_hooks: list[_Hook] = []
_change = threading.RLock()
_wanted = 0


def install_hooks() -> None:
    """Let the hub hear what ends the program or a thread without being caught, and what finalizers raise.

    A running reactor does this by itself; a program that wants it before and after calls this first. To be called as often
    as `uninstall_hooks`.
    """
    global _wanted
    with _change:
        _wanted += 1
        if _wanted == 1:
            _hooks[:] = [
                _Hook(sys, "excepthook", _take_uncaught),
                _Hook(threading, "excepthook", _take_of_thread),
                _Hook(sys, "unraisablehook", _take_unraisable),
            ]


def uninstall_hooks() -> None:
    """Take back one `install_hooks`; with the last, the hooks from before are put back.

    Raises:
        RuntimeError: they are not installed.
    """
    global _wanted
    with _change:
        if _wanted == 0:
            raise RuntimeError("uninstall_hooks() was called more often than install_hooks()")
        _wanted -= 1
        if _wanted == 0:
            for hook in _hooks:
                hook.uninstall()


@contextmanager
def hooks_installed() -> Iterator[None]:
    """Have the hooks during a `with` block."""
    install_hooks()
    try:
        yield
    finally:
        uninstall_hooks()
