"""Time zones by their distance from UTC, and dates with them as text.  Floor 3."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

__all__ = ["FixedOffset", "date_from_text", "date_to_text", "utc"]

_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})(.)(\d\d):(\d\d)",
    re.ASCII,
)


class FixedOffset(tzinfo):
    """A zone that is always as far from UTC; named after that."""

    def __init__(self, offset: timedelta) -> None:
        self.offset = offset

    @classmethod
    def fromSignHoursMinutes(cls, sign: str, hours: int, minutes: int) -> FixedOffset:
        """Make one from a sign, + for east, and a time.

        Raises:
            ValueError: this is no sign.
        """
        if sign not in ("+", "-"):
            raise ValueError(f"a zone begins with + or -, not {sign!r}")
        offset = timedelta(hours=hours, minutes=minutes)
        return cls(-offset if sign == "-" else offset)

    def utcoffset(self, dt: datetime | None) -> timedelta:
        """Return how much later it is there."""
        return self.offset

    def dst(self, dt: datetime | None) -> timedelta:
        """Return nothing: there is no summer time."""
        return timedelta(0)

    def tzname(self, dt: datetime | None) -> str:
        """Return it as "+01:00"."""
        minutes = round(self.offset.total_seconds() / 60)
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.tzname(None)}>"


# By this name, too, programs know it.
_FixedOffsetTZInfo = FixedOffset

utc = FixedOffset(timedelta(0))


def date_to_text(date: datetime) -> str:
    """Write a date as "2010-12-25T00:00:00.000000+01:00"; UTC is "-00:00".

    Raises:
        ValueError: it has no zone.
    """
    offset = date.utcoffset()
    if offset is None:
        raise ValueError(f"{date!r} has no time zone: give it a tzinfo, as amp.utc")
    minutes = round(offset.total_seconds() / 60)
    zone = f"{'+' if minutes > 0 else '-'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    naive = date.replace(tzinfo=None)
    return naive.isoformat(timespec="microseconds") + zone


def date_from_text(text: str) -> datetime:
    """Read what `date_to_text` wrote.

    Raises:
        ValueError: this is no date.
    """
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no date as in 2010-12-25T00:00:00.000000+01:00")
    *numbers, sign, hours, minutes = found.groups()
    zone = FixedOffset.fromSignHoursMinutes(sign, int(hours), int(minutes))
    year, month, day, hour, minute, second, microsecond = map(int, numbers)
    return datetime(year, month, day, hour, minute, second, microsecond, zone)
