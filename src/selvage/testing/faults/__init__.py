"""Networks, names and clocks that fail on purpose, the same way each time.

    plan = FaultPlan(Cut(0.1), Delay((0.05, 2)), seed=7, clock=clock)
    pair = plan.connect(client, server)            # in memory: the faults between two protocols
    plan.settle(pair)                              # ... until nothing happens any more

    endpoint = plan.client(endpoint)               # on real sockets: plan.server, plan.factory, plan.datagrams
    reactor.installNameResolver(plan.resolver(reactor.nameResolver))
    print(plan.report())                           # the seed, and what struck where

A program from outside is tested through a proxy: `selvage chaos`.
"""

from selvage._publish import publish
from selvage.testing.faults._attempts import ConnectTimeout, Refuse, SlowConnect
from selvage.testing.faults._base import Fault, Injected
from selvage.testing.faults._clock import Jump, JumpingClock
from selvage.testing.faults._datagrams import Duplicate, Lose, Reorder
from selvage.testing.faults._names import ChangeAddress, FailLookup, NoAddress, SlowLookup, WrongAddress
from selvage.testing.faults._plan import SEED_VARIABLE, FaultPlan, plans_made
from selvage.testing.faults._streams import Bandwidth, Corrupt, Cut, Delay, Fragment, HalfClose, Stall

__all__ = [
    "SEED_VARIABLE",
    "Bandwidth",
    "ChangeAddress",
    "ConnectTimeout",
    "Corrupt",
    "Cut",
    "Delay",
    "Duplicate",
    "FailLookup",
    "Fault",
    "FaultPlan",
    "Fragment",
    "HalfClose",
    "Injected",
    "Jump",
    "JumpingClock",
    "Lose",
    "NoAddress",
    "Refuse",
    "Reorder",
    "SlowConnect",
    "SlowLookup",
    "Stall",
    "WrongAddress",
    "plans_made",
]

publish(globals())
