"""Reports as Sentry gets them, through its own SDK and a transport that keeps them."""

from __future__ import annotations

import sys

import pytest

from selvage.failure import Failure, fingerprint, flush, report
from selvage.observe import sentry

sentry_sdk = pytest.importorskip("sentry_sdk", reason="comes with selvage[test]")


@pytest.fixture
def events(hub):
    """What would have been sent."""

    class Keeping(sentry_sdk.Transport):
        kept = []

        def capture_envelope(self, envelope):
            event = envelope.get_event()
            if event is not None:
                self.kept.append(event)

    with sentry_sdk.isolation_scope() as scope:
        client = sentry_sdk.Client(
            dsn="http://key@127.0.0.1:9/1",
            transport=Keeping,
            default_integrations=False,
            auto_session_tracking=False,
        )
        scope.set_client(client)
        sentry.connect()
        yield Keeping.kept
        sentry.disconnect()
        client.close()


def fail(number):
    raise ValueError(f"number {number}")


def left_over(number=1):
    try:
        fail(number)
    except ValueError:
        return Failure()


def test_a_failure_is_an_event_with_its_frames(events):
    made = left_over()
    report(made, "Unhandled error in a delayed call", source="timer", call="<call>", password="hunter2")
    (event,) = events
    (exception,) = event["exception"]["values"]
    assert (exception["type"], exception["value"]) == ("ValueError", "number 1")
    assert [frame["function"] for frame in exception["stacktrace"]["frames"]] == ["left_over", "fail"]
    assert event["fingerprint"] == [fingerprint(made)]
    assert event["tags"] == {"selvage.source": "timer", "selvage.kind": "failure"}
    facts = event["contexts"]["selvage"]
    assert facts["message"] == "Unhandled error in a delayed call"
    assert facts["call"] == "<call>"
    assert "hunter2" not in str(facts)


def test_causes_come_along(events):
    try:
        try:
            fail(1)
        except ValueError as error:
            raise KeyError("outer") from error
    except KeyError:
        report(Failure())
    assert [each["type"] for each in events[0]["exception"]["values"]] == ["ValueError", "KeyError"]


def test_equal_ones_are_summed_up_and_are_one_issue(events):
    for number in range(50):
        report(left_over(number))
    flush()
    assert len(events) == 4
    assert events[3]["message"].startswith("Unhandled error: 47 more in the last")
    assert events[3]["level"] == "error"
    assert events[3]["contexts"]["selvage"]["count"] == 47
    assert len({tuple(event["fingerprint"]) for event in events}) == 1


def test_the_programs_scope_is_left_alone(events):
    report(left_over())
    sentry_sdk.capture_message("the program's own")
    assert "fingerprint" not in events[1]
    assert "selvage.source" not in events[1].get("tags", {})


def test_filters(events):
    sentry.disconnect()
    sentry.connect(types=KeyError)
    report(left_over())
    assert events == []


def test_a_transport_that_raises_breaks_nothing(hub, events):
    class Broken(sentry_sdk.Transport):
        def capture_envelope(self, envelope):
            raise OSError("no network")

    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(
            sentry_sdk.Client(dsn="http://key@127.0.0.1:9/1", transport=Broken, default_integrations=False)
        )
        report(left_over())
    assert hub[0].failure.check(ValueError)
    assert [told.failure.type for told in hub[1:]] in ([], [OSError])


def test_what_to_install_is_said(hub, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    with pytest.raises(ImportError, match=r"pip install 'selvage\[sentry\]'"):
        sentry.connect()
