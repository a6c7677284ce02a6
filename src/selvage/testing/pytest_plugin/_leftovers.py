"""What a test leaves behind: delayed calls, what is open, processes, threads, Deferreds without a result, and of asyncio's
tasks, servers, connections and timers."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from selvage.defer import Pending, getDebugging, pending
from selvage.errors import ProcessExitedAlready
from selvage.interfaces import IListeningPort, IProcessTransport
from selvage.reactor import get_reactor
from selvage.testing import _on_the_loop
from selvage.testing._told import connection_told, is_connection, task_told, where_made
from selvage.testing._watched import tasks, watched

__all__ = ["Surroundings", "told"]

# Turns of the reactor before what is left is looked for, and after it is taken away: in the first, who was just closed is
# told of that; in the second, those who were told act.
_TURNS = 2

# Seconds that threads which a test has begun are given to end, all together; who joins its threads does not pay for it.
_PATIENCE_S = 1.0

# What the engines call the threads of a loop's default executor, which stay for the next that asks.
_EXECUTORS = ("asyncio_", "uvloop_")

# Frames told of the stack on which something was made: who made it, and who asked for that.
_FRAMES_TOLD = 3


@dataclass(frozen=True)
class _Kind:
    """One kind of thing that may be left."""

    name: str
    find: Callable[[], list[Any]]
    words: Callable[[Any], str]
    remove: Callable[[Any], object]
    advice: str


class Surroundings:
    """What there is besides the test: what was there before it, and what fixtures of wider scope have made."""

    def __init__(self) -> None:
        self._known: dict[int, Any] = {}  # by id, and kept alive so that an id stays its own
        self._callbacks: list[Any] = []  # of timers: who sets one again and again has a new one each time
        self._learn(_everything())

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let what is made in a block not count as the test's."""
        before = {id(each) for each in _everything()}
        try:
            yield
        finally:
            self._learn(each for each in _everything() if id(each) not in before)

    def look(self) -> list[tuple[_Kind, Any]]:
        """Find what is left."""
        _turn()
        gc.collect()
        self._wait_for_threads()
        return [(kind, each) for kind in _KINDS for each in kind.find() if not self._knows(kind, each)]

    def remove(self, left: list[tuple[_Kind, Any]]) -> None:
        """Take away what was left; all was looked at before, as this may leave traces of its own."""
        for kind, each in left:
            kind.remove(each)
        if left:
            _turn()  # what was closed and cancelled ends
            self._learn(_everything())

    def _wait_for_threads(self) -> None:
        until = time.monotonic() + _PATIENCE_S
        for thread in _threads():
            if id(thread) not in self._known:
                thread.join(max(0.0, until - time.monotonic()))

    def _learn(self, things: Iterable[Any]) -> None:
        self._known.update((id(each), each) for each in things)
        self._callbacks = [_on_the_loop.callback_of(each) for each in _timers() if id(each) in self._known]

    def _knows(self, kind: _Kind, thing: Any) -> bool:
        if id(thing) in self._known:
            return True
        return kind is _TIMER and _on_the_loop.callback_of(thing) in self._callbacks


def told(left: list[tuple[_Kind, Any]]) -> str:
    """Say what was left, and what to do about it."""
    lines = [f"{kind.name}: {kind.words(each)}\n{kind.advice}" for kind, each in left]
    return "\n".join("  " + each.replace("\n", "\n    ") for each in lines) + _hint()


def _turn() -> None:
    """Let the reactor turn, if it can."""
    reactor: Any = get_reactor()
    if reactor._loop is not None and not reactor._loop.is_closed() and not reactor.running:
        for _ in range(_TURNS):
            reactor.iterate(0)


def _hint() -> str:
    """Say how to learn more, where that is so, and how to allow it."""
    more = "" if getDebugging() else "selvage_debug = true says where it was made; "
    return f"\n({more}@pytest.mark.selvage(clean=False) allows a test to leave things)"


# --- What there is -------------------------------------------------------------------------------------------------


def _everything() -> list[Any]:
    return [each for kind in _KINDS for each in kind.find()]


def _delayed_calls() -> list[Any]:
    return [call for call in get_reactor().getDelayedCalls() if call.active()]


def _watched() -> list[Any]:
    reactor: Any = get_reactor()
    return watched([*reactor.getReaders(), *reactor.getWriters()])


def _ports() -> list[Any]:
    return [each for each in _watched() if IListeningPort.providedBy(each)]


def _processes() -> list[Any]:
    return [each for each in _watched() if IProcessTransport.providedBy(each)]


def _connections() -> list[Any]:
    return [each for each in _watched() if is_connection(each)]


def _descriptors() -> list[Any]:
    told_elsewhere = {id(each) for each in [*_ports(), *_processes(), *_connections()]}
    return [each for each in _watched() if id(each) not in told_elsewhere]


def _threads() -> list[Any]:
    """The threads that keep the program from ending, but for those of the reactor's and the loop's pools."""
    pool = getattr(get_reactor(), "threadpool", None)
    ours = () if pool is None else pool.threads
    return [
        each
        for each in threading.enumerate()
        if each is not threading.main_thread()
        and not each.daemon
        and each not in ours
        and not each.name.startswith(_EXECUTORS)
    ]


def _tasks() -> list[Any]:
    return tasks(get_reactor())


def _of_loop(find: Callable[[Any], list[Any]]) -> list[Any]:
    reactor: Any = get_reactor()
    loop = reactor._loop
    return [] if loop is None or loop.is_closed() else find(loop)


def _servers() -> list[Any]:
    return _of_loop(_on_the_loop.servers)


def _transports() -> list[Any]:
    return _of_loop(_on_the_loop.connections)


def _timers() -> list[Any]:
    return _of_loop(_on_the_loop.timers)


def _deferreds() -> list[Any]:
    # Of a coroutine that waits only the outermost is told, which says what it waits for.
    return [each.deferred for each in pending() if not each.waiters]


# --- What is said of it --------------------------------------------------------------------------------------------


def _told_with_maker(thing: Any) -> str:
    """A thing and, in debug mode, the lines that matter of the stack on which it was made."""
    words = repr(thing)
    if hasattr(thing, "creator"):
        words, stack, _ = words.partition("\n\ntraceback at creation:")
        words += ">" if stack else ""
    elif is_connection(thing):
        words = connection_told(thing) or words
    elif hasattr(thing, "get_coro"):
        words = task_told(thing)
    of, frames = where_made(thing)
    places = [each.strip().partition("\n")[0] for each in frames[:_FRAMES_TOLD]]
    return words + "".join(f"\n{of} made in {place}".replace("\n ", "\n") for place in places)


def _transport_told(transport: Any) -> str:
    """A transport of asyncio: whose it is, and between which addresses."""
    here, there = (transport.get_extra_info(name) for name in ("sockname", "peername"))
    to = f" to {there}" if there else ""
    return f"{type(transport.get_protocol()).__name__}, {here}{to}"


def _kill(process: Any) -> None:
    with suppress(ProcessExitedAlready):
        process.signalProcess("KILL")
    process.loseConnection()  # its pipes may be open though it has ended: a child of its own has them


def _forget(descriptor: Any) -> None:
    reactor: Any = get_reactor()
    reactor.removeReader(descriptor)
    reactor.removeWriter(descriptor)


_TIMER = _Kind("callback of the loop", _timers, repr, lambda handle: handle.cancel(), "cancel() its handle")

_KINDS = (
    _Kind("delayed call", _delayed_calls, _told_with_maker, lambda call: call.cancel(), "cancel() it"),
    _Kind(
        "port",
        _ports,
        _told_with_maker,
        lambda port: port.stopListening(),
        "await its stopListening()",
    ),
    _Kind(
        "connection",
        _connections,
        _told_with_maker,
        lambda connection: connection.abortConnection(),
        "call its loseConnection(), and wait for connectionLost",
    ),
    _Kind("process", _processes, repr, _kill, "end it, and wait for processEnded"),
    _Kind("watched by the reactor", _descriptors, repr, _forget, "call removeReader and removeWriter"),
    _Kind(
        "asyncio task",
        _tasks,
        _told_with_maker,
        lambda task: task.cancel(),
        "await it, or cancel() and await it",
    ),
    _Kind("asyncio server", _servers, repr, lambda server: server.close(), "close() it"),
    _Kind(
        "asyncio connection",
        _transports,
        _transport_told,
        lambda transport: transport.abort(),
        "close() it, and wait until it is closed",
    ),
    _TIMER,
    _Kind("thread", _threads, repr, lambda thread: None, "end it, and join() it"),
    _Kind(
        "without a result",
        _deferreds,
        lambda d: str(Pending.of(d)),
        lambda d: None,
        "fire it, or cancel() it",
    ),
)
