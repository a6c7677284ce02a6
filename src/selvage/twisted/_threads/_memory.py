"""`twisted._threads._memory`: a worker that is stepped by hand."""

from selvage.reactor._team import (
    MemoryWorker as MemoryWorker,
    createMemoryWorker as createMemoryWorker,
)
