"""Work over time: repeated calls, shared turns, delays, a program's main function, and a clock for tests.

Floor 2, over the reactor; it knows no transports.

    loop = LoopingCall(check)             # calls check() every second, without drifting
    failed = loop.start(1.0)              # a Deferred: fires when stopped, fails when check() fails
    cooperate(step for step in work())    # many small steps beside everything else
    await deferLater(reactor, 0.5)        # a pause
    react(main)                           # runs main(reactor), exits the process with a code
    clock = Clock(); clock.advance(5)     # the time that a test decides on
"""

from selvage._publish import publish
from selvage.errors import (
    NotPaused,
    SchedulerError,
    SchedulerStopped,
    TaskDone,
    TaskFailed,
    TaskFinished,
    TaskStopped,
)
from selvage.tasks._clock import Clock
from selvage.tasks._cooperator import (
    CooperativeTask,
    Cooperator,
    _theCooperator as _theCooperator,
    coiterate,
    cooperate,
)
from selvage.tasks._later import deferLater
from selvage.tasks._looping import LoopingCall
from selvage.tasks._react import react
from selvage.tasks._warnings import runWithWarningsSuppressed, suppressWarnings

__all__ = [
    "Clock",
    "CooperativeTask",
    "Cooperator",
    "LoopingCall",
    "NotPaused",
    "SchedulerError",
    "SchedulerStopped",
    "TaskDone",
    "TaskFailed",
    "TaskFinished",
    "TaskStopped",
    "coiterate",
    "cooperate",
    "deferLater",
    "react",
    "runWithWarningsSuppressed",
    "suppressWarnings",
]

publish(globals())
