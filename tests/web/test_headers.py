"""Header fields: any case, lists of values, and nothing in them that could begin a header of its own."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from selvage.web import Headers, InvalidHeaderName
from selvage.web._headers import _NameEncoder, _nameEncoder

TOKEN = st.text("!#$%&'*+-.^_`|~azAZ09", min_size=1)


def test_names_match_in_any_case_and_go_out_in_one():
    headers = Headers({"content-TYPE": ["text/plain"], b"www-authenticate": [b"Basic"]})
    assert headers.getRawHeaders(b"Content-type") == [b"text/plain"]
    assert headers.getRawHeaders("CONTENT-TYPE") == ["text/plain"]
    assert [name for name, _ in headers.getAllRawHeaders()] == [b"Content-Type", b"WWW-Authenticate"]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\n\n", "\r\r\n"])
def test_attack_031_line_ends_in_a_value_begin_nothing(end):
    headers = Headers()
    headers.setRawHeaders(b"Location", [f"/{end}Set-Cookie: a=b"])
    headers.addRawHeader(b"Location", f"/{end}Set-Cookie: a=b".encode())
    for value in headers.getRawHeaders(b"location"):
        assert not set(value) & set(b"\r\n")


def test_attack_006_a_nul_cannot_be_sent():
    with pytest.raises(ValueError, match="contains a NUL"):
        Headers({b"x": [b"a\0b"]})


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\n", "\r", "\xe9", "a\0", "a\t", "(a)"])
def test_attack_007_a_name_is_a_token(name):
    headers = Headers()
    with pytest.raises(InvalidHeaderName, match="is no name of a header"):
        headers.setRawHeaders(name, ["1"])
    with pytest.raises(InvalidHeaderName):
        headers.addRawHeader(name.encode("latin-1"), "1")


def test_one_value_in_the_place_of_a_list_is_named():
    with pytest.raises(TypeError, match=re.escape("needs a list of values, such as ['1']")):
        Headers().setRawHeaders("x", "1")
    with pytest.raises(TypeError, match="is a int"):
        Headers().addRawHeader("x", 1)  # type: ignore[arg-type]


def test_the_cache_of_names_is_bounded(monkeypatch):
    monkeypatch.setattr(_NameEncoder, "_MAX_CACHED_HEADERS", len(_nameEncoder._canonicalHeaderCache) + 2)
    for number in range(9):
        assert _nameEncoder.encode(b"x-invented-%d" % number) == b"X-Invented-%d" % number
    assert len(_nameEncoder._canonicalHeaderCache) == _NameEncoder._MAX_CACHED_HEADERS


def test_no_long_name_is_cached():
    before = len(_nameEncoder._canonicalHeaderCache)
    assert _nameEncoder.encode(b"x-" + b"y" * 9998) == b"X-Y" + b"y" * 9997
    assert len(_nameEncoder._canonicalHeaderCache) == before


@given(
    st.lists(
        st.tuples(TOKEN.map(str.encode), st.binary(max_size=9).map(lambda v: re.sub(rb"[\0\r\n]", b"", v)))
    )
)
def test_fields_of_the_wire_are_those_that_are_set(fields):
    one_by_one = Headers()
    for name, value in fields:
        one_by_one.addRawHeader(name, value)
    assert Headers._of_wire(fields) == one_by_one
    assert one_by_one.copy() == one_by_one
    assert eval(repr(one_by_one)) == one_by_one


def test_a_copy_changes_alone():
    headers = Headers({"a": ["1"]})
    copy = headers.copy()
    copy.addRawHeader("a", "2")
    copy.removeHeader("b")
    assert headers == Headers({"a": ["1"]})
    assert headers != copy and headers != {"a": ["1"]}


def test_a_value_that_is_no_text_is_refused_with_its_name():
    headers = Headers()
    for give in (headers.addRawHeader, lambda name, value: headers.setRawHeaders(name, [value])):
        with pytest.raises(TypeError, match=r"^the value of header 'X-Count' is a int: give str or bytes$"):
            give("X-Count", 5)
    assert not headers.hasHeader("x-count")
