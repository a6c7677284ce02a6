"""`twisted.internet.threads`: functions in threads whose results come back to the reactor."""

from selvage.reactor import (
    blockingCallFromThread as blockingCallFromThread,
    callMultipleInThread as callMultipleInThread,
    deferToThread as deferToThread,
    deferToThreadPool as deferToThreadPool,
)
