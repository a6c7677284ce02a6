"""Contracts that anybody can hold a transport, a producer, endpoints or a reactor to.  Beside the floors.

    check_transport(make_pair)                       # every promise; raises ContractBroken, which lists what is not kept

    @pytest.mark.parametrize("case", cases("transport"), ids=str)
    def test_keeps_its_promise(case):                # one test for each promise
        case.run(make_pair)

What is under test may be Selvage's, an installed Twisted's or anybody's: it is called by the names that Twisted gave these
things, and nothing else is asked of it.  In memory nothing waits; over sockets a check gives a reactor one turn after the
other until what was promised has happened.

What a thing does not claim to do is left out by `without`: the name of a feature ("half-close") or of a single case.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from selvage._publish import publish
from selvage.testing.conformance import _flow as _flow  # adds its cases to the transport contract
from selvage.testing.conformance._case import PATIENCE_S, Case, ContractBroken, PromiseBroken
from selvage.testing.conformance._endpoint import ENDPOINTS
from selvage.testing.conformance._network import (
    tcp_pair,
    tls_pair,
    unix_pair,
)  # adds its cases to the reactor contract
from selvage.testing.conformance._producer import PRODUCER
from selvage.testing.conformance._reactor import REACTOR
from selvage.testing.conformance._transport import TRANSPORT, MakePair

__all__ = [
    "Case",
    "ContractBroken",
    "PromiseBroken",
    "cases",
    "check_endpoints",
    "check_producer",
    "check_reactor",
    "check_transport",
    "tcp_pair",
    "tls_pair",
    "unix_pair",
]

_CONTRACTS = {contract.name: contract for contract in (TRANSPORT, PRODUCER, ENDPOINTS, REACTOR)}


def cases(contract: str, without: Collection[str] = ()) -> list[Case]:
    """Return the cases of a contract, to make a test of each.

    Args:
        contract: "transport", "producer", "endpoints" or "reactor".
        without: features and cases to leave out.

    Raises:
        ValueError: there is no such contract, or `without` names what it does not have.
    """
    if contract not in _CONTRACTS:
        raise ValueError(f"there is no {contract!r} contract; there are {', '.join(_CONTRACTS)}")
    return _CONTRACTS[contract].cases(without)


def check_transport(
    make_pair: MakePair, *, without: Collection[str] = (), patience_s: float = PATIENCE_S
) -> None:
    """Hold a stream transport to its contract.

    Args:
        make_pair: called with two protocols, connects them with each other over the transports under test: `makeConnection`
            of each is called, before it returns or soon after.  It returns a function without arguments that lets the
            world go on by a little, and which returns False when nothing can happen any more; or an object with such a
            method `pump`, as `selvage.testing.connect` does.  If what it returns has a method `close`, that is called at
            the end.  Each case makes a pair of its own.
        without: features ("abort", "addresses", "failing protocols", "half-close", "pausing", "producers") and cases to
            leave out.
        patience_s: seconds that something may take which has to happen.

    Raises:
        ContractBroken: promises were not kept.
    """
    TRANSPORT.check(make_pair, without=without, patience_s=patience_s)


def check_producer(
    start: Callable[[Any], object],
    advance: Callable[[], object] = lambda: False,
    *,
    expected: bytes | None = None,
    without: Collection[str] = (),
    patience_s: float = PATIENCE_S,
) -> None:
    """Hold a push or a pull producer to its contract.

    Args:
        start: called with a consumer, begins to produce for it, and registers the producer there.
        advance: lets the producer's world go on by a little; not needed by one that works only when it is asked.
        expected: what it produces in all, or None when that is not known.
        without: "finishing" for a producer that has no end, and cases to leave out.
        patience_s: seconds that something may take which has to happen.

    Raises:
        ContractBroken: promises were not kept.
    """
    PRODUCER.check(start, advance, expected=expected, without=without, patience_s=patience_s)


def check_endpoints(
    server_endpoint: Any,
    client_endpoint: Any,
    advance: Callable[[], object],
    *,
    without: Collection[str] = (),
    patience_s: float = PATIENCE_S,
) -> None:
    """Hold a listening and a connecting endpoint to their contract.

    Args:
        server_endpoint: provides `IStreamServerEndpoint`, or is a function that makes one for each case.
        client_endpoint: provides `IStreamClientEndpoint`, or is a function that makes one for the port that was opened.
        advance: lets the world go on by a little, such as `lambda: reactor.iterate(0.002)`.
        without: "cancelling", and cases to leave out.
        patience_s: seconds that something may take which has to happen.

    Raises:
        ContractBroken: promises were not kept.
    """
    ENDPOINTS.check(server_endpoint, client_endpoint, advance, without=without, patience_s=patience_s)


def check_reactor(
    make_reactor: Callable[[], Any],
    dispose: Callable[[Any], object] | None = None,
    *,
    without: Collection[str] = (),
    patience_s: float = PATIENCE_S,
) -> None:
    """Hold a reactor, or a clock, to its contract.

    What its connections promise is checked by `check_transport(tcp_pair(reactor))`.

    Args:
        make_reactor: makes a reactor that does not run yet; called for each case.  One with a method `advance` is a clock
            and moved by that; any other has to have `iterate`.
        dispose: called with the reactor when a case is over, to close what it holds.
        without: features ("descriptors", "failing calls", "refusals", "running", "tcp", "threads", "turns", "udp") and cases
            to leave out.
        patience_s: seconds that something may take which has to happen.

    Raises:
        ContractBroken: promises were not kept.
    """
    REACTOR.check(make_reactor, dispose, without=without, patience_s=patience_s)


publish(globals())
