"""The descriptor in reserve."""

from __future__ import annotations

import errno
import io
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from selvage.transports._reservation import (
    _BuffersLogs,
    _FileDescriptorReservation,
    _IFileDescriptorReservation,
    _NullFileDescriptorReservation,
)


class Files:
    def __init__(self) -> None:
        self.opened: list[io.BytesIO] = []
        self.error: Exception | None = None

    def __call__(self) -> io.BytesIO:
        if self.error is not None:
            raise self.error
        self.opened.append(io.BytesIO())
        return self.opened[-1]


def test_it_is_held_and_given_up_within_the_block():
    files = Files()
    reservation = _FileDescriptorReservation(files)
    verifyObject(_IFileDescriptorReservation, reservation)
    assert not reservation.available()
    reservation.reserve()
    reservation.reserve()
    assert reservation.available()
    assert len(files.opened) == 1
    with pytest.raises(ZeroDivisionError), reservation:
        assert not reservation.available()
        assert files.opened[0].closed
        raise ZeroDivisionError
    assert reservation.available()
    assert len(files.opened) == 2


def test_what_is_not_held_cannot_be_given_up():
    with pytest.raises(RuntimeError, match="available"), _FileDescriptorReservation(Files()):
        pass


def test_no_descriptor_to_reserve_is_reported(reports):
    files = Files()
    files.error = OSError(errno.EMFILE, "none left")
    reservation = _FileDescriptorReservation(files)
    reservation.reserve()
    assert not reservation.available()
    assert [report.failure.value for report in reports] == [files.error]
    reports.clear()
    files.error = ValueError("something else")
    with pytest.raises(ValueError):
        reservation.reserve()


def test_failing_to_take_it_back_hides_nothing(reports):
    files = Files()
    reservation = _FileDescriptorReservation(files)
    reservation.reserve()
    with pytest.raises(ZeroDivisionError), reservation:
        files.error = ValueError("something else")
        raise ZeroDivisionError
    assert [report.failure.value for report in reports] == [files.error]
    reports.clear()


def test_the_null_reservation_is_never_held():
    reservation = _NullFileDescriptorReservation()
    verifyObject(_IFileDescriptorReservation, reservation)
    reservation.reserve()
    with reservation:
        assert not reservation.available()


def test_events_are_held_back():
    seen: list[dict[str, Any]] = []
    buffer = _BuffersLogs("a.name", seen.append)
    with pytest.raises(ZeroDivisionError), buffer as log:
        log.info("something {what}", what="happened")
        assert seen == []
        raise ZeroDivisionError
    assert seen == [{"log_format": "something {what}", "log_namespace": "a.name", "what": "happened"}]
