"""Factories: making protocols, counting users, reconnecting."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from selvage import _events
from selvage.errors import NotConnectingError
from selvage.interfaces import ILoggingContext, IProtocolFactory
from selvage.protocols import (
    ClientFactory,
    Factory,
    Protocol,
    ReconnectingClientFactory,
    ServerFactory,
)
from selvage.tasks import Clock


@pytest.fixture
def heard() -> Any:
    events: list[str] = []

    def listen(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        events.append(format.format(**fields))

    _events.subscribe(listen)
    yield events
    _events.unsubscribe(listen)


def test_factory_keeps_the_contract() -> None:
    for kind in (Factory, ServerFactory, ClientFactory):
        assert verifyObject(IProtocolFactory, kind())
        assert verifyObject(ILoggingContext, kind())


def test_for_protocol_passes_arguments_to_the_factory() -> None:
    class Mine(Factory[Protocol]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.given = (args, kwargs)

    factory = Mine.forProtocol(Protocol, 1, two=2)
    assert (factory.protocol, factory.given) == (Protocol, ((1,), {"two": 2}))


def test_built_protocols_know_their_factory() -> None:
    factory = Factory.forProtocol(Protocol)
    protocol = factory.buildProtocol(None)
    assert isinstance(protocol, Protocol)
    assert protocol.factory is factory


def test_factory_without_protocol_says_what_to_do() -> None:
    with pytest.raises(TypeError, match=r"has no protocol to build: set its `protocol` attribute"):
        Factory().buildProtocol(None)


def test_factory_counts_its_users(heard: list[str]) -> None:
    calls: list[str] = []

    class Mine(Factory[Protocol]):
        def startFactory(self) -> None:
            calls.append("start")

        def stopFactory(self) -> None:
            calls.append("stop")

        def __repr__(self) -> str:
            return "<Mine>"

    factory = Mine()
    factory.doStop()
    assert (calls, factory.numPorts) == ([], 0)
    factory.doStart()
    factory.doStart()
    factory.doStop()
    assert calls == ["start"]
    factory.doStop()
    assert calls == ["start", "stop"]
    assert heard == ["Starting factory <Mine>", "Stopping factory <Mine>"]


def test_quiet_factory_says_nothing(heard: list[str]) -> None:
    factory = Factory.forProtocol(Protocol)
    factory.noisy = False
    factory.doStart()
    factory.doStop()
    assert heard == []


def test_log_prefix_is_the_class() -> None:
    assert ClientFactory().logPrefix() == "ClientFactory"


class FakeConnector:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.connects = 0
        self.stops = 0

    def connect(self) -> None:
        self.connects += 1

    def stopConnecting(self) -> None:
        self.stops += 1


def reconnecting(**attributes: Any) -> tuple[ReconnectingClientFactory[Any], Clock, FakeConnector]:
    factory = ReconnectingClientFactory[Any]()
    factory.clock = Clock()
    factory.noisy = False
    factory.jitter = None
    vars(factory).update(attributes)
    return factory, factory.clock, FakeConnector()


def test_waits_grow_until_the_longest() -> None:
    factory, clock, connector = reconnecting(factor=2.0, maxDelay=5)
    waits = []
    for _ in range(5):
        factory.clientConnectionFailed(connector, None)
        [call] = clock.getDelayedCalls()
        waits.append(call.getTime() - clock.seconds())
        clock.advance(waits[-1])
    assert waits == [1, 2, 4, 5, 5]
    assert connector.connects == 5


def test_jitter_spreads_around_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.normalvariate", lambda mean, spread: mean + 2 * spread)
    factory, clock, connector = reconnecting(jitter=0.25)
    factory.clientConnectionLost(connector, None)
    assert clock.getDelayedCalls()[0].getTime() == 1.5


def test_jitter_never_makes_a_wait_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.normalvariate", lambda mean, spread: -3.0)
    factory, clock, connector = reconnecting(jitter=0.25)
    factory.clientConnectionLost(connector, None)
    assert clock.getDelayedCalls()[0].getTime() == 0


def test_gives_up_after_max_retries(heard: list[str]) -> None:
    factory, clock, connector = reconnecting(maxRetries=2, noisy=True)
    for _ in range(3):
        factory.clientConnectionFailed(connector, None)
        clock.advance(100)
    assert connector.connects == 2
    assert heard[0].endswith("will retry in 1 seconds")
    assert heard[-1].endswith("after 3 retries.")


def test_reset_delay_begins_anew() -> None:
    factory, clock, connector = reconnecting(factor=10.0)
    factory.clientConnectionFailed(connector, None)
    clock.advance(1)
    factory.resetDelay()
    factory.clientConnectionLost(connector, None)
    assert clock.getDelayedCalls()[0].getTime() == clock.seconds() + 1
    assert factory.retries == 1


def test_stop_trying_drops_the_scheduled_attempt(heard: list[str]) -> None:
    factory, clock, connector = reconnecting(noisy=True)
    factory.clientConnectionFailed(connector, None)
    factory.stopTrying()
    assert clock.getDelayedCalls() == []
    factory.clientConnectionLost(connector, None)
    factory.retry(connector)
    assert (clock.getDelayedCalls(), connector.connects, connector.stops) == ([], 0, 1)
    assert heard[-1].endswith("on explicit request")


def test_stop_trying_while_connected_keeps_the_connection() -> None:
    class Connected(FakeConnector):
        def stopConnecting(self) -> None:
            raise NotConnectingError

    factory, _, _ = reconnecting()
    factory.connector = Connected()
    factory.stopTrying()
    assert not factory.continueTrying


def test_stop_trying_does_not_retry_when_the_attempt_reports_its_end() -> None:
    factory, clock, _ = reconnecting()

    class Reporting(FakeConnector):
        def stopConnecting(self) -> None:
            factory.clientConnectionFailed(self, None)

    factory.connector = Reporting()
    factory.stopTrying()
    assert clock.getDelayedCalls() == []


def test_retry_without_connector_is_refused() -> None:
    factory, _, _ = reconnecting()
    with pytest.raises(ValueError, match="no connector to retry"):
        factory.retry()


def test_pickle_leaves_out_what_belongs_to_the_process() -> None:
    factory, _, connector = reconnecting(maxDelay=7)
    factory.clientConnectionFailed(connector, None)
    copy = pickle.loads(pickle.dumps(factory))
    assert (copy.connector, copy.clock, copy._callID) == (None, None, None)
    assert (copy.retries, copy.delay, copy.maxDelay) == (0, 1.0, 7)
