"""Dates as HTTP writes them, and as access logs do.  Floor 4; imports nothing of ours.

Source: RFC 9110 section 5.6.7; all three forms are read, only the first is written.
"""

from __future__ import annotations

import calendar
import re
import time

__all__ = ["datetimeToLogString", "datetimeToString", "stringToDatetime", "timegm"]

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(_MONTHS, 1)}

# The weekday says nothing that the rest does not, and some leave it out:
#   IMF-fixdate   Sun, 06 Nov 1994 08:49:37 GMT
#   RFC 850       Sunday, 06-Nov-94 08:49:37 GMT
#   asctime       Sun Nov  6 08:49:37 1994
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_FORMS = tuple(
    re.compile(form, re.ASCII | re.IGNORECASE)
    for form in (
        rf"(?:[a-z]{{3,9}}, )?(?P<day>[0-9]{{1,2}}) (?P<month>[a-z]{{3}}) (?P<year>[0-9]{{4}}) {_TIME}(?: GMT| UTC)?",
        rf"(?:[a-z]{{3,9}}, )?(?P<day>[0-9]{{1,2}})-(?P<month>[a-z]{{3}})-(?P<year>[0-9]{{2,4}}) {_TIME}(?: GMT| UTC)?",
        rf"(?:[a-z]{{3}} )?(?P<month>[a-z]{{3}}) {{1,2}}(?P<day>[0-9]{{1,2}}) {_TIME} (?P<year>[0-9]{{4}})",
    )
)


def datetimeToString(msSinceEpoch: float | None = None) -> bytes:
    """Return a moment as IMF-fixdate.

    Args:
        msSinceEpoch: seconds since 1970, despite the name; None for now.
    """
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(msSinceEpoch)
    return (
        f"{_WEEKDAYS[weekday]}, {day:02d} {_MONTHS[month - 1]} {year:4d} {hour:02d}:{minute:02d}:{second:02d} GMT"
    ).encode("ascii")


def datetimeToLogString(msSinceEpoch: float | None = None) -> str:
    """Return a moment in the form of Apache's log, in UTC.

    Args:
        msSinceEpoch: seconds since 1970, despite the name; None for now.
    """
    year, month, day, hour, minute, second, _, _, _ = time.gmtime(msSinceEpoch)
    return f"[{day:02d}/{_MONTHS[month - 1]}/{year:4d}:{hour:02d}:{minute:02d}:{second:02d} +0000]"


def timegm(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    """Return the seconds since 1970 of a moment in UTC.

    Raises:
        ValueError: there is no such moment, or it is before 1970.
    """
    if year < 1970:
        raise ValueError(f"the year {year} is before 1970")
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise ValueError(f"there is no day {year}-{month}-{day}")
    if not (0 <= hour <= 24 and 0 <= minute < 60 and 0 <= second <= 61):
        raise ValueError(f"there is no time {hour}:{minute}:{second}")
    return calendar.timegm((year, month, day, hour, minute, second))


def stringToDatetime(dateString: bytes) -> int:
    """Return the seconds since 1970 of a date as HTTP writes it.

    Raises:
        ValueError: it has none of the three forms, or there is no such moment.
    """
    text = dateString.decode("latin-1").strip()
    for form in _FORMS:
        found = form.fullmatch(text)
        if found is not None:
            break
    else:
        raise ValueError(f"{dateString!r} is not a date as HTTP writes it")
    month = _MONTH_NUMBERS.get(found["month"].lower())
    if month is None:
        raise ValueError(f"{found['month']!r} in {dateString!r} is no month")
    year = int(found["year"])
    if len(found["year"]) == 2:
        year += _century(year)
    return timegm(
        year, month, int(found["day"]), int(found["hour"]), int(found["minute"]), int(found["second"])
    )


def _century(year: int) -> int:
    """Return what to add to a year of two digits: RFC 9110 has it mean the past when it seems over 50 years ahead."""
    this = time.gmtime().tm_year
    century = this - this % 100
    return century if century + year <= this + 50 else century - 100
