"""Deferreds, coroutines that wait for them, and what is built of them.  Floor 0.

    from selvage.defer import Deferred, inlineCallbacks, gatherResults

It knows no files, no clock and no reactor: what needs one takes it as an argument.

Twisted: `twisted.internet.defer`; `DeferredFilesystemLock` is in `selvage.reactor`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selvage._publish import load_late, publish
from selvage.defer import _futures
from selvage.defer._combinators import FAILURE, SUCCESS, DeferredList, gatherResults, race
from selvage.defer._coroutines import ensureDeferred, inlineCallbacks, returnValue
from selvage.defer._debug import DebugInfo
from selvage.defer._deferred import Deferred, getDebugging, setDebugging
from selvage.defer._primitives import DeferredLock, DeferredQueue, DeferredSemaphore
from selvage.defer._shortcuts import execute, fail, logError, maybeDeferred, passthru, succeed, timeout
from selvage.defer._unobserved import report_unobserved, watch as watch  # the latter for tests
from selvage.errors import (
    AlreadyCalledError,
    AlreadyTryingToLockError,
    CancelledError,
    DeferredTimeoutError as TimeoutError,
    FailureGroup,
    FirstError,
    NotACoroutineError,
    QueueOverflow,
    QueueUnderflow,
)
from selvage.failure import Failure

if TYPE_CHECKING:
    from selvage.defer._graph import Pending, pending, waiters_of, waits_for

__all__ = [
    "FAILURE",
    "SUCCESS",
    "AlreadyCalledError",
    "AlreadyTryingToLockError",
    "CancelledError",
    "DebugInfo",
    "Deferred",
    "DeferredList",
    "DeferredLock",
    "DeferredQueue",
    "DeferredSemaphore",
    "Failure",
    "FailureGroup",
    "FirstError",
    "NotACoroutineError",
    "Pending",
    "QueueOverflow",
    "QueueUnderflow",
    "TimeoutError",
    "ensureDeferred",
    "execute",
    "fail",
    "gatherResults",
    "getDebugging",
    "inlineCallbacks",
    "logError",
    "maybeDeferred",
    "passthru",
    "pending",
    "race",
    "report_unobserved",
    "returnValue",
    "setDebugging",
    "succeed",
    "timeout",
    "waiters_of",
    "waits_for",
]

# For when a person asks what a program waits for.
_LATE = dict.fromkeys(("Pending", "pending", "waiters_of", "waits_for"), "selvage.defer._graph")

if not TYPE_CHECKING:
    __getattr__ = load_late(globals(), _LATE)

del _futures
publish(globals())
