"""`twisted.logger._observer`: see `twisted.logger`."""

from selvage.logger._observer import (
    OBSERVER_DISABLED as OBSERVER_DISABLED,
    LogPublisher as LogPublisher,
    bitbucketLogObserver as bitbucketLogObserver,
)
