"""`twisted._threads`: workers, and teams of workers."""

from selvage.reactor._team import (
    AlreadyQuit as AlreadyQuit,
    IWorker as IWorker,
    LockWorker as LockWorker,
    Team as Team,
    ThreadWorker as ThreadWorker,
    createMemoryWorker as createMemoryWorker,
    pool as pool,
)

__all__ = ["AlreadyQuit", "IWorker", "LockWorker", "Team", "ThreadWorker", "createMemoryWorker", "pool"]
