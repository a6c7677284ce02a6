"""`twisted._threads._ithreads`: the contract of workers."""

from selvage.reactor._team import (
    AlreadyQuit as AlreadyQuit,
    IWorker as IWorker,
)
