"""Running programs for their output, and calls without warnings."""

from selvage.processes import (
    getProcessOutput as getProcessOutput,
    getProcessOutputAndValue as getProcessOutputAndValue,
    getProcessValue as getProcessValue,
)
from selvage.processes._output import _UnexpectedErrorOutput as _UnexpectedErrorOutput
from selvage.tasks import (
    runWithWarningsSuppressed as runWithWarningsSuppressed,
    suppressWarnings as suppressWarnings,
)

__all__ = [
    "getProcessOutput",
    "getProcessOutputAndValue",
    "getProcessValue",
    "runWithWarningsSuppressed",
    "suppressWarnings",
]
