"""What a test case leaves behind: it is named, and taken away."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Any

import pytest

from selvage.endpoints import TCP4ClientEndpoint, connectProtocol
from selvage.protocols import DatagramProtocol, Factory, ProcessProtocol, Protocol
from selvage.reactor import DelayedCall, deferToThread, get_reactor
from selvage.testing import _told
from selvage.testing.trial import unittest, util
from selvage.transports._reaping import reapProcessHandlers

from .running import counts, only_error, run


def test_what_is_left_in_the_reactor_is_named() -> None:
    class Case(unittest.TestCase):
        def test_call(self) -> None:
            get_reactor().callLater(1000, print, "never")

        def test_port(self) -> None:
            get_reactor().listenTCP(0, Factory(), interface="127.0.0.1")

        def test_clean(self) -> None: ...

    result = run(Case)
    assert counts(result) == {"errors": 2, "successes": 2}, [str(each[1].value) for each in result.errors]
    (_, call), (_, port) = result.errors
    assert call.check(util.DirtyReactorAggregateError) and port.check(util.DirtyReactorAggregateError)
    assert "DelayedCalls" in str(call.value) and "print('never')" in str(call.value)
    assert "Selectables" in str(port.value) and "Port" in str(port.value)


def test_an_asyncio_task_that_is_left_is_named_and_cancelled() -> None:
    left: list[asyncio.Task[None]] = []

    class Case(unittest.TestCase):
        async def test_left(self) -> None:
            left.append(asyncio.ensure_future(asyncio.sleep(1000)))

        async def test_waited_for(self) -> None:
            await asyncio.ensure_future(asyncio.sleep(0))

    result = run(Case)
    assert counts(result) == {"errors": 1, "successes": 1}
    assert "asyncio tasks:\n<Task pending" in str(only_error(result).value)
    assert "sleep()" in str(only_error(result).value)
    assert left[0].cancelled()


@pytest.mark.parametrize("pipes", [None, {1: 1, 2: 2}])
def test_a_child_process_that_is_left_is_named_and_ended(pipes: Any) -> None:
    pids: list[int] = []

    class Case(unittest.TestCase):
        def test_it(self) -> None:
            program = [sys.executable, "-c", "import time; time.sleep(1000)"]
            process = get_reactor().spawnProcess(ProcessProtocol(), sys.executable, program, childFDs=pipes)
            pids.append(process.pid)

    error = only_error(run(Case)).value
    assert error.selectables == [f"<Process pid={pids[0]} status=-1>"]
    while pids[0] in reapProcessHandlers:
        get_reactor().iterate(0.01)


def test_the_pool_of_threads_is_a_fresh_one_for_each_test() -> None:
    pools: list[object] = []

    class Case(unittest.TestCase):
        async def test_a_leaves_it_without_threads(self) -> None:
            pools.append(get_reactor().getThreadPool())
            get_reactor().suggestThreadPoolSize(0)

        async def test_b_finds_some(self) -> None:
            pools.append(get_reactor().getThreadPool())
            self.assertEqual(await deferToThread(lambda: 7), 7)

    assert counts(run(Case)) == {"successes": 2}
    assert pools[0] is not pools[1]
    assert get_reactor().threadpool is None


def test_in_debug_mode_it_is_said_where_it_was_made() -> None:
    class Case(unittest.TestCase):
        def setUp(self) -> None:
            self.patch(DelayedCall, "debug", True)

        def test_call(self) -> None:
            get_reactor().callLater(1000, print)

        def test_port(self) -> None:
            get_reactor().listenTCP(0, Factory(), interface="127.0.0.1")

        def test_datagrams(self) -> None:
            get_reactor().listenUDP(0, DatagramProtocol(), interface="127.0.0.1")

    result = run(Case)
    assert counts(result)["errors"] == 3
    for test, failure in result.errors:
        told = str(failure.value)
        # Of the stack only what the test itself has called.
        assert re.findall(r'File ".*?(\w+\.py)".* in (\w+)', told) == [
            ("test_leftovers.py", test._testMethodName)
        ]
        assert "traceback at creation: " in told


class Talker(Protocol):
    """One whose connection is left."""


def test_a_connection_that_is_left_says_whose_it_is_and_in_debug_mode_where_it_was_made() -> None:
    class Case(unittest.TestCase):
        async def test_quiet(self) -> None:
            await connect()

        async def test_in_debug_mode(self) -> None:
            self.patch(DelayedCall, "debug", True)
            await connect()

    async def connect() -> None:
        factory = Factory.forProtocol(Talker)
        port = get_reactor().listenTCP(0, factory, interface="127.0.0.1")
        endpoint = TCP4ClientEndpoint(get_reactor(), "127.0.0.1", port.getHost().port)
        await connectProtocol(endpoint, Talker())
        await port.stopListening()

    result = run(Case)
    told = {test._testMethodName: failure.value.selectables for test, failure in result.errors}
    for connections in told.values():
        whose = sorted(re.findall(r">: (Talker.*), 127.0.0.1:\d+ to 127.0.0.1:\d+", "\n".join(connections)))
        assert whose == ["Talker", "Talker of Factory"]
    assert "traceback" not in "".join(told["test_quiet"])
    (client,) = [each for each in told["test_in_debug_mode"] if "traceback at creation: " in each]
    (server,) = [each for each in told["test_in_debug_mode"] if "traceback at creation of its port: " in each]
    assert "await connectProtocol(endpoint, Talker())" in client and "listenTCP(0, factory" in server
    for each in (client, server):
        assert re.findall(r'File ".*?(\w+\.py)".* in (\w+)', each)[-1] == ("test_leftovers.py", "connect")


def test_a_task_that_is_left_says_where_it_waits_and_in_debug_mode_where_it_was_made() -> None:
    async def outer() -> None:
        await inner()

    async def inner() -> None:
        await asyncio.sleep(1000)

    class Case(unittest.TestCase):
        async def test_it(self) -> None:
            left.append(asyncio.ensure_future(outer()))

    left: list[asyncio.Task[None]] = []
    before = sys.get_coroutine_origin_tracking_depth()
    _told.note_coroutines()
    try:
        told = str(only_error(run(Case)).value)
    finally:
        sys.set_coroutine_origin_tracking_depth(before)
    waits, made = told.split("traceback at creation: ")
    assert re.findall(r"line \d+, in (\w+)", waits) == ["outer", "inner", "sleep"]
    assert re.findall(r"line \d+, in (\w+)", made) == ["test_it"]
    assert "asyncio.ensure_future(outer())" in made
    assert "traceback" not in str(only_error(run(Case)).value)


def test_what_no_test_has_called_is_told_with_the_whole_stack() -> None:
    class Made:
        creator = (f'  File "{_told.__file__}", line 1, in ours\n',)

    assert _told.where_made(Made()) == ("", list(Made.creator))
    assert _told.where_made(object()) == ("", [])
