"""`twisted._threads._threadworker`: workers in a thread, and under a lock."""

from selvage.reactor._team import (
    LockWorker as LockWorker,
    SimpleLock as SimpleLock,
    ThreadWorker as ThreadWorker,
)
