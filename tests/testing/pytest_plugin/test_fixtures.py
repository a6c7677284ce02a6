"""Fixtures that wait, and those that the plugin brings."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_fixtures_that_wait(run: Any) -> None:
    outcome = run(
        """
        from selvage.protocols import Factory, Protocol

        log = []

        @pytest.fixture
        async def number():
            return await asyncio.sleep(0, 5)

        @pytest.fixture
        async def resource(number):
            log.append("open")
            await asyncio.sleep(0)
            yield number + 1
            await asyncio.sleep(0)
            log.append("closed")

        @pytest.fixture(scope="module")
        async def server(reactor):
            port = reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
            yield port
            await port.stopListening()
            log.append("stopped")

        @pytest.fixture
        @inlineCallbacks
        def old_style():
            return (yield deferLater(get_reactor(), 0, lambda: "old"))

        async def test_values(resource, old_style):
            assert (resource, old_style, log) == (6, "old", ["open"])

        def test_plain_test_with_fixture_that_waits(number):
            assert log == ["open", "closed"]
            assert number == 5

        async def test_server(server):
            assert server.getHost().port

        async def test_the_same_server(server):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.getHost().port)
            writer.close()
            await writer.wait_closed()

        class TestInClass:
            @pytest.fixture
            async def mine(self):
                self.here = 1
                yield self

            async def test_instance(self, mine):
                assert mine is self and self.here == 1

        @pytest.fixture
        async def broken():
            await asyncio.sleep(0)
            1 / 0

        async def test_broken_fixture(broken):
            pass

        @pytest.fixture
        async def greedy():
            yield 1
            yield 2

        async def test_greedy_fixture(greedy):
            pass

        async def test_dynamic(request):
            request.getfixturevalue("number")
        """
    )
    assert outcome.tests == {
        "test_values": "passed",
        "test_plain_test_with_fixture_that_waits": "passed",
        "test_server": "passed",
        "test_the_same_server": "passed",
        "TestInClass": "passed",
        "test_broken_fixture": "error",
        "test_greedy_fixture": "passed+error",
        "test_dynamic": "failed",
    }
    assert "has to be named as an argument" in outcome.output
    assert "fixture greedy yields more than once" in outcome.output


def test_the_other_fixtures(run: Any) -> None:
    outcome = run(
        """
        import socket
        from selvage.tasks import Clock
        from selvage.testing import MemoryReactorClock

        def test_clock(clock, memory_reactor, reactor, unused_port):
            assert type(clock) is Clock and type(memory_reactor) is MemoryReactorClock
            assert reactor is get_reactor()
            socket.create_server(("127.0.0.1", unused_port)).close()
        """,
        mode="strict",
    )
    assert outcome.tests == {"test_clock": "passed"}


def test_a_fixture_of_the_same_name_is_none_of_ours(run: Any) -> None:
    outcome = run(
        """
        @pytest.fixture
        def reactor():
            return "a nuclear one"

        def test_theirs(reactor):
            assert reactor == "a nuclear one"
            Deferred().errback(KeyError("left"))
        """
    )
    assert outcome.tests == {"test_theirs": "passed"}
