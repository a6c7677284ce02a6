"""`twisted.internet.defer`: re-exports of `selvage.defer` and of the lock that needs a clock."""

from selvage.defer import (
    FAILURE as FAILURE,
    SUCCESS as SUCCESS,
    AlreadyCalledError as AlreadyCalledError,
    AlreadyTryingToLockError as AlreadyTryingToLockError,
    CancelledError as CancelledError,
    DebugInfo as DebugInfo,
    Deferred as Deferred,
    DeferredList as DeferredList,
    DeferredLock as DeferredLock,
    DeferredQueue as DeferredQueue,
    DeferredSemaphore as DeferredSemaphore,
    Failure as Failure,
    FailureGroup as FailureGroup,
    FirstError as FirstError,
    NotACoroutineError as NotACoroutineError,
    QueueOverflow as QueueOverflow,
    QueueUnderflow as QueueUnderflow,
    TimeoutError as TimeoutError,
    ensureDeferred as ensureDeferred,
    execute as execute,
    fail as fail,
    gatherResults as gatherResults,
    getDebugging as getDebugging,
    inlineCallbacks as inlineCallbacks,
    logError as logError,
    maybeDeferred as maybeDeferred,
    passthru as passthru,
    race as race,
    returnValue as returnValue,
    setDebugging as setDebugging,
    succeed as succeed,
    timeout as timeout,
)
from selvage.defer._combinators import (
    _DeferredListResultItemT as _DeferredListResultItemT,
    _DeferredListResultListT as _DeferredListResultListT,
    _DeferredListSingleResultT as _DeferredListSingleResultT,
)
from selvage.defer._deferred import _DEFERRED_SUBCLASSES as _DEFERRED_SUBCLASSES, _T as _T
from selvage.reactor import DeferredFilesystemLock as DeferredFilesystemLock
