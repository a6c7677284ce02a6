"""`twisted.python.threadable`: the reactor's thread, and methods that lock their object."""

from selvage.reactor._threadable import (
    DummyLock as DummyLock,
    XLock as XLock,
    getThreadID as getThreadID,
    init as init,
    isInIOThread as isInIOThread,
    registerAsIOThread as registerAsIOThread,
    synchronize as synchronize,
    threaded as threaded,
    threadingmodule as threadingmodule,
    unpickle_lock as unpickle_lock,
)
