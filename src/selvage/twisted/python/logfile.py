"""`twisted.python.logfile`: log files that are put aside by size or day."""

from selvage.logger.files import (
    BaseLogFile as BaseLogFile,
    DailyLogFile as DailyLogFile,
    LogFile as LogFile,
    LogReader as LogReader,
)
