"""What a test case leaves behind: it is named, and taken away."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from selvage.protocols import DatagramProtocol, Factory, ProcessProtocol
from selvage.reactor import DelayedCall, deferToThread, get_reactor
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
        assert "traceback at creation" in str(failure.value)
        assert f"in {test._testMethodName}" in str(failure.value)
