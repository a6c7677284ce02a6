"""What the reactor mentions of its end; operators look for these words in a service's log."""

from __future__ import annotations

import signal

import pytest

from selvage import _events
from selvage.reactor import Reactor


@pytest.fixture
def mentioned():
    said = []

    def listen(namespace, level, format, fields):
        if namespace == "selvage.reactor.Reactor":
            said.append(format.format(**fields))

    _events.subscribe(listen)
    yield said
    _events.unsubscribe(listen)


def test_why_the_reactor_stopped_is_mentioned(mentioned) -> None:
    reactor = Reactor()
    reactor.callLater(0, signal.raise_signal, signal.SIGTERM)
    reactor.run()
    assert mentioned == ["Received SIGTERM, shutting down.", "Main loop terminated."]


def test_an_ordinary_end_is_mentioned(mentioned) -> None:
    reactor = Reactor()
    reactor.callWhenRunning(reactor.stop)
    reactor.run()
    assert mentioned == ["Main loop terminated."]
