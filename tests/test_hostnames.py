"""What can be a host name, and its two spellings."""

from __future__ import annotations

import sys
import tracemalloc

import pytest
from hypothesis import given, strategies as st

from selvage._hostnames import MAX_LABEL_LENGTH, MAX_NAME_LENGTH, _idnaBytes, _idnaText, ascii_name, shortened

LONGEST = ".".join(["x" * 63] * 3 + ["x" * 61])


@pytest.fixture(params=["idna", "codec"])
def either(request, monkeypatch):
    """With the package `idna`, and with the standard library alone."""
    if request.param == "codec":
        monkeypatch.setitem(sys.modules, "idna", None)
    return request.param


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("host.example", "host.example"),
        ("Host.Example.", "Host.Example."),
        ("_service._tcp.example", "_service._tcp.example"),
        ("-dash-.example", "-dash-.example"),
        ("b\xfccher.example", "xn--bcher-kva.example"),
        ("B\xdcCHER.Example", "xn--bcher-kva.Example"),
        ("_x.b\xfccher.example", "_x.xn--bcher-kva.example"),
        ("bu\u0308cher\u3002example\uff0e", "xn--bcher-kva.example."),
        (LONGEST, LONGEST),
        (LONGEST + ".", LONGEST + "."),
    ],
)
def test_names(either, name, expected):
    assert ascii_name(name) == expected


def test_idna_2008_where_there_is_a_library():
    assert ascii_name("fa\xdf.example") == "xn--fa-hia.example"
    assert _idnaBytes("fa\xdf.example") == b"xn--fa-hia.example"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        (".", "empty"),
        (".example", "empty"),
        ("two..dots", "empty"),
        ("\xfc..example", "empty"),
        ("x" * 64, "63"),
        ("\xfc" * 63 + ".example", ""),
        (LONGEST + "x", "253"),
        ("x" * 1_000_000, "253"),
        (".".join(["\xfc" * 9] * 25), "253"),
        ("a\0b", "x00"),
        ("a\nb", "n"),
        ("a b", "' '"),
        ("\xfc\xa0b.example", ""),
        ("\udc80.example", ""),
    ],
)
def test_what_is_no_name(either, name, why):
    with pytest.raises(UnicodeError) as caught:
        ascii_name(name)
    assert why in str(caught.value)


@given(st.text(max_size=300))
def test_any_text_is_a_name_or_none(text):
    try:
        name = ascii_name(text)
    except UnicodeError:
        return
    assert name.isascii()
    assert len(name) <= MAX_NAME_LENGTH + 1
    assert all(0 < len(label) <= MAX_LABEL_LENGTH for label in name.removesuffix(".").split("."))
    assert not set(name) & {chr(number) for number in (*range(33), 127)}
    assert ascii_name(name) == name


@pytest.mark.parametrize(
    ("convert", "name"),
    [
        (ascii_name, "\u0e33" * 1_000_000),
        (_idnaBytes, "\u0e33" * 1_000_000),
        (_idnaText, b"x" * 1_000_000),
    ],
    ids=["ascii_name", "_idnaBytes", "_idnaText"],
)
def test_attack_051_length_first(either, convert, name):
    """CVE-2024-3651: refusing a name costs nothing, however long it is; not even a copy of it is made."""
    tracemalloc.start()
    try:
        with pytest.raises(UnicodeError, match="253"):
            convert(name)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(name) / 10


def test_the_two_spellings(either):
    assert _idnaBytes("b\xfccher.example") == b"xn--bcher-kva.example"
    assert _idnaText(b"xn--bcher-kva.example") == "b\xfccher.example"


def test_messages_show_the_beginning_of_a_long_name():
    assert shortened("host.example") == "'host.example'"
    assert shortened(b"host.example") == "b'host.example'"
    assert shortened(None) == "<NoneType>"
    long = shortened("x" * 1_000_000)
    assert long.startswith("'xxxx")
    assert "1000000" in long
    assert len(long) < 120
    assert "\n" not in shortened("a\nb")
