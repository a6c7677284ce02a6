"""`twisted.logger._json`: see `twisted.logger`."""

from selvage.logger._json import (
    eventAsJSON as eventAsJSON,
    eventFromJSON as eventFromJSON,
    eventsFromJSONLogFile as eventsFromJSONLogFile,
    failureAsJSON as failureAsJSON,
    failureFromJSON as failureFromJSON,
    jsonFileLogObserver as jsonFileLogObserver,
    log as log,
    objectLoadHook as objectLoadHook,
    objectSaveHook as objectSaveHook,
)
