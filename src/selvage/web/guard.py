"""Let in only who proves who they are: HTTP authentication in front of resources.  Floor 4.

Who may come in decides a portal (`selvage.auth`), which gives each visitor a resource of their own.

Twisted: `twisted.web.guard`.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Sequence
from typing import Any

from selvage import auth
from selvage._publish import publish
from selvage.auth import (
    Anonymous,
    DigestedCredentials,
    LoginFailed,
    StaleChallenge,
    Unauthorized,
    UsernamePassword,
)
from selvage.defer import Deferred
from selvage.failure import Failure, report
from selvage.interfaces import implementer
from selvage.web._limits import Limits
from selvage.web._pages import errorPage
from selvage.web._redirect import DeferredResource
from selvage.web._status import INTERNAL_SERVER_ERROR, UNAUTHORIZED
from selvage.web.interfaces import ICredentialFactory, IResource

__all__ = ["BasicCredentialFactory", "DigestCredentialFactory", "HTTPAuthSessionWrapper"]


# RFC 7617 section 2: neither name nor password may have control characters.
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")

_ORIGIN = re.compile(rb"https?://[^/?]*", re.IGNORECASE)


def _quoted(value: str | bytes) -> bytes:
    """Return a quoted string of RFC 9110 section 5.6.4."""
    data = value.encode("utf-8") if isinstance(value, str) else value
    return b'"%b"' % data.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


@implementer(ICredentialFactory)
class BasicCredentialFactory:
    """Asks for name and password, which come unencrypted: use TLS.

    Args:
        authenticationRealm: what the visitor is asked for, in words.
    """

    scheme = b"basic"

    def __init__(self, authenticationRealm: str | bytes) -> None:
        self.authenticationRealm = authenticationRealm

    def getChallenge(self, request: Any) -> dict[str, Any]:
        """Return what the client is told."""
        return {"realm": self.authenticationRealm}

    def decode(self, response: bytes, request: Any) -> Any:
        """Return the credentials in the client's answer.

        Raises:
            LoginFailed: there are none.
        """
        # What some clients leave out at the end is no reason to refuse them.
        digits = response.rstrip(b"=")
        try:
            decoded = binascii.a2b_base64(digits + b"=" * (-len(digits) % 4), strict_mode=True)
        except ValueError as error:
            raise LoginFailed("Invalid credentials, no base64") from error
        name, colon, password = decoded.partition(b":")
        if not colon or _CONTROL.search(decoded):
            raise LoginFailed("Invalid credentials, no name and password")
        return UsernamePassword(name, password)


@implementer(ICredentialFactory)
class DigestCredentialFactory:
    """Asks for a name and a digest of the password.

    Args:
        algorithm: ``b"sha-256"``, or ``b"md5"`` for clients that know no other; either with ``-sess`` if wanted.
        authenticationRealm: what the visitor is asked for, in words.
    """

    scheme = b"digest"

    def __init__(self, algorithm: bytes, authenticationRealm: bytes) -> None:
        self.digest = auth.DigestCredentialFactory(algorithm, authenticationRealm)

    def getChallenge(self, request: Any) -> Any:
        """Return what the client is told; it is good for a while, and for this client only."""
        return self.digest.getChallenge(_address_of(request))

    def decode(self, response: bytes, request: Any) -> Any:
        """Return the credentials in the client's answer.

        Raises:
            LoginFailed: there are none, or they belong to another challenge or another page; `StaleChallenge` if the
                client should answer a new one.
        """
        credentials = self.digest.decode(response, request.method, _address_of(request))
        # RFC 7616 section 3.4.6; else an answer that was seen on the way to one page would open another.
        if isinstance(credentials, DigestedCredentials) and _local(
            credentials.fields.get("uri", b"")
        ) != _local(request.uri):
            raise LoginFailed("Invalid response, made for another page")
        return credentials


def _local(target: bytes) -> bytes:
    """Return a request's target without scheme and host, which a client may leave out."""
    return _ORIGIN.sub(b"", target, count=1) or b"/"


def _address_of(request: Any) -> Any:
    # UNIX sockets have no host: all their clients are the same then.
    return getattr(request.getClientAddress(), "host", None) or b""


@implementer(IResource)
class UnauthorizedResource:
    """Says that one has to prove who one is, and how; here and for whatever is below.

    Args:
        factories: make the challenges.
        stale: the one whose challenge the client shall answer anew, without asking its user again.
    """

    isLeaf = True
    #: Nobody waits for the body.
    streams_body = True

    def __init__(self, factories: Sequence[Any], stale: Any = None) -> None:
        self._credentialFactories = factories
        self._stale = stale

    def render(self, request: Any) -> bytes:
        """Answer any method with 401."""
        request.setResponseCode(UNAUTHORIZED)
        for factory in self._credentialFactories:
            words = [
                b"%b=%b" % (name.encode("ascii"), _quoted(value))
                for name, value in factory.getChallenge(request).items()
            ]
            if factory is self._stale:
                words.append(b"stale=true")
            request.responseHeaders.addRawHeader(
                b"www-authenticate", b" ".join([factory.scheme, b", ".join(words)])
            )
        return b"" if request.method == b"HEAD" else b"Unauthorized"

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """Return this resource, for whatever is below."""
        return self

    def putChild(self, path: bytes, child: Any) -> None:
        """Raise: nothing is below."""
        raise NotImplementedError("an UnauthorizedResource has no children")


class _Visit:
    """Has a visitor logged out when the answer is over, or when they were gone before they were let in.

    Args:
        request: the visitor's.
    """

    def __init__(self, request: Any) -> None:
        self._is_over = False
        self._logout: Callable[[], object] | None = None
        request.notifyFinish().addBoth(self._end)

    def begin(self, login: tuple[Any, Any, Callable[[], object]]) -> Any:
        """Return the visitor's resource."""
        _, avatar, logout = login
        self._logout = logout
        if self._is_over:
            logout()
        return avatar

    def _end(self, _: Any) -> None:
        self._is_over = True
        if self._logout is not None:
            self._logout()


@implementer(IResource)
class HTTPAuthSessionWrapper:
    """Stands before the resources that a portal gives to visitors.

    Args:
        portal: a `selvage.auth.Portal`; its realm has avatars for `IResource`.
        credentialFactories: the ways in which a visitor may prove who they are.
    """

    #: Whether to look at who asks as soon as the head of a request is there; resources behind may stream bodies then.
    streams_body: Any = False
    #: What is taken of the body of a request, where that is not what the site takes.
    body_limits: Limits | None = None

    isLeaf = False

    def __init__(self, portal: Any, credentialFactories: Sequence[Any]) -> None:
        self._portal = portal
        self._credentialFactories = credentialFactories

    def render(self, request: Any) -> Any:
        """Answer as the visitor's resource does."""
        return self._authorizedResource(request).render(request)

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """Return the visitor's resource, which follows the rest of the path."""
        request.postpath.insert(0, request.prepath.pop())
        return self._authorizedResource(request)

    def putChild(self, path: bytes, child: Any) -> None:
        """Raise: what is below is the visitor's."""
        raise NotImplementedError("an HTTPAuthSessionWrapper has no children of its own")

    def _authorizedResource(self, request: Any) -> Any:
        headers = request.requestHeaders.getRawHeaders(b"authorization", ())
        if len(headers) > 1:  # a proxy may have looked at the other one
            return UnauthorizedResource(self._credentialFactories)
        if not headers or not headers[0]:
            return self._deferred(request, Anonymous())
        first, answer = self._selectParseHeader(headers[0])
        stale = None
        for factory in self._credentialFactories if first is not None else ():
            # Digest may be offered with several algorithms, a factory for each: the answer is for one of them.
            if factory.scheme != first.scheme:
                continue
            try:
                credentials = factory.decode(answer, request)
            except StaleChallenge:
                stale = factory
            except LoginFailed:
                pass
            except Exception:
                return self._broken(Failure())
            else:
                return self._deferred(request, credentials)
        return UnauthorizedResource(self._credentialFactories, stale)

    def _login(self, request: Any, credentials: Any) -> Deferred[Any]:
        visit = _Visit(request)
        login: Deferred[Any] = self._portal.login(credentials, None, IResource)
        return login.addCallbacks(visit.begin, self._loginFailed)

    def _deferred(self, request: Any, credentials: Any) -> DeferredResource:
        resource = DeferredResource(self._login(request, credentials))
        resource.streams_body = self.streams_body
        return resource

    def _loginFailed(self, failure: Failure) -> Any:
        if failure.check(Unauthorized, LoginFailed):
            return UnauthorizedResource(self._credentialFactories)
        return self._broken(failure)

    def _broken(self, failure: Failure) -> Any:
        report(failure, "HTTPAuthSessionWrapper encountered an unexpected error", source="web", wrapper=self)
        return errorPage(
            INTERNAL_SERVER_ERROR, "Internal Server Error", "The login failed for a reason of the server."
        )

    def _selectParseHeader(self, header: bytes) -> tuple[Any, bytes | None]:
        """Return who first understands an Authorization header, and the part that is for them; None twice for nobody."""
        scheme, _, answer = header.partition(b" ")
        for factory in self._credentialFactories:
            if factory.scheme == scheme.lower():
                return factory, answer.lstrip()
        return None, None


publish(globals())
