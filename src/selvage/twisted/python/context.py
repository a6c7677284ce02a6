"""`twisted.python.context`: keys and values that hold for the calls below."""

from selvage._context import (
    ContextTracker as ContextTracker,
    ThreadedContextTracker as ThreadedContextTracker,
    call as call,
    defaultContextDict as defaultContextDict,
    get as get,
    installContextTracker as installContextTracker,
    setDefault as setDefault,
    theContextTracker as theContextTracker,
)
