"""`twisted.logger._filter`: see `twisted.logger`."""

from selvage.logger._filter import (
    FilteringLogObserver as FilteringLogObserver,
    ILogFilterPredicate as ILogFilterPredicate,
    LogLevelFilterPredicate as LogLevelFilterPredicate,
    PredicateResult as PredicateResult,
    shouldLogEvent as shouldLogEvent,
)
