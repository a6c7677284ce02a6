"""The seam between the lower floors and whatever log system is present."""

from __future__ import annotations

from typing import Any

import pytest

from selvage import _events


@pytest.fixture
def heard() -> Any:
    events: list[tuple[str, str, str, dict[str, Any]]] = []

    def listen(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        events.append((namespace, level, format, fields))

    _events.subscribe(listen)
    yield events
    _events.unsubscribe(listen)


def test_subscriber_hears_the_four_parts(heard: list[Any]) -> None:
    _events.emit("a.b", "info", "Starting {factory}", factory="f")
    assert heard == [("a.b", "info", "Starting {factory}", {"factory": "f"})]


def test_fields_may_be_called_like_the_parameters(heard: list[Any]) -> None:
    _events.emit("a", "info", "{format} {level} {namespace}", format=1, level=2, namespace=3)
    assert heard[0][3] == {"format": 1, "level": 2, "namespace": 3}


def test_subscribing_twice_is_once(heard: list[Any]) -> None:
    extra: list[int] = []

    def count(*_: object) -> None:
        extra.append(1)

    _events.subscribe(count)
    _events.subscribe(count)
    _events.emit("a", "info", "x")
    _events.unsubscribe(count)
    _events.unsubscribe(count)
    _events.emit("a", "info", "x")
    assert extra == [1]
    assert len(heard) == 2


def test_each_subscriber_owns_its_fields(heard: list[Any]) -> None:
    def spoil(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        fields.clear()

    _events.unsubscribe(spoil)
    _events.subscribe(spoil)
    try:
        _events.emit("a", "info", "x", k=1)
        _events.emit("a", "info", "x", k=1)
    finally:
        _events.unsubscribe(spoil)
    assert [event[3] for event in heard] == [{"k": 1}, {"k": 1}]


def test_subscriber_that_raises_reaches_the_hub_and_not_the_speaker(heard: list[Any]) -> None:
    from selvage import failure

    reports: list[Any] = []
    failure.subscribe(reports.append)
    previous = failure.set_default_reporter(None)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    _events.subscribe(broken)
    try:
        _events.emit("a", "info", "x")
    finally:
        _events.unsubscribe(broken)
        failure.unsubscribe(reports.append)
        failure.set_default_reporter(previous)
    assert heard
    assert [report.failure.check(ZeroDivisionError) for report in reports] == [ZeroDivisionError]


@pytest.mark.parametrize("level", ["warn", "error", "critical"])
def test_a_warning_that_nobody_hears_goes_to_standard_error(capsys, level):
    _events.emit("here", level, "{what} is wrong", what="this")
    _events.emit("here", level, "{missing}")
    assert (
        capsys.readouterr().err
        == "this is wrong\n'{missing}' (which cannot be formatted: KeyError('missing'))\n"
    )


def test_what_somebody_hears_goes_nowhere_else(capsys):
    heard: list[Any] = []

    def subscriber(*event: Any) -> None:
        heard.append(event)

    _events.subscribe(subscriber)
    _events.emit("here", "warn", "wrong")
    _events.unsubscribe(subscriber)
    _events.emit("here", "info", "all is well")
    assert heard == [("here", "warn", "wrong", {})]
    assert capsys.readouterr().err == ""


def test_without_a_standard_error_there_is_nobody_to_tell(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    _events.emit("here", "warn", "wrong")
