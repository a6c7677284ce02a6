"""`twisted.protocols.wire`: the small services of the early Internet."""

from selvage.protocols.wire import (
    QOTD as QOTD,
    Chargen as Chargen,
    Daytime as Daytime,
    Discard as Discard,
    Echo as Echo,
    Time as Time,
    Who as Who,
)
