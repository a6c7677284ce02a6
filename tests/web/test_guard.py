"""HTTP authentication in front of resources."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import pytest
from hypothesis import given, strategies as st

from selvage import auth
from selvage.addresses import UNIXAddress
from selvage.auth import IUsernamePassword, LoginFailed, UnauthorizedLogin
from selvage.auth._grammar import parse_parameters
from selvage.defer import Deferred, fail, succeed
from selvage.failure import Failure
from selvage.web.guard import BasicCredentialFactory, DigestCredentialFactory, HTTPAuthSessionWrapper
from selvage.web.resource import Resource
from selvage.web.static import Data
from tests.web.serving import OPEN, Later, Seen, Server, body, head, status


class Portal:
    """Lets Ann in, by her password; others as it is told."""

    def __init__(self, avatar: Resource) -> None:
        self.avatar = avatar
        self.logouts = 0
        self.answer: Deferred | None = None

    def login(self, credentials, mind, *interfaces):
        if self.answer is not None:
            return self.answer
        if getattr(credentials, "username", None) == b"ann" and credentials.checkPassword(b"secret"):
            return succeed((interfaces[0], self.avatar, self.logout))
        return fail(UnauthorizedLogin())

    def logout(self) -> None:
        self.logouts += 1


def site(*factories) -> Server:
    avatar = Resource()
    avatar.putChild(b"page", Data(b"for ann", "text/plain"))
    avatar.putChild(b"later", Later())
    portal = Portal(avatar)
    server = Server(HTTPAuthSessionWrapper(portal, factories or [BasicCredentialFactory('of "a\\b"')]))
    server.portal = portal
    return server


def ask(server: Server, authorization: bytes | None = None, target: bytes = b"/page") -> bytes:
    field = b"Authorization: " + authorization + b"\r\n" if authorization is not None else b""
    return server.send(b"GET %b HTTP/1.1\r\nHost: h\r\n%b\r\n" % (target, field))


ANN = b"Basic " + b64encode(b"ann:secret")


def test_who_proves_who_they_are_gets_their_resource_and_is_logged_out_afterwards():
    server = site()
    assert body(ask(server, ANN)) == b"for ann" and server.portal.logouts == 1
    assert ask(server, ANN, b"/later") == b"" and server.portal.logouts == 1
    server.close()
    assert server.portal.logouts == 2


@pytest.mark.parametrize("given", [ANN.rstrip(b"="), b"BASIC" + ANN[5:], b"Basic   " + ANN[6:]])
def test_what_clients_write_differently_is_understood(given):
    assert status(ask(site(), given)) == 200


@pytest.mark.parametrize(
    "given",
    [
        None,
        b"",
        b"Basic",
        b"Basic x",
        b"Basic \xff",
        b"Basic " + b64encode(b"nocolon"),
        b"Basic " + b64encode(b"ann:wrong"),
        b"Bearer " + ANN[6:],
        b"Digest " + ANN[6:],
    ],
)
def test_who_does_not_is_told_how_to(given):
    answer = ask(site(), given)
    assert status(answer) == 401 and b"for ann" not in answer
    assert head(answer)[b"www-authenticate"] == b'basic realm="of \\"a\\\\b\\""'


def test_attack_031_a_realm_begins_no_header():
    answer = ask(site(BasicCredentialFactory("a\r\nSet-Cookie: b=c")))
    assert b"set-cookie" not in head(answer)


def challenges(answer: bytes) -> list[dict[str, bytes]]:
    """The Digest challenges among the ways that are offered."""
    start = b"www-authenticate: digest "
    lines = [line for line in answer.split(b"\r\n") if line.lower().startswith(start)]
    return [parse_parameters(line[len(start) :]) for line in lines]


def challenge(answer: bytes) -> dict[str, bytes]:
    """The only one."""
    [told] = challenges(answer)
    return told


def digest(
    told: dict[str, bytes], password: bytes = b"secret", count: int = 1, uri: bytes = b"/page"
) -> bytes:
    """Answer a challenge, as RFC 7616 says."""

    def h(data: bytes) -> bytes:
        return hashlib.new(told["algorithm"].decode().replace("-", ""), data).hexdigest().encode()

    a = h(b"ann:r:" + password)
    nc = b"%08x" % count
    response = h(b":".join([a, told["nonce"], nc, b"cn", b"auth", h(b"GET:" + uri)]))
    return (
        b'Digest username="ann", realm="r", nonce="%b", uri="%b", response="%b", opaque="%b", qop=auth, '
        b'nc=%b, cnonce="cn", algorithm=%b'
        % (told["nonce"], uri, response, told["opaque"], nc, told["algorithm"])
    )


@pytest.mark.parametrize("algorithm", [b"md5", b"sha-256"])
def test_every_way_is_offered_and_a_digest_is_checked(algorithm):
    server = site(BasicCredentialFactory("r"), DigestCredentialFactory(algorithm, b"r"))
    answer = ask(server)
    assert answer.lower().count(b"www-authenticate:") == 2 and b"stale" not in answer
    told = challenge(answer)
    assert status(ask(server, digest(told))) == 200
    assert status(ask(server, digest(told, b"wrong", count=2))) == 401
    assert status(ask(server, digest(told | {"opaque": told["opaque"][:-4] + b"AAAA"}, count=2))) == 401
    assert status(ask(server, digest(told, count=2, uri=b"http://h/page"))) == 200


def test_an_answer_may_be_for_any_of_several_algorithms():
    server = site(DigestCredentialFactory(b"sha-256", b"r"), DigestCredentialFactory(b"md5", b"r"))
    for algorithm in (b"sha-256", b"md5"):
        [told] = [told for told in challenges(ask(server)) if told["algorithm"] == algorithm]
        assert status(ask(server, digest(told))) == 200
        again = challenges(ask(server, digest(told)))
        assert [told["algorithm"] for told in again if "stale" in told] == [algorithm]


def test_an_answer_that_is_given_again_is_stale_and_a_new_challenge_comes_with_it():
    server = site(DigestCredentialFactory(b"md5", b"r"))
    told = challenge(ask(server))
    assert status(ask(server, digest(told))) == 200
    again = ask(server, digest(told))
    assert status(again) == 401 and challenge(again)["stale"] == b"true"
    assert status(ask(server, digest(challenge(again)))) == 200


def test_an_answer_that_comes_late_is_stale():
    factory = DigestCredentialFactory(b"md5", b"r")
    server = site(factory)
    now = factory.digest._getTime()
    factory.digest._getTime = lambda: now
    told = challenge(ask(server))
    now += factory.digest.CHALLENGE_LIFETIME_SECS
    assert status(ask(server, digest(told))) == 200
    now += 1
    late = ask(server, digest(told, count=2))
    assert status(late) == 401 and challenge(late)["stale"] == b"true"


def test_an_answer_for_one_page_opens_no_other():
    server = site(DigestCredentialFactory(b"md5", b"r"))
    told = challenge(ask(server))
    assert status(ask(server, digest(told, uri=b"/other"))) == 401


def test_two_authorizations_are_none():
    """One of them is the one that somebody in front has looked at."""
    server = site()
    wrong = b"Basic " + b64encode(b"ann:wrong")
    for first, second in ((ANN, wrong), (wrong, ANN), (ANN, ANN)):
        assert status(ask(server, first + b"\r\nAuthorization: " + second)) == 401


@given(
    st.one_of(
        st.binary(max_size=80),
        st.builds(lambda rest: b"Basic " + rest, st.binary(max_size=80)),
        st.builds(lambda rest: b"Basic " + b64encode(rest), st.binary(max_size=80)),
        st.builds(
            lambda rest: b"Digest " + rest, st.text('abc=",\\ \t\xe9nonceuqp', max_size=80).map(str.encode)
        ),
    ).filter(lambda data: not set(data) & set(b"\r\n\0"))
)
def test_any_authorization_is_refused_and_breaks_nothing(data):
    server = site(BasicCredentialFactory("r"), DigestCredentialFactory(b"md5", b"r"))
    answer = ask(server, data)
    assert status(answer) in (400, 401) and b"for ann" not in answer
    server.close()
    OPEN.remove(server)


@pytest.mark.parametrize("data", [b"ann\n:secret", b"ann:secret\0", b"\x7fann:secret"])
def test_control_characters_are_in_no_name_and_no_password(data):
    with pytest.raises(LoginFailed):
        BasicCredentialFactory("r").decode(b64encode(data), None)


def test_what_is_around_base64_is_no_part_of_it():
    with pytest.raises(LoginFailed):
        BasicCredentialFactory("r").decode(b"!" + ANN[6:], None)


def test_who_is_gone_before_the_login_is_through_is_logged_out():
    server = site()
    server.portal.answer = waits = Deferred()
    seen = Seen()
    ask(server, ANN)
    server.close()
    waits.callback((None, seen, server.portal.logout))
    assert server.portal.logouts == 1 and seen.requests == []


def test_a_portal_with_a_checker_of_ones_own():
    """The whole way, with a checker and a realm that wait."""

    class Staff:
        credentialInterfaces = (IUsernamePassword,)

        async def requestAvatarId(self, credentials):
            await succeed(None)
            if credentials.username == b"ann" and credentials.checkPassword("secret"):
                return "Ann"
            raise UnauthorizedLogin

    class Rooms:
        async def requestAvatar(self, avatarId, mind, *interfaces):
            room = Resource()
            room.putChild(b"page", Data(f"for {avatarId or 'everybody'}".encode(), "text/plain"))
            return interfaces[0], room, lambda: None

    portal = auth.Portal(Rooms(), [Staff()])
    server = Server(HTTPAuthSessionWrapper(portal, [BasicCredentialFactory("r")]))
    assert body(ask(server, ANN)) == b"for Ann"
    assert status(ask(server, b"Basic " + b64encode(b"ann:wrong"))) == 401
    assert status(ask(server)) == 401
    portal.registerChecker(auth.AllowAnonymousAccess())
    assert body(ask(server)) == b"for everybody"


def test_a_digest_works_over_a_socket_without_addresses():
    factory = DigestCredentialFactory(b"md5", b"r")

    class Request:
        def getClientAddress(self):
            return UNIXAddress("/run/x")

    assert factory.getChallenge(Request())["realm"] == b"r"


@pytest.mark.parametrize("broken", ["login", "decode"])
def test_what_breaks_in_the_login_is_reported_and_not_told(broken, taken_reports):
    class Broken(BasicCredentialFactory):
        def decode(self, response, request):
            raise ZeroDivisionError("secret")

    server = site(Broken("r")) if broken == "decode" else site()
    server.portal.answer = fail(Failure(ZeroDivisionError("secret"))) if broken == "login" else None
    answer = ask(server, ANN)
    assert status(answer) == 500 and b"secret" not in answer
    assert [report.failure.type for report in taken_reports()] == [ZeroDivisionError]


def test_a_login_may_take_its_time():
    server = site()
    server.portal.answer = waits = Deferred()
    assert ask(server, ANN) == b""
    waits.callback((None, server.portal.avatar, server.portal.logout))
    assert body(server.answered()) == b"for ann"
    with pytest.raises(NotImplementedError):
        server.resource.putChild(b"x", Resource())


# --- Who is looked at before they have sent all -----------------------------------------------------------------------


def uploading(avatar: Resource, *fields: bytes) -> tuple[Server, bytes]:
    """Begin an upload of ten bytes; return the server, and what it answers to the head."""
    wrapper = HTTPAuthSessionWrapper(Portal(avatar), [BasicCredentialFactory("r")])
    wrapper.streams_body = True
    server = Server(wrapper)
    lines = [b"POST / HTTP/1.1", b"Host: h", *fields, b"Content-Length: 10", b"", b""]
    return server, server.send(b"\r\n".join(lines))


def test_strangers_are_refused_before_they_send():
    server, answer = uploading(Seen())
    assert status(answer) == 401
    server, answer = uploading(Seen(), b"Authorization: Basic " + b64encode(b"ann:wrong"))
    assert status(answer) == 401
    server, answer = uploading(Seen(), b"Authorization: Basic !")
    assert status(answer) == 401


def test_who_may_come_in_uploads_to_who_streams():
    class Pieces(Resource):
        isLeaf = True
        streams_body = True

        async def render_POST(self, request):
            return b"|".join([piece async for piece in request.body])

    server, answer = uploading(Pieces(), b"Authorization: " + ANN)
    assert answer == b"" and server.send(b"01234") == b""
    assert body(server.send(b"56789")) == b"01234|56789"


def test_who_may_come_in_sends_all_to_who_does_not_stream():
    seen = Seen()
    server, answer = uploading(seen, b"Authorization: " + ANN)
    assert answer == b"" and server.send(b"01234") == b"" and seen.requests == []
    assert body(server.send(b"56789")) == b"fine"
    assert seen.requests == [(b"POST", b"/", b"0123456789")]
