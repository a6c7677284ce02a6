"""Failures that nobody handled, as events of Sentry.  Floor 5.

    sentry_sdk.init(dsn=...)
    selvage.observe.sentry.connect()

Of equal failures Sentry gets what the log gets: the first few of each minute, then one event that says how many more. They
are one issue there, too, by Selvage's fingerprint. The SDK sends from a thread of its own, so nobody waits for the network.
"""

from __future__ import annotations

from typing import Any

from selvage.failure import Report, subscribe, unsubscribe

from ._facts import facts_of, missing

__all__ = ["connect", "disconnect", "send"]

_LEVELS = {"summary": "error", "handled": "info"}


def connect(**filters: Any) -> None:
    """Send to Sentry from now on.

    Args:
        filters: which failures, as `selvage.failure.subscribe` has it: `types`, `namespace`, `where`, ...

    Raises:
        ImportError: sentry-sdk is not installed.
    """
    _sdk()
    subscribe(send, grouped=True, **filters)


def disconnect() -> None:
    """Send no more.

    Raises:
        ValueError: it was not connected.
    """
    unsubscribe(send)


def send(report: Report) -> None:
    """Send one report, in a scope of its own below that which is current."""
    sdk = _sdk()
    with sdk.new_scope() as scope:
        scope.fingerprint = [report.fingerprint]
        scope.set_tag("selvage.source", report.source)
        scope.set_tag("selvage.kind", report.kind)
        scope.set_context("selvage", {**facts_of(report), "count": report.count})
        if report.kind == "failure":
            failure = report.failure
            scope.capture_exception((type(failure.value), failure.value, failure.tb))
        else:
            scope.capture_message(report.message, level=_LEVELS[report.kind])


def _sdk() -> Any:
    try:
        import sentry_sdk
    except ImportError as error:
        missing("sentry-sdk", "sentry", error)
    return sentry_sdk
