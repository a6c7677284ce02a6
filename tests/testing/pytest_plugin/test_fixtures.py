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


XUNIT = """
    log = []

    async def setup_module(module):
        assert get_reactor().running
        await asyncio.sleep(0)
        log.append(module.__name__)

    @inlineCallbacks
    def setup_function(function):
        yield deferLater(get_reactor(), 0, lambda: None)
        log.append(function.__name__)

    def teardown_function():
        return deferLater(get_reactor(), 0, log.append, "end of a function")

    async def test_function():
        assert log == ["test_it", "test_function"]
        log.clear()

    class TestThatWaits:
        @classmethod
        async def setup_class(cls):
            cls.of_class = await asyncio.sleep(0, "class")

        async def setup_method(self, method):
            assert await asyncio.sleep(0, log) == ["end of a function"]
            self.of_method = method.__name__

        async def teardown_method(self):
            await asyncio.sleep(0)
            del log[1:]

        async def teardown_class(cls):
            log.append(await asyncio.sleep(0, "end of the class"))

        def test_plain(self):
            assert (self.of_class, self.of_method) == ("class", "test_plain")
            log.append("plain")

        async def test_waiting(self):
            assert (self.of_class, self.of_method) == ("class", "test_waiting")

    def test_after_the_class():
        assert log == ["end of a function", "end of the class", "test_after_the_class"]

    class TestThatFails:
        async def setup_method(self):
            await asyncio.sleep(0)
            assert not "set up"

        def test_is_not_run(self):
            log.append("run")

    class TestOfTheEnd:
        async def teardown_method(self):
            await asyncio.sleep(0)
            assert not "torn down"

        def test_passes(self):
            assert "run" not in log

    class TestThatYields:
        async def setup_method(self):
            yield

        def test_is_not_run(self):
            log.append("run")

    class TestThatHangs:
        async def setup_method(self):
            await Deferred()

        @pytest.mark.selvage(timeout=0.05)
        def test_is_not_run(self):
            log.append("run")

    class TestOfOthers:
        async def setup_method(self):
            await asyncio.sleep(0)

        @pytest.mark.asyncio
        async def test_is_not_run(self):
            log.append("run")

    class TestThatDoesNotWait:
        def setup_method(self):
            self.ready = True

        def test_plain(self):
            assert self.ready and "run" not in log
"""


def test_methods_that_set_up_may_wait(run: Any) -> None:
    outcome = run(XUNIT)
    assert outcome.tests == {
        "test_function": "passed",
        "TestThatWaits": "passed+passed",
        "test_after_the_class": "passed",
        "TestThatFails": "error",
        "TestOfTheEnd": "passed+error",
        "TestThatYields": "error",
        "TestThatHangs": "error",
        "TestOfOthers": "error",
        "TestThatDoesNotWait": "passed",
    }, outcome.output
    assert "never awaited" not in outcome.output
    assert "TestThatYields.setup_method is an asynchronous generator" in outcome.output
    assert "TestThatHangs.setup_method is not done after 0.05 s" in outcome.output
    assert "setup_method waits, and test_is_not_run is not run by Selvage" in outcome.output


def test_methods_that_set_up_marked_tests_may_wait_in_strict_mode(run: Any) -> None:
    outcome = run(
        """
        @pytest.mark.selvage
        class TestMarked:
            async def setup_method(self):
                self.ready = await asyncio.sleep(0, True)

            async def test_it(self):
                assert self.ready

        class TestPlain:
            def setup_method(self):
                self.ready = True

            def test_it(self):
                assert self.ready
        """,
        mode="strict",
    )
    assert outcome.tests == {"TestMarked": "passed", "TestPlain": "passed"}
