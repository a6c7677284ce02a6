"""HTTP Digest: challenges, answers, and what answers are refused."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, strategies as st

from selvage.auth import (
    DigestCredentialFactory,
    DigestedCredentials,
    LoginFailed,
    StaleChallenge,
    calcHA1,
    calcHA2,
    calcResponse,
)
from selvage.auth._grammar import parse_parameters
from selvage.auth._nonces import MAX_NONCES, WINDOW, UsedAnswers

HOST = "192.0.2.1"


@pytest.mark.parametrize(
    "algorithm, answer",
    [
        (b"md5", b"8ca523f5e9506fed4657c9700eebdbec"),
        (b"sha-256", b"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616(algorithm, answer):
    nonce, cnonce = (
        b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    one = calcHA1(algorithm, b"Mufasa", b"http-auth@example.org", b"Circle of Life", nonce, cnonce)
    two = calcHA2(algorithm, b"GET", b"/dir/index.html", b"auth", None)
    assert calcResponse(one, two, algorithm, nonce, b"00000001", cnonce, b"auth") == answer
    fields = {
        "algorithm": algorithm,
        "nonce": nonce,
        "cnonce": cnonce,
        "nc": b"00000001",
        "qop": b"auth",
        "uri": b"/dir/index.html",
        "response": answer,
    }
    credentials = DigestedCredentials(b"Mufasa", b"GET", b"http-auth@example.org", fields)
    assert credentials.checkPassword(b"Circle of Life") and credentials.checkPassword("Circle of Life")
    assert credentials.checkHash(one) and not credentials.checkPassword(b"Circle")


def test_the_example_of_rfc_2069_form():
    """Without qop, as RFC 2617 section 3.2.2.1 keeps it for old clients; the errata's value."""
    one = calcHA1(b"md5", b"Mufasa", b"testrealm@host.com", b"CircleOfLife", b"", b"")
    two = calcHA2(b"md5", b"GET", b"/dir/index.html", None, None)
    nonce = b"dcd98b7102dd2f0e8b11d0f600bfb0c093"
    assert calcResponse(one, two, b"md5", nonce, None, None, None) == b"1949323746fe6a43ef61f9606e7febea"


def test_a_session_starts_from_the_digest_or_from_the_three():
    three = calcHA1(b"md5-sess", b"ann", b"r", b"secret", b"n", b"c")
    known = hashlib.md5(b"ann:r:secret").hexdigest().encode()
    assert calcHA1(b"md5-sess", None, None, None, b"n", b"c", preHA1=known) == three
    with pytest.raises(TypeError, match="preHA1"):
        calcHA1(b"md5-sess", b"ann", None, None, b"n", b"c", preHA1=known)


def answer_to(challenge, password=b"secret", *, count=b"00000001", method=b"GET", **changed) -> bytes:
    """Answer a challenge; `changed` replaces fields afterwards, or leaves those out that are None."""
    algorithm = challenge["algorithm"].lower()
    one = calcHA1(algorithm, b"ann", challenge["realm"], password, challenge["nonce"], b"cn")
    two = calcHA2(algorithm, method, b"/", b"auth", None)
    fields = {
        "username": b"ann",
        "realm": challenge["realm"],
        "nonce": challenge["nonce"],
        "opaque": challenge["opaque"],
        "uri": b"/",
        "qop": b"auth",
        "nc": count,
        "cnonce": b"cn",
        "algorithm": challenge["algorithm"],
        "response": calcResponse(one, two, algorithm, challenge["nonce"], count, b"cn", b"auth"),
    }
    fields |= changed
    return b", ".join(
        b'%b="%b"' % (name.encode(), value) for name, value in fields.items() if value is not None
    )


class Factory(DigestCredentialFactory):
    """With a clock of the test's own."""

    now = 1_000_000

    def _getTime(self):
        return self.now


@pytest.mark.parametrize("algorithm", [b"md5", b"md5-sess", b"MD5", b"sha", b"sha-256", b"SHA-256-sess"])
def test_who_knows_the_password_gets_in(algorithm):
    factory = Factory(algorithm, b"r")
    challenge = factory.getChallenge(HOST)
    credentials = factory.decode(answer_to(challenge), b"GET", HOST)
    assert credentials.username == b"ann" and not credentials.checkPassword(b"wrong")
    assert credentials.checkPassword(b"secret") and credentials.checkPassword(b"secret")
    other = factory.decode(answer_to(challenge, count=b"00000002"), b"POST", HOST)
    assert not other.checkPassword(b"secret")


def test_an_unknown_algorithm_is_refused_when_the_factory_is_made():
    with pytest.raises(ValueError, match="choose one of md5"):
        DigestCredentialFactory(b"rot13", b"r")


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"username": None}, "no username"),
        ({"username": b""}, "no username"),
        ({"nonce": None}, "no nonce"),
        ({"opaque": None}, "no opaque"),
        ({"nonce": b"other"}, "opaque/nonce"),
        ({"algorithm": b"sha-256"}, "another algorithm"),
        ({"algorithm": b"none"}, "another algorithm"),
        ({"qop": None}, "qop=auth"),
        ({"qop": b"auth-int"}, "qop=auth"),
        ({"cnonce": None}, "cnonce"),
        ({"nc": None}, "nc is not"),
        ({"nc": b"1"}, "nc is not"),
        ({"nc": b"-0000001"}, "nc is not"),
        ({"opaque": b"x"}, "invalid opaque"),
        ({"opaque": b"x-?"}, "invalid opaque"),
    ],
)
def test_answers_that_are_none(changed, words):
    factory = Factory(b"md5", b"r")
    with pytest.raises(LoginFailed, match=words) as caught:
        factory.decode(answer_to(factory.getChallenge(HOST), **changed), b"GET", HOST)
    assert caught.type is LoginFailed


def test_a_challenge_of_ones_own_making():
    """Nonce, address and time are under a key that only the server has."""
    factory, forger = Factory(b"md5", b"r"), Factory(b"md5", b"r")
    with pytest.raises(LoginFailed, match="invalid opaque"):
        factory.decode(answer_to(forger.getChallenge(HOST)), b"GET", HOST)
    forger.privateKey = factory.privateKey
    assert factory.decode(answer_to(forger.getChallenge(HOST)), b"GET", HOST).checkPassword(b"secret")


def test_a_challenge_is_for_one_client():
    factory = Factory(b"md5", b"r")
    answer = answer_to(factory.getChallenge(HOST))
    for other in ("192.0.2.2", None, b""):
        with pytest.raises(LoginFailed, match="opaque/client"):
            factory.decode(answer, b"GET", other)
    assert factory.decode(answer, b"GET", HOST.encode()).checkPassword(b"secret")


def test_an_old_challenge_is_stale():
    factory = Factory(b"md5", b"r")
    challenge = factory.getChallenge(HOST)
    factory.now += factory.CHALLENGE_LIFETIME_SECS
    assert factory.decode(answer_to(challenge), b"GET", HOST).checkPassword(b"secret")
    factory.now += 1
    with pytest.raises(StaleChallenge, match="too old"):
        factory.decode(answer_to(challenge, count=b"00000002"), b"GET", HOST)


def test_an_answer_works_once():
    factory = Factory(b"md5", b"r")
    answer = answer_to(factory.getChallenge(HOST))
    first, racing = (factory.decode(answer, b"GET", HOST) for _ in range(2))
    assert first.checkPassword(b"secret")
    assert not racing.checkPassword(b"secret")
    with pytest.raises(StaleChallenge, match="given before"):
        factory.decode(answer, b"GET", HOST)


def test_wrong_answers_use_nothing_up():
    """Else anybody who sees a nonce could keep its owner out, and fill the table."""
    factory = Factory(b"md5", b"r")
    challenge = factory.getChallenge(HOST)
    assert not factory.decode(answer_to(challenge, b"wrong"), b"GET", HOST).checkPassword(b"secret")
    assert factory.decode(answer_to(challenge), b"GET", HOST).checkPassword(b"secret")


@given(st.binary(max_size=200))
def test_any_answer_parses_or_is_refused(data):
    factory = Factory(b"md5", b"r")
    with pytest.raises(LoginFailed):
        factory.decode(data, b"GET", HOST)


# --- Parameters -------------------------------------------------------------------------------------------------------

names = st.text("abcXYZ09-_*", min_size=1, max_size=8)
values = st.binary(max_size=20).map(lambda data: bytes(b for b in data if b >= 32 and b != 127))


@given(
    st.dictionaries(names.map(str.lower), values, max_size=5), st.sampled_from([b",", b", ", b" ,\t", b",,"])
)
def test_quoted_parameters_come_back(fields, between):
    def quoted(value: bytes) -> bytes:
        return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'

    data = between.join(name.encode() + b"=" + quoted(value) for name, value in fields.items())
    assert parse_parameters(data) == fields


def test_clients_quote_as_they_like():
    assert parse_parameters(b' A = "x, y" ,b=/path?q=1 , c=a b ,d=') == {
        "a": b"x, y",
        "b": b"/path?q=1",
        "c": b"a b",
        "d": b"",
    }


@pytest.mark.parametrize(
    "data", [b"a", b'a="', b'a="b"c', b"=b", b"a=1, A=2", b"a=\n", b"a=\0", b'a="\\', b'a=b"']
)
def test_what_is_no_list_of_parameters(data):
    with pytest.raises(ValueError):
        parse_parameters(data)


def test_no_header_takes_longer_than_its_length():
    """Runs of what two parts of the pattern could share; quadratic work would not end within the test's time."""
    for run in (b" ", b"\t ", b"\\", b"a", b"=", b"a="):
        for data in (b"a=" + run * 100_000 + b'"x', b'a="' + run * 100_000, run * 100_000 + b'"'):
            with pytest.raises(ValueError):
                parse_parameters(data)


# --- Used answers -----------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 200), max_size=60))
def test_each_count_is_new_once_whatever_the_order(counts):
    used, seen = UsedAnswers(), set()
    for count in counts:
        expected = count not in seen and count > max(seen, default=0) - WINDOW
        assert used.is_new(b"n", 1, count) is expected
        assert used.use(b"n", 1, count) is expected
        seen.add(count)


def test_counts_may_jump():
    used = UsedAnswers()
    assert used.use(b"n", 1, 1) and used.use(b"n", 1, 0xFFFFFFFF)
    assert not used.use(b"n", 1, 1) and not used.use(b"n", 1, 0xFFFFFFFF)
    assert used.use(b"n", 1, 0xFFFFFFFE)
    assert not used.use(b"n", 1, 0xFFFFFFFF - WINDOW) and used.use(b"n", 1, 0x100000000 - WINDOW)


def test_a_nonce_that_was_forgotten_is_stale():
    """The table has an end; what falls out of it, and whatever is as old, counts as used."""
    used = UsedAnswers()
    for number in range(MAX_NONCES):
        assert used.use(b"%d" % number, number, 1)
    assert used.use(b"0", 0, 2)  # in use, so the next one is forgotten in its place
    assert used.use(b"new", MAX_NONCES, 1)
    assert not used.is_new(b"1", 1, 2) and not used.is_new(b"never seen", 1, 1)
    assert used.is_new(b"0", 0, 3) and used.is_new(b"2", 2, 2) and used.is_new(b"never seen", 2, 1)
    assert len(used._used) == MAX_NONCES
