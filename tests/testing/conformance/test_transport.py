"""The transport contract: our transports keep it, spoilt ones are found out, and Twisted's keep it as well."""

from __future__ import annotations

import pytest

from selvage.addresses import IPv4Address
from selvage.protocols.policies import WrappingFactory
from selvage.testing import StringTransportWithDisconnection, conformance, connect, iosim
from selvage.testing.conformance import cases, tcp_pair, tls_pair, unix_pair
from selvage.testing.conformance._parts import OneProtocol
from tests.testing.conformance.transport_faults import FAULTS, make_pair_with
from tests.transports.certificates import client_context, server_context

TRANSPORT = cases("transport")


def swapped(make_pair):
    """The same transports, with the roles of server and client exchanged."""
    return lambda first, second: make_pair(second, first)


@pytest.mark.parametrize("case", TRANSPORT, ids=str)
def test_memory_transports(case, quiet):
    case.run(connect)


@pytest.mark.parametrize("side", ["client first", "server first"])
@pytest.mark.parametrize("kind", [tcp_pair, unix_pair])
@pytest.mark.parametrize("case", TRANSPORT, ids=str)
def test_our_transports(case, kind, side, reactor, quiet):
    make_pair = kind(reactor)
    case.run(make_pair if side == "client first" else swapped(make_pair))


@pytest.mark.parametrize("side", ["client first", "server first"])
@pytest.mark.parametrize("case", TRANSPORT, ids=str)
def test_our_transports_with_tls(case, side, reactor, quiet):
    make_pair = tls_pair(reactor, client_context(), server_context())
    case.run(make_pair if side == "client first" else swapped(make_pair))


# What the simpler transports for tests do not claim.
LEFT_OUT = {
    "iosim": [
        "abort",
        "failing protocols",
        "half-close",
        "a_paused_side_is_told_nothing",
        "pausing_works_at_once",
        "text_is_refused",
        "stopping_input_ends_the_connection",
        "a_push_producer_is_paused_and_resumed",
        "a_pull_producer_is_asked_when_its_last_piece_has_left",
        "a_second_producer_is_refused",
        "an_end_waits_for_the_producer",
        "a_lost_connection_stops_its_producer",
        "a_producer_that_comes_too_late_is_stopped",
    ],
    "strings": [
        "an_abort_waits_for_nobody",
        "an_abort_overtakes_a_slow_end",
        "failing protocols",
        "half-close",
        "what_is_written_after_the_end_is_dropped",
        "the_end_is_told_later",
        "a_transport_that_closes_says_so",
        "stopping_input_ends_the_connection",
        "a_push_producer_is_paused_and_resumed",
        "a_pull_producer_is_asked_until_it_is_done",
        "a_second_producer_is_refused",
        "an_end_waits_for_the_producer",
        "a_lost_connection_stops_its_producer",
        "a_producer_that_comes_too_late_is_stopped",
    ],
}


def iosim_pair(first, second):
    here, there = IPv4Address("TCP", "127.0.0.1", 1), IPv4Address("TCP", "127.0.0.1", 2)
    ends = iosim.FakeTransport(second, True, here, there), iosim.FakeTransport(first, False, there, here)
    return iosim.connect(second, ends[0], first, ends[1], greet=False)


def string_pair(first, second):
    """Carry what was written to one StringTransport to the other's protocol."""
    here, there = IPv4Address("TCP", "127.0.0.1", 1), IPv4Address("TCP", "127.0.0.1", 2)
    ends = StringTransportWithDisconnection(here, there), StringTransportWithDisconnection(there, here)
    for end, protocol in zip(ends, (first, second), strict=True):
        end.protocol = protocol
        protocol.makeConnection(end)

    def pump():
        moved = False
        for sender, receiver in (ends, ends[::-1]):
            parcel = sender.value()
            if parcel and receiver.connected and receiver.producerState == "producing":
                sender.clear()
                receiver.protocol.dataReceived(parcel)
                moved = True
            elif not parcel and receiver.connected and not sender.connected:
                receiver.loseConnection()
                moved = True
        return moved

    return pump


SIMPLER = {"iosim": iosim_pair, "strings": string_pair}


@pytest.mark.parametrize(
    ("name", "case"),
    [(name, case) for name, left_out in LEFT_OUT.items() for case in cases("transport", left_out)],
    ids=str,
)
def test_simpler_transports_keep_what_they_claim(name, case, quiet):
    case.run(SIMPLER[name])


@pytest.mark.parametrize("name", SIMPLER)
def test_what_is_left_out_is_not_kept(name, quiet):
    """Whoever teaches them one of these takes it off the list."""
    kept = set(cases("transport", LEFT_OUT[name]))
    for case in set(TRANSPORT) - kept:
        with pytest.raises(conformance.PromiseBroken):
            case.run(SIMPLER[name])


@pytest.mark.parametrize("side", ["server", "client"])
@pytest.mark.parametrize("case", cases("transport", ["half-close"]), ids=str)
def test_wrapped_protocols_see_a_transport(case, side, quiet):
    """`ProtocolWrapper` stands between the two; it passes everything on but the ends of single directions."""

    def make_pair(first, second):
        wrapped = WrappingFactory(OneProtocol(second if side == "server" else first)).buildProtocol(None)
        return connect(first, wrapped) if side == "server" else connect(wrapped, second)

    case.run(make_pair)


# Those that are found by what they let out.
RAISING = {"RaisesAfterClosing", "LetsFailuresOut", "CannotBePausedWhenClosed"}


@pytest.mark.parametrize(
    ("fault", "case"),
    [(name, case) for name, (_, named) in FAULTS.items() for case in TRANSPORT if case.name in named],
    ids=str,
)
def test_a_fault_is_found_by_the_case_that_names_it(fault, case, quiet):
    with pytest.raises(conformance.PromiseBroken) as caught:
        case.run(make_pair_with(FAULTS[fault][0]))
    assert caught.value.case is case
    assert "was raised:" not in caught.value.how or fault in RAISING


def test_each_case_has_a_fault_that_it_finds():
    found = set().union(*(named for _, named in FAULTS.values()))
    assert found == {case.name for case in TRANSPORT}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_does_not_break_everything(fault, quiet):
    """A message that lists half of the contract would not say what is wrong."""
    with pytest.raises(conformance.ContractBroken) as caught:
        conformance.check_transport(make_pair_with(FAULTS[fault][0]))
    assert len(caught.value.broken) <= len(TRANSPORT) // 3
