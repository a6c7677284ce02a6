"""Real Twisted as the oracle: what the contracts promise is what its reactors do, but for what is listed here.

Each difference is described in docs/design/differences.md.
"""

from __future__ import annotations

import importlib
import logging

import pytest

from selvage.testing.conformance import PromiseBroken, cases, tcp_pair, unix_pair

pytestmark = pytest.mark.needs_twisted

endpoints = pytest.importorskip("twisted.internet.endpoints", reason="Twisted is not installed")
HERE = "127.0.0.1"

REACTORS = {"epoll": "EPollReactor", "select": "SelectReactor"}

# What Twisted's transports send though it was written too late, and whom they do not wait for.
TRANSPORT_DIFFERS = [
    "what_is_written_after_the_end_is_dropped",
    "what_is_written_after_half_an_end_is_dropped",
    "an_end_waits_for_the_producer",
]
REACTOR_DIFFERS = ["what_cannot_be_called_is_refused"]
# Of a refused datagram only the reactor over select() tells.
REFUSED_DATAGRAMS = "a_connected_socket_hears_of_a_closed_port"


@pytest.fixture(params=REACTORS)
def make_reactor(request):
    try:
        module = importlib.import_module(f"twisted.internet.{request.param}reactor")
    except ImportError:
        pytest.skip(f"this system has no {request.param}")
    made = []

    def make():
        made.append(getattr(module, REACTORS[request.param])())
        return made[-1]

    yield make
    for reactor in made:
        close(reactor)


@pytest.fixture
def reactor(make_reactor):
    return make_reactor()


@pytest.fixture(autouse=True)
def silence():
    """Twisted prints what fails on purpose when nobody has begun to log."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def close(reactor):
    """Close what a reactor that is not the process's one keeps open: its pipe, and the poller."""
    reactor._internalReaders.clear()
    reactor.removeAll()
    for name in ("i", "o"):
        descriptor = getattr(reactor.waker, name, None) if reactor.waker is not None else None
        if descriptor is not None:
            import os

            os.close(descriptor)
    poller = getattr(reactor, "_poller", None)
    if hasattr(poller, "close"):
        poller.close()
    if reactor.threadpool is not None:
        reactor.threadpool.stop()


@pytest.mark.parametrize("kind", [tcp_pair, unix_pair])
@pytest.mark.parametrize("case", cases("transport", TRANSPORT_DIFFERS), ids=str)
def test_transports(case, kind, reactor):
    case.run(kind(reactor))


@pytest.mark.parametrize("kind", [tcp_pair, unix_pair])
@pytest.mark.parametrize("case", [c for c in cases("transport") if c.name in TRANSPORT_DIFFERS], ids=str)
def test_transports_differ(case, kind, reactor):
    with pytest.raises(PromiseBroken):
        case.run(kind(reactor))


@pytest.mark.parametrize("case", cases("reactor", [*REACTOR_DIFFERS, REFUSED_DATAGRAMS]), ids=str)
def test_reactors(case, make_reactor):
    case.run(make_reactor)


@pytest.mark.parametrize("case", [c for c in cases("reactor") if c.name in REACTOR_DIFFERS], ids=str)
def test_reactors_differ(case, make_reactor):
    with pytest.raises(PromiseBroken):
        case.run(make_reactor)


@pytest.mark.parametrize("case", cases("endpoints"), ids=str)
def test_endpoints(case, reactor):
    case.run(
        lambda: endpoints.TCP4ServerEndpoint(reactor, 0, interface=HERE),
        lambda port: endpoints.TCP4ClientEndpoint(reactor, HERE, port.getHost().port),
        lambda: reactor.iterate(0.0005),
    )
