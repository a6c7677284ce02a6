"""Redirections: where they may lead, and what goes with them."""

from __future__ import annotations

import pytest

from selvage.tasks import Clock
from selvage.web import Headers
from selvage.web.client import Agent, BrowserLikeRedirectAgent, CookieAgent, RedirectAgent, ResponseFailed
from selvage.web.errors import InfiniteRedirection, PageRedirect, RedirectWithNoLocation, SchemeNotSupported

from .fakes import FakeAgent
from .sinks import Body

SECRETS = {
    b"authorization": [b"s"],
    b"cookie": [b"s"],
    b"cookie2": [b"s"],
    b"proxy-authorization": [b"s"],
    b"www-authenticate": [b"s"],
    b"x-own": [b"s"],
}


@pytest.fixture
def fake():
    return FakeAgent()


def start(agent, *args):
    results = []
    agent.request(*args).addBoth(results.append)
    return results


@pytest.mark.parametrize(
    ("location", "kept"),
    [
        (b"/other", True),
        (b"https://EXAMPLE.com:443/other", True),
        (b"http://example.com/", False),
        (b"https://example.com:444/", False),
        (b"https://example.org/", False),
        (b"https://sub.example.com/", False),
        (b"//evil.com/", False),
        (b"https://example.com@evil.com/", False),
    ],
)
def test_attack_072_credentials_do_not_cross_origins(fake, location, kept):
    agent = RedirectAgent(fake, sensitiveHeaderNames=[b"X-Own"])
    headers = Headers({**SECRETS, b"host": [b"example.com"], b"x-other": [b"o"]})
    start(agent, b"GET", b"https://example.com/", headers)
    fake.answer(302, location=location)
    sent = fake.requests[1][2]
    for name in [*SECRETS, b"host"]:
        assert sent.hasHeader(name) is kept, name
    assert sent.getRawHeaders(b"x-other") == [b"o"]
    assert headers.hasHeader(b"authorization")  # the caller's own are not changed


def test_attack_072_they_do_not_come_back(fake):
    start(RedirectAgent(fake), b"GET", b"https://example.com/", Headers(SECRETS))
    fake.answer(302, location=b"https://evil.com/")
    fake.answer(302, location=b"https://example.com/")
    assert not fake.requests[2][2].hasHeader(b"authorization")


@pytest.mark.parametrize("code", [301, 302, 303])
def test_attack_075_a_post_that_becomes_a_get_has_no_body_any_more(fake, code):
    headers = Headers(
        {b"content-type": [b"a/b"], b"content-length": [b"3"], b"content-encoding": [b"gzip"], b"x": [b"y"]}
    )
    start(BrowserLikeRedirectAgent(fake), b"POST", b"http://h/", headers, object())
    fake.answer(code, location=b"/x")
    method, _, sent, producer = fake.requests[1]
    assert (method, producer) == (b"GET", None)
    assert list(sent.getAllRawHeaders()) == [(b"X", [b"y"])]


def test_head_stays_head(fake):
    start(BrowserLikeRedirectAgent(fake), b"HEAD", b"http://h/")
    fake.answer(303, location=b"/x")
    assert fake.requests[1][0] == b"HEAD"


@pytest.mark.parametrize("code", [307, 308])
@pytest.mark.parametrize("kind", [RedirectAgent, BrowserLikeRedirectAgent])
def test_a_post_is_not_repeated(fake, kind, code):
    results = start(kind(fake), b"POST", b"http://h/")
    fake.answer(code, location=b"/x")
    assert results[0].value.reasons[0].check(PageRedirect)
    assert len(fake.requests) == 1


def test_attack_080_loops_end(fake):
    results = start(RedirectAgent(fake, 3), b"GET", b"http://h/a")
    for _ in range(4):
        fake.answer(302, location=b"/b")
    assert results[0].value.reasons[0].check(InfiniteRedirection)
    assert len(fake.requests) == 4


@pytest.mark.parametrize("location", [b"file:///etc/passwd", b"ftp://h/", b"data:,x", b"javascript:x"])
def test_attack_080_other_schemes_are_refused(fake, location):
    class Both(FakeAgent):
        def request(self, method, uri, *args):
            if self.requests:
                return Agent(Clock()).request(method, uri, *args)
            return super().request(method, uri, *args)

    fake = Both()
    results = start(RedirectAgent(fake), b"GET", b"http://h/")
    fake.answer(302, location=location)
    assert results[0].check(SchemeNotSupported)


def test_a_redirection_without_a_location(fake):
    results = start(RedirectAgent(fake), b"GET", b"http://h/")
    response = fake.answer(302)
    assert results[0].check(ResponseFailed)
    assert results[0].value.reasons[0].check(RedirectWithNoLocation)
    assert results[0].value.response is response


@pytest.mark.parametrize(
    ("location", "target"),
    [
        (b"b", b"http://h/d/b"),
        (b"../b", b"http://h/b"),
        (b"?q", b"http://h/d/a?q"),
        (b"/\xc3\xa9 x", b"http://h/%C3%A9%20x#f"),
        (b" /b ", b"http://h/b#f"),
        (b"/b#g", b"http://h/b#g"),
        (b"//other/", b"http://other/#f"),
    ],
)
def test_where_a_location_points_to(fake, location, target):
    start(RedirectAgent(fake), b"GET", b"http://h/d/a#f")
    fake.answer(302, location=location)
    assert fake.requests[1][1] in (target, target + b"#f")


def test_the_body_of_a_redirection_does_not_keep_its_connection_busy(fake):
    start(RedirectAgent(fake), b"GET", b"http://h/")
    response = fake.answer(302, location=b"/x")
    response._bodyDataReceived(b"x" * 60_000)
    assert not fake.transport.disconnecting
    response._bodyDataReceived(b"x" * 60_000)
    assert fake.transport.disconnecting


def test_one_that_is_there_already_can_be_read(fake):
    results = start(RedirectAgent(fake), b"GET", b"http://h/")
    from selvage.web.client import Response

    response = Response((b"HTTP", 1, 1), 302, b"", Headers({b"location": [b"/x"]}), fake.transport)
    response._bodyDataReceived(b"gone")
    response._bodyDataFinished()
    fake._waiting.pop(0).callback(response)
    fake.answer(200)
    body = Body()
    results[0].previousResponse.deliverBody(body)
    assert body.data == b"gone"


# --- Cookies -------------------------------------------------------------------------------------------------------


def cookies_sent(fake, uri):
    from http.cookiejar import CookieJar

    agent = CookieAgent(fake, CookieJar())
    start(agent, b"GET", b"https://example.com/a/b")
    fake.answer(200, set_cookie=b"a=1")
    start(agent, b"GET", uri)
    return fake.requests[-1][2].getRawHeaders(b"cookie")


@pytest.mark.parametrize(
    ("uri", "sent"),
    [
        (b"https://example.com/a/c", [b"a=1"]),
        (b"https://example.com:444/a/c", [b"a=1"]),
        (b"https://example.com/b", None),
        (b"https://example.org/a/c", None),
        (b"https://notexample.com/a/c", None),
    ],
)
def test_attack_073_cookies_are_bound_to_who_set_them(fake, uri, sent):
    assert cookies_sent(fake, uri) == sent


def test_attack_073_a_cookie_for_somebody_else_is_not_kept(fake):
    from http.cookiejar import CookieJar

    jar = CookieJar()
    start(CookieAgent(fake, jar), b"GET", b"https://evil.com/")
    fake.answer(200, set_cookie=b"a=1; Domain=example.com")
    assert list(jar) == []


def test_a_cookie_of_octets_comes_back_as_it_came(fake):
    from http.cookiejar import CookieJar

    agent = CookieAgent(fake, CookieJar())
    start(agent, b"GET", b"https://example.com/")
    fake.answer(200, set_cookie=b"a=\xc3\xa9")
    start(agent, b"GET", b"https://example.com/")
    assert fake.requests[-1][2].getRawHeaders(b"cookie") == [b"a=\xc3\xa9"]
