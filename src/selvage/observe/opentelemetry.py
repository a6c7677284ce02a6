"""Failures that nobody handled, as spans and a counter of OpenTelemetry.  Floor 5.

    selvage.observe.opentelemetry.connect()

* The counter `selvage.failures` counts every one, by class and source: what a program can raise, never what a peer can send.
* The span that is current where a failure is left over gets it as an exception event and fails; where there is none, a span
  `unhandled failure` is made for it. Of equal failures, the first few of each minute; a summary is a span with a count.
"""

from __future__ import annotations

from typing import Any

from selvage.failure import Report, subscribe, to_text, unsubscribe

from ._facts import facts_of, missing

__all__ = ["OpenTelemetryReporter", "connect", "disconnect"]

_NAME = "selvage"


class OpenTelemetryReporter:
    """Records reports with OpenTelemetry's public API.

    Args:
        tracer_provider, meter_provider: by default the global ones.

    Raises:
        ImportError: opentelemetry-api is not installed.
    """

    def __init__(self, tracer_provider: Any = None, meter_provider: Any = None) -> None:
        try:
            from opentelemetry import metrics, trace
        except ImportError as error:
            missing("opentelemetry-api", "opentelemetry", error)
        self._trace = trace
        self._tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider)
        self._failures = metrics.get_meter(_NAME, meter_provider=meter_provider).create_counter(
            "selvage.failures", unit="{failure}", description="Failures that nobody handled"
        )

    def count(self, report: Report) -> None:
        """Count one failure."""
        self._failures.add(1, {"exception.type": _class_of(report), "selvage.source": report.source})

    def record(self, report: Report) -> None:
        """Record one report in the current span, or in one of its own."""
        span = self._trace.get_current_span()
        if report.kind == "failure" and span.is_recording():
            self._fill(span, report)
            return
        span = self._tracer.start_span("unhandled failure", record_exception=False)
        try:
            self._fill(span, report)
        finally:
            span.end()

    def _fill(self, span: Any, report: Report) -> None:
        attributes: dict[str, str | int] = {
            "exception.type": _class_of(report),
            "exception.message": report.failure.getErrorMessage(),
            "selvage.fingerprint": report.fingerprint,
            "selvage.source": report.source,
        }
        if report.kind != "failure":
            attributes |= {"selvage.kind": report.kind, "selvage.count": report.count}
            span.add_event(report.message, attributes)
        else:
            attributes |= {f"selvage.{name}": text for name, text in facts_of(report).items()}
            attributes["exception.stacktrace"] = to_text(report.failure)
            span.record_exception(report.failure.value, attributes)
        if report.kind != "handled":
            status = self._trace.Status(self._trace.StatusCode.ERROR, report.message)
            span.set_status(status)


_connected: OpenTelemetryReporter | None = None


def connect(tracer_provider: Any = None, meter_provider: Any = None, **filters: Any) -> None:
    """Record and count from now on, in place of what was connected before.

    Args:
        tracer_provider, meter_provider: by default the global ones.
        filters: which failures, as `selvage.failure.subscribe` has it: `types`, `namespace`, `where`, ...

    Raises:
        ImportError: opentelemetry-api is not installed.
    """
    global _connected
    reporter = OpenTelemetryReporter(tracer_provider, meter_provider)
    if _connected is not None:
        disconnect()
    subscribe(reporter.count, **filters)
    subscribe(reporter.record, grouped=True, **filters)
    _connected = reporter


def disconnect() -> None:
    """Record and count no more.

    Raises:
        ValueError: it was not connected.
    """
    global _connected
    if _connected is None:
        raise ValueError("OpenTelemetry is not connected: connect() comes first")
    unsubscribe(_connected.count)
    unsubscribe(_connected.record)
    _connected = None


def _class_of(report: Report) -> str:
    cls = report.failure.type
    return f"{cls.__module__}.{cls.__qualname__}" if isinstance(cls, type) else str(cls)
