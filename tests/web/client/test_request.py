"""Requests as bytes: nothing is written that was not meant."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from selvage.testing import StringTransport
from selvage.web import Headers
from selvage.web.client import BadHeaders, Request
from selvage.web.client._request import ChunkedEncoder

from .test_connection import Producer

HOST = Headers({b"host": [b"h"]})


def written(method=b"GET", uri=b"/", headers=HOST, producer=None, persistent=True):
    transport = StringTransport()
    Request(method, uri, headers, producer, persistent).writeTo(transport)
    return transport.value()


BAD = [b"GET\r\nX: y", b"GET ", b"GET\t", b"G\0T", b"G\xe9T", b"", b"G(T"]


@pytest.mark.parametrize("method", BAD)
def test_attack_032_methods_with_lines_of_their_own(method):
    with pytest.raises(ValueError, match="^Invalid method"):
        Request(method, b"/", HOST, None)


@pytest.mark.parametrize("uri", [b"/\r\nX: y", b"/ HTTP/1.1", b"/\t", b"/\0", b"/\xe9", b""])
def test_attack_032_targets_with_lines_of_their_own(uri):
    with pytest.raises(ValueError, match="^Invalid URI"):
        Request(b"GET", uri, HOST, None)


def test_attack_033_what_is_changed_afterwards_is_checked_again():
    for name, value in (("method", b"GET / HTTP/1.1\r\nX:"), ("uri", b"/ HTTP/1.1\r\nX: y")):
        request = Request(b"GET", b"/", HOST, None)
        setattr(request, name, value)
        transport = StringTransport()
        with pytest.raises(ValueError, match="^Invalid"):
            request.writeTo(transport)
        assert transport.value() == b""


@given(st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=20))
def test_attack_034_a_request_has_the_lines_it_should_have(method, uri, value):
    try:
        headers = Headers({b"host": [b"h"], b"x": [value]})
        data = written(method, uri, headers)
    except ValueError:
        return
    head = data.split(b"\r\n")
    assert len(head) == (6 if method in (b"POST", b"PUT") else 5)
    assert data.count(b"\n") == data.count(b"\r") == len(head) - 1
    assert data.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("hosts", [[], [b"a", b"b"]])
def test_exactly_one_host(hosts):
    with pytest.raises(BadHeaders):
        written(headers=Headers({b"host": hosts}))


@pytest.mark.parametrize("producer", [None, Producer(5), Producer()])
def test_what_says_how_long_the_body_is_comes_from_the_body(producer):
    """Two lengths, or a length beside chunks, are what smuggling is made of."""
    headers = Headers({b"host": [b"h"], b"content-length": [b"9"], b"transfer-encoding": [b"chunked"]})
    data = written(b"POST", headers=headers, producer=producer)
    framing = [line for line in data.split(b"\r\n") if line[:7] in (b"Content", b"Transfe")]
    expected = {None: b"Content-Length: 0"}.get(producer) or (
        b"Content-Length: 5" if producer.length == 5 else b"Transfer-Encoding: chunked"
    )
    assert framing == [expected]


def test_an_empty_write_does_not_end_a_chunked_body():
    transport = StringTransport()
    encoder = ChunkedEncoder(transport)
    encoder.registerProducer(object(), True)
    encoder.write(b"")
    encoder.write(b"a")
    assert transport.value() == b"1\r\na\r\n"


def test_a_request_shows_neither_query_nor_headers():
    request = Request(b"GET", b"/a?secret", Headers({b"host": [b"h"], b"cookie": [b"secret"]}), None)
    assert repr(request) == "<Request GET /a>"


@pytest.mark.parametrize(("method", "uri"), [("GET", b"/"), (b"GET", "/")])
def test_text_is_no_octets(method, uri):
    with pytest.raises(TypeError, match="give bytes"):
        Request(method, uri, HOST, None)
