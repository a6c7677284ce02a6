"""What the pleasant client says to who tells it something that cannot be."""

from __future__ import annotations

import io
import re

import pytest

from selvage.web.client import Client, RequestError, RequestTimeout, Retries, Timeouts
from tests.web.client.by_hand import EMPTY, Fixture, failure_of, it as it

URL = "http://h/"


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"timeout": "5"}, TypeError, "the total timeout is a str: give seconds"),
        ({"timeout": True}, TypeError, "the total timeout is a bool"),
        ({"timeout": -1}, ValueError, "the total timeout is -1: give seconds above 0"),
        ({"timeout": 0}, ValueError, "the total timeout is 0"),
        ({"timeout": float("nan")}, ValueError, "the total timeout is nan"),
        (
            {"timeout": (3, 5)},
            TypeError,
            "timeout=(3, 5): give seconds, or Timeouts(total=, connect=, read=)",
        ),
        ({"retries": "2"}, ValueError, "retries='2': give how often"),
        ({"retries": -1}, ValueError, "retries=-1"),
        ({"retries": True}, ValueError, "retries=True"),
        ({"headers": "a: b"}, TypeError, "headers= is no mapping, and no list of pairs"),
        ({"headers": ["ab"]}, TypeError, "headers= is no mapping"),
        ({"headers": {"a": 5}}, TypeError, "the value of header 'a' is a int: give str or bytes"),
        ({"auth": 5}, TypeError, "auth= is a int: give (user, password)"),
        ({"auth": ("u",)}, TypeError, "auth= is a tuple"),
        ({"auth": ("u", None)}, TypeError, "auth= is a tuple: give (user, password), both str"),
        (
            {"auth": "t0ken"},
            ValueError,
            "auth= is one word: give (user, password), or scheme and credentials",
        ),
        ({"auth": ("a:b", "c")}, ValueError, "cannot have a colon"),
        ({"limit_bytes": "1"}, TypeError, "limit_bytes= is a str: give a whole number"),
        ({"limit_bytes": -1}, ValueError, "limit_bytes=-1: give 0 or more"),
    ],
)
@pytest.mark.parametrize("where", ["Client", "request"])
def test_options_of_both(where, options, kind, words):
    with pytest.raises(kind, match=re.escape(words)) as caught:
        if where == "Client":
            Fixture(**options)
        else:
            Fixture().client.get(URL, **options)
    assert "t0ken" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"proxy": 5}, TypeError, "proxy= is a int: give a URL, a mapping by scheme, or False"),
        ({"proxy": {"http://": "http://p"}}, ValueError, "proxy={'http://': ...}: there are proxies for"),
        ({"proxy": "http://p:99999"}, ValueError, "the URL of a proxy has no port that can be"),
        ({"proxy": "ftp://p"}, ValueError, "a proxy of the kind 'ftp' is not known"),
        ({"base_url": "example.com"}, ValueError, "'example.com' is no URL of http or https"),
        ({"base_url": 5}, TypeError, "the URL is a int: give str"),
        ({"cookies": "a=b"}, TypeError, "cookies= is a str: give a CookieJar"),
        ({"cookies": {"a": "b"}}, ValueError, "nothing says which host these cookies are for"),
        ({"max_per_host": 0}, ValueError, "max_per_host=0: give 1 or more"),
        ({"max_connections": "9"}, TypeError, "max_connections= is a str: give a whole number"),
        ({"max_redirects": -1}, ValueError, "max_redirects=-1: give 0 or more"),
        ({"policy": 5}, TypeError, "policy= is a int: give an IPolicyForHTTPS"),
        ({"address_filter": 5}, TypeError, "address_filter= is a int: give what is called"),
        ({"idle_s": -1}, ValueError, "idle_s is -1"),
    ],
)
def test_options_of_the_client(options, kind, words):
    with pytest.raises(kind, match=re.escape(words)):
        Fixture(**options)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"params": "a=b"}, TypeError, "params= is no mapping, and no list of pairs"),
        ({"params": 5}, TypeError, "params= is no mapping"),
        ({"json": {1}}, TypeError, "json= cannot be sent: Object of type set"),
        ({"json": float("nan")}, ValueError, "json= cannot be sent: Out of range"),
        ({"data": 5}, TypeError, "data=int cannot be sent"),
        ({"data": io.StringIO("x")}, TypeError, "opened in binary mode"),
        ({"files": "x"}, TypeError, "files= is no mapping"),
        ({"files": {"f": None}}, TypeError, "files={'f': ...} is a NoneType: give contents, or a file"),
        ({"files": {"f": ("a",)}}, TypeError, "files={'f': ...}: give (name, contents)"),
        ({"files": {"f": io.StringIO("x")}}, TypeError, "opened in binary mode"),
        ({"timout": 3}, TypeError, "no option 'timout': use timeout="),
        ({"allow_redirects": False}, TypeError, "no option 'allow_redirects': use follow_redirects="),
        ({"content": b""}, TypeError, "no option 'content': use data="),
        ({"verify": False}, TypeError, "no option 'verify': use policy= of Client"),
        ({"stream": True}, TypeError, "no option 'stream': use client.stream(method, url)"),
        ({"zzz": 1}, TypeError, "no option 'zzz': see RequestOptions"),
    ],
)
def test_options_of_a_request(it, options, kind, words):
    with pytest.raises(kind, match=re.escape(words)):
        it.client.post(URL, **options)
    assert it.router.connections == []


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        (b"http://h/", TypeError, "the URL is a bytes: give str"),
        (None, TypeError, "the URL is a NoneType"),
        (
            "/path",
            ValueError,
            "'/path' is no URL of http or https; a relative one needs a Client with base_url=",
        ),
        ("http://h:port/?secret", ValueError, "the URL 'http://h:port/' cannot be taken apart: Port"),
        ("http://[::1", ValueError, "cannot be taken apart"),
        ("http://a\nb/", ValueError, "has a control character in it"),
        ("http://h/\0", ValueError, "has a control character in it"),
    ],
)
def test_urls(it, url, kind, words):
    with pytest.raises(kind, match=re.escape(words)):
        it.client.get(url)


@pytest.mark.parametrize(
    ("method", "kind"),
    [(b"GET", TypeError), (None, TypeError), ("G T", ValueError), ("G\xc9T", ValueError), ("", ValueError)],
)
def test_methods(it, method, kind):
    with pytest.raises(kind, match="method"):
        it.client.request(method, URL)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Timeouts(total=-1),
        lambda: Timeouts(connect="x"),  # type: ignore[arg-type]
        lambda: Retries(2, methods="GET"),  # type: ignore[arg-type]
        lambda: Retries(2, methods=frozenset({"post"})),
        lambda: Retries(2, statuses=500),  # type: ignore[arg-type]
        lambda: Retries(first_delay_s=-1),
    ],
)
def test_limits(make):
    with pytest.raises((TypeError, ValueError)):
        make()


def test_pieces_of_a_body_are_bytes(it):
    assert "a piece of a body is a int: data= has to yield bytes" in str(
        failure_of(it("POST", URL, data=[1]))
    )
    it("POST", URL, data=iter([bytearray(b"ab"), memoryview(b"c")]))
    assert it.sent().endswith(b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")


def test_params_without_a_value_are_left_out(it):
    it("GET", URL + "?x=1", params={"a": None, "b": True, "c": False, "d": [1, 2], "e": ""})
    assert it.sent().startswith(b"GET /?x=1&b=true&c=false&d=1&d=2&e= ")


def test_cookies_for_the_host_of_the_base(it):
    it = Fixture(base_url="https://h/", cookies={"a": "b"})
    it("GET", "/")
    it.router.connections[0].handshakeCompleted()
    assert b"\r\nCookie: a=b\r\n" in it.sent()
    for other in ("http://h/", "http://other/"):
        it("GET", other)
        assert b"Cookie" not in it.sent()


@pytest.mark.parametrize("host", ["[::1]:81", "[::ffff:1.2.3.4]", "127.0.0.1:81", "localhost", "example.org"])
def test_cookies_for_whatever_names_the_host_of_the_base(host):
    it = Fixture(base_url=f"http://{host}/", cookies={"a": "b"})
    it("GET", "/")
    assert b"\r\nCookie: a=b\r\n" in it.sent()


def test_a_place_in_the_line_belongs_to_connecting():
    it = Fixture(max_per_host=1)
    it("GET", URL)
    results = it("GET", URL, timeout=Timeouts(connect=5))
    it.clock.advance(5.1)
    error = failure_of(results, RequestTimeout)
    assert (error.stage, error.which) == ("connect", "connect")


def test_a_client_that_is_closed_says_so(it):
    it.client.close()
    error = failure_of(it("GET", URL))
    assert isinstance(error, RequestError)
    assert str(error) == "GET http://h/ failed (connect): RuntimeError: the client is closed"


def test_nothing_is_wrong_with_what_there_is():
    it = Fixture(timeout=None, retries=0, limit_bytes=None, max_redirects=0, headers=[("a", "b")], auth=None)
    results = it("GET", URL, params=[("a", "b")], headers={"x": ["1", "2"]}, auth="Bearer t0ken")
    it.answer(EMPTY)
    assert results[0].status == 200
    assert isinstance(it.client, Client)


def test_port_0_is_no_other_word_for_the_usual_port(it):
    """A filter of ports that is asked about 0 would else let through what goes to 80."""
    for url in ("http://example.com:0/", "https://example.com:0/"):
        with pytest.raises(ValueError, match=r"example\.com:0/' names port 0"):
            it("GET", url)
    assert it.router.routes == []
    it("GET", "http://example.com:/")
    assert it.router.routes[0].port == 80
