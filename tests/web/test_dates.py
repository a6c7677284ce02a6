"""Dates of HTTP: one form is written, all three are read, and what is no moment is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from selvage.web._dates import _century, datetimeToLogString, datetimeToString, stringToDatetime, timegm

MOMENT = 784111777


@pytest.mark.parametrize(
    "text",
    [
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"06 Nov 1994 08:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
        b" sun, 6 nov 1994 08:49:37 ",
    ],
)
def test_three_forms_are_read(text):
    assert stringToDatetime(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"now",
        b"Sun, 06 Now 1994 08:49:37 GMT",
        b"Sun, 31 Feb 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 25:49:37 GMT",
        b"Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, ٠٦ Nov 1994 08:49:37 GMT".encode(),
        b"Sun, 06 Nov 1994 08:49:37 GMT\r\nX: y",
    ],
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError):
        stringToDatetime(text)


@given(st.integers(0, 2**34))
def test_what_is_written_can_be_read(moment):
    assert stringToDatetime(datetimeToString(moment)) == moment


def test_a_log_has_its_own_form():
    assert datetimeToLogString(MOMENT) == "[06/Nov/1994:08:49:37 +0000]"


def test_a_month_that_is_none_is_named():
    with pytest.raises(ValueError, match="no day 1994-13-1"):
        timegm(1994, 13, 1, 0, 0, 0)


def test_two_digits_of_a_year_mean_the_nearest_past_beyond_fifty_years():
    import time

    this = time.gmtime().tm_year
    for digits in range(100):
        assert this - 100 < digits + _century(digits) <= this + 50
