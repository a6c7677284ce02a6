"""Which proxy a URL goes through."""

from __future__ import annotations

import pytest

from selvage.web.client._proxies import Proxy, ProxyRules


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://h:1", Proxy("http", "h", 1, None, None)),
        ("h:1", Proxy("http", "h", 1, None, None)),
        ("h", Proxy("http", "h", 8080, None, None)),
        ("https://h", Proxy("https", "h", 443, None, None)),
        ("socks5://u:p%40@[::1]:9", Proxy("socks5", "::1", 9, "u", "p@")),
        ("socks5h://h", Proxy("socks5h", "h", 1080, None, None)),
    ],
)
def test_urls_of_proxies(url, proxy):
    assert Proxy.from_url(url) == proxy


@pytest.mark.parametrize("url", ["ftp://h", "http://", "socks4://h", "http://h:x"])
def test_what_is_no_proxy(url):
    with pytest.raises(ValueError):
        Proxy.from_url(url)


def test_a_proxy_does_not_show_its_password():
    assert str(Proxy.from_url("http://user:secret@h")) == "<Proxy http://***@h:8080>"


@pytest.mark.parametrize(
    ("environ", "scheme", "host"),
    [
        ({"http_proxy": "http://p"}, "http", "p"),
        ({"HTTP_PROXY": "http://p"}, "http", "p"),
        ({"http_proxy": "http://p", "HTTP_PROXY": "http://q"}, "http", "p"),
        ({"http_proxy": "http://p"}, "https", None),
        ({"https_proxy": "http://p"}, "https", "p"),
        ({"ALL_PROXY": "http://p"}, "https", "p"),
        ({"all_proxy": "http://p", "https_proxy": "http://q"}, "https", "q"),
        ({"http_proxy": ""}, "http", None),
        ({}, "http", None),
    ],
)
def test_the_environment(environ, scheme, host):
    proxy = ProxyRules.from_environment(environ).proxy_for(scheme, "example.com", 80)
    assert (proxy and proxy.host) == host


def test_attack_040_a_header_of_a_cgi_request_is_no_proxy():
    cgi = {"REQUEST_METHOD": "GET", "HTTP_PROXY": "http://evil"}
    assert ProxyRules.from_environment(cgi).proxy_for("http", "h", 80) is None
    assert ProxyRules.from_environment({**cgi, "http_proxy": "http://p"}).proxy_for("http", "h", 80)


@pytest.mark.parametrize(
    ("entry", "host", "port", "direct"),
    [
        ("*", "h", 80, True),
        ("example.com", "example.com", 80, True),
        ("example.com", "EXAMPLE.com", 80, True),
        ("example.com", "www.example.com", 80, True),
        ("example.com", "notexample.com", 80, False),
        (".example.com", "www.example.com", 80, True),
        ("*.example.com", "www.example.com", 80, True),
        ("example.com:81", "example.com", 81, True),
        ("example.com:81", "example.com", 80, False),
        ("10.0.0.0/8", "10.1.2.3", 80, True),
        ("10.0.0.0/8", "11.1.2.3", 80, False),
        ("127.0.0.1", "127.0.0.1", 80, True),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("[::1]:81", "::1", 80, False),
        ("fe80::/10", "fe80::5", 80, True),
        (" a , b ", "b", 80, True),
        ("", "b", 80, False),
    ],
)
def test_who_is_reached_directly(entry, host, port, direct):
    rules = ProxyRules({"all": "http://p"}, entry)
    assert (rules.proxy_for("http", host, port) is None) is direct
