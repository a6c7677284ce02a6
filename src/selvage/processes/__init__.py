"""Work for child processes: run a program and take its output, call a function in another process.  Floor 3.

    output = await getProcessOutput("/bin/df", ["-h"])
    out, err, code = await getProcessOutputAndValue("/usr/bin/gzip", ["-c"], stdinBytes=data)
    thumbnail = await deferToProcess(make_thumbnail, picture)

For a conversation with a child, subclass `selvage.protocols.ProcessProtocol` and call `reactor.spawnProcess`.
Twisted: `twisted.internet.utils`; `deferToProcess` and `ProcessPool` are new.
"""

from selvage._publish import publish
from selvage.processes._messages import NotSendable as NotSendable
from selvage.processes._output import (
    getProcessOutput as getProcessOutput,
    getProcessOutputAndValue as getProcessOutputAndValue,
    getProcessValue as getProcessValue,
)
from selvage.processes._pool import (
    PoolClosed as PoolClosed,
    ProcessPool as ProcessPool,
    WorkerDied as WorkerDied,
    deferToProcess as deferToProcess,
)

__all__ = [
    "NotSendable",
    "PoolClosed",
    "ProcessPool",
    "WorkerDied",
    "deferToProcess",
    "getProcessOutput",
    "getProcessOutputAndValue",
    "getProcessValue",
]

publish(globals())
