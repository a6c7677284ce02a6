"""Mistakes of newcomers with endpoints: each message names what was wrong and what would be right."""

from __future__ import annotations

from typing import Any

import pytest

from selvage.endpoints import TCP4ClientEndpoint, clientFromString, connectProtocol, serverFromString
from selvage.protocols import Protocol
from selvage.testing import MemoryReactor, MemoryReactorClock, StringTransport


@pytest.mark.parametrize(("make", "given"), [(serverFromString, "8000"), (clientFromString, "localhost:80")])
def test_a_description_without_type_shows_the_one_that_was_meant(make: Any, given: str) -> None:
    with pytest.raises(ValueError, match="^Unknown endpoint type: ") as caught:
        make(MemoryReactor(), given)
    meant, known = caught.value.__notes__
    assert meant == f"A description begins with its type, as in 'tcp:{given}'"
    assert "tcp, " in known


@pytest.mark.parametrize("make", [serverFromString, clientFromString])
def test_a_misspelt_type_shows_the_near_one(make: Any) -> None:
    with pytest.raises(ValueError, match="^Unknown endpoint type: 'tpc'; did you mean 'tcp'?"):
        make(MemoryReactor(), "tpc:host=localhost:port=80")


@pytest.mark.parametrize("make", [serverFromString, clientFromString])
@pytest.mark.parametrize("given", [8000, None, MemoryReactor()])
def test_what_is_no_text_is_no_description(make: Any, given: Any) -> None:
    with pytest.raises(
        TypeError, match="made of the reactor and a description, as in 'tcp:8080'; .* is no description"
    ):
        make(MemoryReactor(), given)


def test_a_protocol_that_cannot_begin_fails_the_attempt() -> None:
    """Whoever waits for the connection hears of it; nobody waits for ever."""

    class Broken(Protocol):
        def connectionMade(self) -> None:
            raise RuntimeError("I cannot")

    reactor = MemoryReactorClock()
    failures: list[Any] = []
    connecting = connectProtocol(TCP4ClientEndpoint(reactor, "192.0.2.1", 80), Broken())
    connecting.addErrback(failures.append)
    transport = StringTransport()
    reactor.tcpClients[0][2].buildProtocol(None).makeConnection(transport)
    assert failures[0].check(RuntimeError)
    assert transport.disconnecting
