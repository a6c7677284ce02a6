"""Reports as OpenTelemetry gets them, through its own SDK, exporters that keep spans and readers that keep metrics."""

from __future__ import annotations

import sys

import pytest

from selvage.failure import Failure, fingerprint, flush, report, to_text
from selvage.observe import opentelemetry

pytest.importorskip("opentelemetry.sdk", reason="comes with selvage[test]")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Telemetry:
    def __init__(self):
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)

    @property
    def spans(self):
        return self.exporter.get_finished_spans()

    def counts(self):
        data = self.reader.get_metrics_data()
        return {
            (point.attributes["exception.type"], point.attributes["selvage.source"]): point.value
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == "selvage.failures"
            for point in metric.data.data_points
        }


@pytest.fixture
def telemetry(hub):
    telemetry = Telemetry()
    opentelemetry.connect(telemetry.tracers, telemetry.meters)
    yield telemetry
    opentelemetry.disconnect()
    telemetry.tracers.shutdown()
    telemetry.meters.shutdown()


def fail(number):
    raise ValueError(f"number {number}")


def left_over(number=1):
    try:
        fail(number)
    except ValueError:
        return Failure()


def test_a_failure_is_a_span_of_its_own(telemetry):
    made = left_over()
    report(made, "Unhandled error in a delayed call", source="timer", call="<call>", token="hunter2")
    (span,) = telemetry.spans
    assert span.name == "unhandled failure"
    assert not span.status.is_ok
    assert span.status.description == "Unhandled error in a delayed call"
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes["exception.type"] == "builtins.ValueError"
    assert event.attributes["exception.message"] == "number 1"
    assert event.attributes["exception.stacktrace"] == to_text(made)
    assert event.attributes["selvage.fingerprint"] == fingerprint(made)
    assert event.attributes["selvage.source"] == "timer"
    assert event.attributes["selvage.call"] == "<call>"
    assert "hunter2" not in str(event.attributes)


def test_a_failure_within_a_span_belongs_to_it(telemetry):
    with telemetry.tracers.get_tracer("program").start_as_current_span("request"):
        report(left_over())
    (span,) = telemetry.spans
    assert span.name == "request"
    assert not span.status.is_ok
    assert [event.name for event in span.events] == ["exception"]


def test_every_one_is_counted_and_equal_ones_are_summed_up(telemetry):
    for number in range(50):
        report(left_over(number), source="timer")
    report(KeyError())
    flush()
    assert telemetry.counts() == {("builtins.ValueError", "timer"): 50, ("builtins.KeyError", ""): 1}
    assert len(telemetry.spans) == 5
    (event,) = telemetry.spans[-1].events
    assert event.name.startswith("Unhandled error: 47 more in the last")
    assert event.attributes["selvage.count"] == 47


def test_filters(telemetry):
    opentelemetry.connect(telemetry.tracers, telemetry.meters, types=KeyError)
    report(left_over())
    report(KeyError())
    assert [span.events[0].attributes["exception.type"] for span in telemetry.spans] == ["builtins.KeyError"]


def test_disconnecting_twice(telemetry):
    opentelemetry.disconnect()
    with pytest.raises(ValueError, match=r"connect\(\) comes first"):
        opentelemetry.disconnect()
    opentelemetry.connect(telemetry.tracers, telemetry.meters)


def test_an_exporter_that_raises_breaks_nothing(hub, telemetry):
    def broken(spans):
        raise OSError("no collector")

    telemetry.exporter.export = broken
    report(left_over())
    assert hub[0].failure.check(ValueError)
    assert [told.failure.type for told in hub[1:]] in ([], [OSError])


def test_what_to_install_is_said(hub, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ImportError, match=r"pip install 'selvage\[opentelemetry\]'"):
        opentelemetry.connect()
