"""Digest, against the examples of RFC 7616, Twisted's server and httpx's client."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given, strategies as st

from selvage.web._headers import Headers
from selvage.web.client import Auth, DigestAuth, _auth
from selvage.web.client._auth import challenges_of
from tests.web.client.by_hand import EMPTY, Fixture, it as it, response

URL = "http://www.example.org/dir/index.html"
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def fields_of(value):
    [(scheme, fields)] = challenges_of([value.decode("latin-1") if isinstance(value, bytes) else value])
    assert scheme == "digest"
    return fields


def challenged(auth, *values, url=URL, again=False):
    headers = Headers()
    for value in values:
        headers.addRawHeader(b"WWW-Authenticate", value)
    return auth.challenged(url, headers, again)


@pytest.fixture
def cnonce(monkeypatch):
    monkeypatch.setattr(_auth, "token_hex", lambda size: CNONCE)


CHALLENGE = f'Digest realm="http-auth@example.org", qop="auth, auth-int", nonce="{NONCE}", opaque="{OPAQUE}"'


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_the_rfc(cnonce, algorithm, expected):
    """Section 3.9.1."""
    auth = DigestAuth("Mufasa", "Circle of Life")
    assert auth.authorization("GET", URL) is None
    assert challenged(auth, f"{CHALLENGE}, algorithm={algorithm}")
    value = auth.authorization("GET", URL)
    fields = fields_of(value)
    assert fields["response"] == expected
    assert (fields["uri"], fields["nc"], fields["qop"]) == ("/dir/index.html", "00000001", "auth")
    assert (fields["opaque"], fields["cnonce"], fields["algorithm"]) == (OPAQUE, CNONCE, algorithm)
    assert b"qop=auth," in value  # neither has quotes: section 3.4
    assert b"nc=00000001" in value
    assert fields_of(auth.authorization("GET", URL))["nc"] == "00000002"


def test_the_strongest_challenge_is_answered(cnonce):
    auth = DigestAuth("Mufasa", "Circle of Life")
    assert challenged(
        auth, f"{CHALLENGE}, algorithm=MD5", 'Basic realm="x"', f"{CHALLENGE}, algorithm=SHA-256"
    )
    assert fields_of(auth.authorization("GET", URL))["algorithm"] == "SHA-256"


def test_names_can_be_hashed_and_of_any_characters(cnonce):
    """Section 3.9.2: the name and its hash."""
    auth = DigestAuth("Jäsøn Doe", "Secret, or not?")
    challenge = (
        'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, '
        'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", charset=UTF-8'
    )
    url = "http://api.example.org/doe.json"
    assert challenged(auth, challenge + ", userhash=true", url=url)
    fields = fields_of(auth.authorization("GET", url))
    assert fields["username"] == "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
    assert fields["userhash"] == "true"
    assert challenged(auth, challenge, url=url)
    fields = fields_of(auth.authorization("GET", url))
    assert fields["username*"] == "UTF-8''J%C3%A4s%C3%B8n%20Doe"


@pytest.mark.parametrize(
    "challenge",
    [
        'Basic realm="x"',
        "Digest",
        'Digest realm="x"',
        'Digest nonce="x"',
        'Digest realm="x", nonce="y", algorithm=SHA3',
        'Digest realm="x", nonce="y", qop="auth-int"',
        "",
        "=,=",
    ],
)
def test_what_cannot_be_answered_is_not(challenge):
    assert not challenged(DigestAuth("u", "p"), challenge)


def test_refused_is_refused_and_stale_is_not():
    auth = DigestAuth("u", "p")
    assert challenged(auth, CHALLENGE)
    assert not challenged(auth, CHALLENGE, again=True)
    assert challenged(auth, CHALLENGE + ", stale=TRUE", again=True)


def test_attack_072_an_answer_is_for_one_origin():
    auth = DigestAuth("u", "p")
    assert challenged(auth, CHALLENGE)
    for other in ("https://www.example.org/", "http://www.example.org:81/", "http://example.org/"):
        assert auth.authorization("GET", other) is None


def test_challenges_that_are_remembered_are_bounded(monkeypatch):
    monkeypatch.setattr(_auth, "_REMEMBERED", 3)
    auth = DigestAuth("u", "p")
    for number in range(10):
        assert challenged(auth, CHALLENGE, url=f"http://h{number}/")
    assert list(auth._by_origin) == ["http://h7", "http://h8", "http://h9"]


def test_what_cannot_be_credentials():
    with pytest.raises(TypeError, match="the password is a bytes: give str"):
        DigestAuth("u", b"p")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the username has a control character"):
        DigestAuth("u\r\nX: y", "p")
    assert "p4ss" not in repr(DigestAuth("u", "p4ss"))


@given(st.lists(st.text(st.characters(codec="latin-1"), max_size=60), max_size=3))
def test_any_challenge_is_answered_or_not(values):
    auth = DigestAuth("u", "p")
    headers = Headers()
    headers.setRawHeaders(
        b"www-authenticate", [f"Digest {value}".replace("\0", "").encode("latin-1") for value in values]
    )
    if auth.challenged(URL, headers, False):
        auth.authorization("GET", URL)


@given(realm=st.text(st.characters(codec="latin-1", min_codepoint=32, exclude_characters="\x7f")))
def test_realms_come_back_as_they_were(realm):
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    auth = DigestAuth("u", "p")
    headers = Headers()
    headers.setRawHeaders(b"www-authenticate", [f'Digest realm="{quoted}", nonce="n"'.encode("latin-1")])
    assert auth.challenged(URL, headers, False)
    assert fields_of(auth.authorization("GET", URL))["realm"] == realm


# --- Beside others ----------------------------------------------------------------------------------------------------


@pytest.mark.needs_twisted
@pytest.mark.parametrize("algorithm", [b"md5", b"sha"])
def test_twisteds_server_accepts_it(algorithm):
    credentials = pytest.importorskip("twisted.cred.credentials")
    factory = credentials.DigestCredentialFactory(algorithm, b"the realm")
    given = factory.getChallenge(b"127.0.0.1")
    words = b", ".join(b'%b="%b"' % (name.encode(), value) for name, value in given.items())
    auth = DigestAuth("user", "pass")
    if algorithm == b"sha":  # SHA-1, which no standard has
        assert not challenged(auth, b"Digest " + words)
        return
    assert challenged(auth, b"Digest " + words)
    value = auth.authorization("PUT", URL)
    got = factory.decode(value.partition(b" ")[2], b"PUT", b"127.0.0.1")
    assert got.username == b"user"
    assert got.checkPassword(b"pass")
    assert not got.checkPassword(b"word")


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-SESS", None])
@pytest.mark.parametrize("qop", [', qop="auth"', ", qop=auth", ""])
def test_httpx_computes_the_same(monkeypatch, algorithm, qop):
    httpx = pytest.importorskip("httpx")
    name = "" if algorithm is None else f", algorithm={algorithm}"
    challenge = f'Digest realm="a \\"b\\" c", nonce="{NONCE}"{qop}{name}'
    theirs = httpx.DigestAuth("user", "pass")
    monkeypatch.setattr(theirs, "_get_client_nonce", lambda *args: CNONCE.encode())
    monkeypatch.setattr(_auth, "token_hex", lambda size: CNONCE)
    request = httpx.Request("GET", URL + "?a=b")
    flow = theirs.auth_flow(request)
    next(flow)
    answer = httpx.Response(401, headers={"www-authenticate": challenge}, request=request)
    expected = fields_of(flow.send(answer).headers["authorization"])["response"]
    auth = DigestAuth("user", "pass")
    assert challenged(auth, challenge)
    assert fields_of(auth.authorization("GET", URL + "?a=b"))["response"] == expected


# --- With the client --------------------------------------------------------------------------------------------------


def busy(it):
    """Return the number of the connection that a request is on."""
    [number] = [number for number, each in enumerate(it.router.connections) if each.state != "QUIESCENT"]
    return number


def unauthorized(challenge=CHALLENGE):
    return response(401, b"who?", WWW_Authenticate=challenge)


def sent_authorization(it):
    return re.search(rb"Authorization: (.*)\r\n", it.sent())


def test_a_request_is_sent_twice_and_the_next_ones_once(it):
    auth = DigestAuth("u", "p")
    results = it("POST", "http://h/path?q", data=b"body", auth=auth)
    assert sent_authorization(it) is None
    it.answer(unauthorized())
    assert results == []
    assert it.sent().startswith(b"POST /path?q HTTP/1.1\r\n")
    assert it.sent().endswith(b"body")
    assert fields_of(sent_authorization(it)[1])["uri"] == "/path?q"
    it.answer(EMPTY)
    assert results[0].status == 200
    results = it("GET", "http://h/other", auth=auth)
    assert fields_of(sent_authorization(it)[1])["nc"] == "00000002"
    it.answer(EMPTY)
    assert results[0].status == 200


def test_a_wrong_password_ends(it):
    results = it("GET", "http://h/", auth=DigestAuth("u", "wrong"))
    it.answer(unauthorized())
    it.answer(unauthorized())
    assert results[0].status == 401
    assert results[0].content == b"who?"


def test_a_server_that_finds_every_nonce_stale_is_not_believed_for_ever(it):
    results = it("GET", "http://h/", auth=DigestAuth("u", "p"))
    for _ in range(3):
        assert results == []
        it.answer(unauthorized(CHALLENGE + ", stale=true"), busy(it))
    assert results[0].status == 401


def test_a_body_that_can_be_read_once_is_not_sent_twice(it):
    results = it("POST", "http://h/", data=iter([b"x"]), auth=DigestAuth("u", "p"))
    it.answer(unauthorized())
    assert results[0].status == 401


def test_attack_072_digest_stays_with_its_origin(it):
    results = it("GET", "http://h/", auth=DigestAuth("u", "p"))
    it.answer(response(302, b"", Location="http://other/"))
    it.answer(unauthorized())
    assert results[0].status == 401  # the other one's challenge is not answered
    it = Fixture(base_url="http://h/", auth=DigestAuth("u", "p"))
    results = it("GET", "http://other/")
    it.answer(unauthorized())
    assert results[0].status == 401
    results = it("GET", "/")
    it.answer(unauthorized())
    assert sent_authorization(it)
    it.answer(EMPTY)
    assert results[0].status == 200


def test_credentials_of_ones_own(it):
    class Counting(Auth):
        count = 0

        def authorization(self, method, url):
            self.count += 1
            return f"Count {method} {url} {self.count}"

    auth = Counting()
    for number in (1, 2):
        results = it("GET", "http://h/", auth=auth)
        assert sent_authorization(it)[1] == b"Count GET http://h/ %d" % number
        it.answer(response(401))
        assert results[0].status == 401
    it("GET", "http://h/", auth=auth, headers={"authorization": "Mine x"})
    assert sent_authorization(it)[1] == b"Mine x"


def test_basic_is_not_asked_for(it):
    it("GET", "http://h/", auth=("u", "p"))
    assert sent_authorization(it)[1] == b"Basic " + base64.b64encode(b"u:p")
