"""Watching a program from outside.  Floor 5.

Each module needs an optional package, which it names where it is missing:

    selvage.observe.sentry           failures that nobody handled, to Sentry
    selvage.observe.opentelemetry    the same as spans and a counter, to OpenTelemetry
"""

from __future__ import annotations

__all__: list[str] = []
