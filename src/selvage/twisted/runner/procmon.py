"""Twisted's address of Selvage's process monitor."""

from selvage.service import (
    LineLogger as LineLogger,
    LoggingProtocol as LoggingProtocol,
    ProcessMonitor as ProcessMonitor,
)

__all__ = ["LineLogger", "LoggingProtocol", "ProcessMonitor"]
