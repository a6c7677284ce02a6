"""What becomes of a reactor when the process forks.  Floor 2; knows reactors only as what has `_after_fork`.

A child has copies of the parent's descriptors, and shares with it what lies behind them: the parent's epoll, its sockets.  A
loop that went on in the child would take bytes that are meant for the parent, and closing it would tell the shared epoll to
forget the parent's connections.  So in a child:

* the copies of the epolls are replaced by empty ones, before anything can use them: whatever the child does to its loop, the
  parent's is not touched;
* an `InheritedLoop` stands in the place of the reactor's loop, so that every use of the reactor ends in a named error;
* a loop that was running, because the fork was made in a callback, is told to stop.

A reactor without a loop is not concerned: a program that forks first, as daemons do, and uses the reactor then, in the
parent, the child or both, works.  Neither is a child that becomes another program (exec).  None of this costs anything while
nobody forks.
"""

from __future__ import annotations

import os
import select
import signal
import weakref
from typing import Any, NoReturn

__all__ = [
    "ForkedReactorError",
    "InheritedLoop",
    "isolate_epoll",
    "loop_epoll",
    "refuse_inherited",
    "silence_signals",
    "watch",
]

# Any: type checkers know it by platform, and on some it has no epoll.
_system: Any = select

# Each with the process that gave it its loop.
_reactors: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


class ForkedReactorError(RuntimeError):
    """A child tried to use the reactor that its parent was using when it forked.

    Attributes:
        parent_pid: the process to which the reactor belongs.
    """

    def __init__(self, parent_pid: int) -> None:
        super().__init__(parent_pid)
        self.parent_pid = parent_pid

    def __str__(self) -> str:
        return (
            f"the reactor belongs to process {self.parent_pid}, which had a loop when it forked this one "
            f"({os.getpid()}): two processes cannot run one loop.  Fork before anything uses the reactor, as daemons do; or "
            'start the child as a new program (reactor.spawnProcess, deferToProcess, multiprocessing\'s "spawn")'
        )


class InheritedLoop:
    """Stands in a child where the parent's loop was; raises ForkedReactorError at any use."""

    def __init__(self, loop: Any, parent_pid: int) -> None:
        self.__dict__.update(_kept=loop, _parent_pid=parent_pid)  # kept: no destructor may close it

    def __getattr__(self, name: str) -> NoReturn:
        raise ForkedReactorError(self.__dict__["_parent_pid"])

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise ForkedReactorError(self.__dict__["_parent_pid"])

    def __repr__(self) -> str:
        return f"<the loop of process {self.__dict__['_parent_pid']}, from which this one was forked>"


def watch(reactor: Any) -> None:
    """Call `reactor._after_fork(parent_pid)` in every child that is forked from now on."""
    _reactors[reactor] = os.getpid()


def silence_signals() -> None:
    """Keep what a signal writes from going to the parent's loop, which would take it for its own."""
    try:
        signal.set_wakeup_fd(-1)
    except ValueError:
        pass  # not in the main thread, so no signal is noted here


def refuse_inherited(loop: object) -> None:
    """Raise ForkedReactorError for what stands in a child where the parent's loop was."""
    if type(loop) is InheritedLoop:
        raise ForkedReactorError(loop.__dict__["_parent_pid"])


def loop_epoll(loop: Any) -> int | None:
    """Return the descriptor of the epoll in which a loop waits, None where it has none."""
    try:
        if hasattr(loop, "_get_backend_id"):  # uvloop
            number: int = loop._get_backend_id()
            return number if number >= 0 else None
        return int(loop._selector.fileno())
    except (AttributeError, OSError, ValueError):
        return None


def isolate_epoll(number: int | None) -> None:
    """Put an empty epoll in the place of a descriptor that is shared with the parent."""
    if number is None or not hasattr(_system, "epoll"):
        return
    fresh = _system.epoll()
    try:
        os.dup2(fresh.fileno(), number, inheritable=False)
    finally:
        fresh.close()


def _in_child() -> None:
    for reactor, parent_pid in list(_reactors.items()):
        reactor._after_fork(parent_pid)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
