"""Child processes."""

from selvage.transports.process import (
    BaseProcess as BaseProcess,
    Process as Process,
    ProcessReader as ProcessReader,
    ProcessWriter as ProcessWriter,
    PTYProcess as PTYProcess,
    _BaseProcess as _BaseProcess,
    _getFileActions as _getFileActions,
    _listOpenFDs as _listOpenFDs,
    reapAllProcesses as reapAllProcesses,
    reapProcessHandlers as reapProcessHandlers,
    registerReapProcessHandler as registerReapProcessHandler,
    unregisterReapProcessHandler as unregisterReapProcessHandler,
)

__all__ = [
    "BaseProcess",
    "PTYProcess",
    "Process",
    "ProcessReader",
    "ProcessWriter",
    "reapAllProcesses",
    "reapProcessHandlers",
    "registerReapProcessHandler",
    "unregisterReapProcessHandler",
]
