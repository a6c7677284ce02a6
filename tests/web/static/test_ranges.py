"""Which parts of a file a client asks for."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from selvage.web.static._ranges import MAX_RANGES, costs_more_than_all, parse_range_header, satisfiable


@pytest.mark.parametrize(
    ("value", "ranges"),
    [
        (b"bytes=0-4", [(0, 4)]),
        (b"bytes=-5", [(None, 5)]),
        (b"bytes=5-", [(5, None)]),
        (b" bytes = 1 - 2 ,, 3-3", [(1, 2), (3, 3)]),
    ],
)
def test_ranges_are_read(value, ranges):
    assert parse_range_header(value) == ranges


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"bytes",
        b"bytes=",
        b"bytes=,",
        b"lines=1-2",
        b"bytes=1",
        b"bytes=-",
        b"bytes=2-1",
        b"bytes=a-b",
        b"bytes=1-2;3",
    ],
)
def test_what_is_no_range_is_refused(value):
    with pytest.raises(ValueError):
        parse_range_header(value)


@pytest.mark.parametrize("digits", ["+1", "1_0", "\u0661", "\xb2", "0x1", "1.0", "--1"])
def test_attack_015_digits_are_those_of_ascii(digits):
    for value in (f"bytes={digits}-", f"bytes=-{digits}", f"bytes=0-{digits}"):
        with pytest.raises(ValueError):
            parse_range_header(value.encode())


def test_attack_052_a_flood_of_ranges_is_refused():
    one = b"0-0,"
    assert len(parse_range_header(b"bytes=" + one * MAX_RANGES)) == MAX_RANGES
    with pytest.raises(ValueError, match="more than 32"):
        parse_range_header(b"bytes=" + one * (MAX_RANGES + 1))
    assert costs_more_than_all([(0, 10), (0, 1)], 10) and not costs_more_than_all([(0, 5), (5, 5)], 10)


@given(st.one_of(st.none(), st.integers(0, 30)), st.one_of(st.none(), st.integers(0, 30)), st.integers(0, 20))
def test_a_range_is_what_slicing_says(first, last, size):
    if first is None and last is None:
        return
    content = bytes(range(size))
    wanted = (
        content[max(0, size - last) :]
        if first is None
        else content[first : None if last is None else last + 1]
    )
    part = satisfiable((first, last), size)
    if part is None:
        assert wanted == b""
    else:
        offset, length = part
        assert length > 0 and content[offset : offset + length] == wanted and offset + length <= size
