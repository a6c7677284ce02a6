"""`twisted.internet.task`: work over time."""

from selvage.tasks import (
    Clock as Clock,
    CooperativeTask as CooperativeTask,
    Cooperator as Cooperator,
    LoopingCall as LoopingCall,
    NotPaused as NotPaused,
    SchedulerError as SchedulerError,
    SchedulerStopped as SchedulerStopped,
    TaskDone as TaskDone,
    TaskFailed as TaskFailed,
    TaskFinished as TaskFinished,
    TaskStopped as TaskStopped,
    _theCooperator as _theCooperator,
    coiterate as coiterate,
    cooperate as cooperate,
    deferLater as deferLater,
    react as react,
)

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
]
