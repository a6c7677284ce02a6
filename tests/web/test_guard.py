"""HTTP authentication in front of resources; the portal is the installed Twisted's."""

from __future__ import annotations

import sys
from base64 import b64encode

import pytest

from selvage.addresses import UNIXAddress
from selvage.defer import Deferred, fail, succeed
from selvage.failure import Failure
from selvage.web.guard import BasicCredentialFactory, DigestCredentialFactory, HTTPAuthSessionWrapper
from selvage.web.resource import Resource
from selvage.web.static import Data
from tests.web.serving import Later, Server, body, head, status


@pytest.fixture(autouse=True)
def cred():
    """The installed Twisted's part, whole and fresh, for the time of a test: others want to see none, or have theirs."""
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "twisted"}
    for name in before:
        if name.startswith("twisted.cred"):
            del sys.modules[name]
    pytest.importorskip("twisted.cred.portal")
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "twisted"]:
        del sys.modules[name]
    sys.modules.update(before)


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
        return fail(sys.modules["twisted.cred.error"].UnauthorizedLogin())

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


def test_every_way_is_offered_and_a_digest_is_checked():
    import hashlib
    import re

    server = site(BasicCredentialFactory("r"), DigestCredentialFactory(b"md5", b"r"))
    answer = ask(server)
    assert answer.lower().count(b"www-authenticate:") == 2
    challenge = next(line for line in answer.split(b"\r\n") if b"digest" in line.lower())
    nonce, opaque = (re.search(name + rb'="([^"]*)"', challenge)[1] for name in (b"nonce", b"opaque"))

    def digest(password: bytes) -> bytes:
        def md5(data: bytes) -> bytes:
            return hashlib.md5(data).hexdigest().encode()

        a = md5(b"ann:r:" + password)
        response = md5(b":".join([a, nonce, b"00000001", b"cn", b"auth", md5(b"GET:/page")]))
        return (
            b'Digest username="ann", realm="r", nonce="%b", uri="/page", response="%b", opaque="%b", qop="auth", '
            b'nc=00000001, cnonce="cn", algorithm="md5"' % (nonce, response, opaque)
        )

    assert status(ask(server, digest(b"secret"))) == 200
    assert status(ask(server, digest(b"wrong"))) == 401
    assert status(ask(server, digest(b"secret").replace(opaque, opaque[:-4] + b"AAAA"))) == 401


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


def test_without_cred_the_message_says_what_to_do(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "twisted"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(NotImplementedError, match="needs twisted.cred: install Twisted"):
        DigestCredentialFactory(b"md5", b"r")
