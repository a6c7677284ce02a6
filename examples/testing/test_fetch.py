"""A client that tries again, tested on a network that fails in fifty ways.

Run by `python -m pytest -o selvage_mode=auto examples/testing/test_fetch.py`.  Each seed is another bad day; the same seed is
the same day again.
"""

import pytest

from selvage.defer import Deferred
from selvage.endpoints import connectProtocol
from selvage.failure import Failure
from selvage.protocols.basic import LineReceiver
from selvage.tasks import Clock
from selvage.testing import connect
from selvage.testing.faults import ConnectTimeout, Cut, Delay, FaultPlan, Fragment, Refuse, Stall

PATIENCE_S = 10


class Question(LineReceiver):
    """Ask for one line; the answer, or what became of the connection, is in `answer`."""

    def __init__(self, clock):
        self.clock = clock
        self.answer = Deferred()

    def connectionMade(self):
        self.timer = self.clock.callLater(PATIENCE_S, self.transport.abortConnection)
        self.sendLine(b"time?")

    def lineReceived(self, line):
        self.end(line)
        self.transport.loseConnection()

    def connectionLost(self, reason):
        self.end(reason)

    def end(self, outcome):
        if self.timer.active():
            self.timer.cancel()
        answer, self.answer = self.answer, None
        if answer is not None:
            answer.callback(outcome) if isinstance(outcome, bytes) else answer.errback(outcome)


async def fetch(endpoint, clock, attempts):
    """Ask until there is an answer, at most so many times."""
    while True:
        question = Question(clock)
        answer = question.answer
        try:
            await connectProtocol(endpoint, question)
            return await answer
        except Exception:
            attempts -= 1
            if not attempts:
                raise


class Server(LineReceiver):
    def lineReceived(self, line):
        self.sendLine(b"noon")


class MemoryEndpoint:
    """Connects to a server in memory; the pairs are moved by the test."""

    def __init__(self):
        self.pairs = []

    def connect(self, factory):
        protocol = factory.buildProtocol(None)
        self.pairs.append(connect(Server(), protocol))
        connected = Deferred()
        connected.callback(protocol)
        return connected


@pytest.mark.parametrize("seed", range(50))
def test_it_comes_through(seed):
    clock = Clock()
    plan = FaultPlan(
        Refuse(0.1),
        ConnectTimeout(0.1),
        Cut(0.2, at=(0, 6)),
        Stall(0.2, at=(0, 6)),
        Fragment((1, 3)),
        Delay((0, 1)),
        seed=seed,
        clock=clock,
    )
    memory = MemoryEndpoint()
    outcome = []
    Deferred.fromCoroutine(fetch(plan.client(memory), clock, attempts=20)).addBoth(outcome.append)
    with plan:
        while not outcome:
            for pair in memory.pairs:
                pair.flush()
            assert clock.getDelayedCalls() or outcome, "nothing will ever happen: it hangs"
            if not outcome:
                clock.advance(min(call.getTime() for call in clock.getDelayedCalls()) - clock.seconds())
        assert outcome == [b"noon"]


def test_it_gives_up_in_the_end():
    plan = FaultPlan(Refuse())
    outcome = []
    Deferred.fromCoroutine(fetch(plan.client(MemoryEndpoint()), Clock(), attempts=3)).addBoth(outcome.append)
    assert isinstance(outcome[0], Failure)
    assert plan.counts == {"refuse": 3}
