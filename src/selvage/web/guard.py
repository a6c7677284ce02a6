"""Let in only who proves who they are: HTTP authentication in front of resources.  Floor 4.

Who may come in decides a portal of `twisted.cred`, which gives each visitor a resource of their own.

Twisted: `twisted.web.guard`.
"""

from __future__ import annotations

import binascii
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from selvage._publish import publish
from selvage.defer import Deferred
from selvage.failure import Failure, report
from selvage.interfaces import implementer
from selvage.web._pages import errorPage
from selvage.web._redirect import DeferredResource
from selvage.web._status import INTERNAL_SERVER_ERROR, UNAUTHORIZED
from selvage.web.interfaces import ICredentialFactory, IResource

__all__ = ["BasicCredentialFactory", "DigestCredentialFactory", "HTTPAuthSessionWrapper"]


def _cred(module: str, name: str) -> Any:
    """Return `name` of `twisted.cred.<module>`, which who has a portal has imported; nobody imports Twisted behind his back.

    Raises:
        NotImplementedError: there is no Twisted in this process.
    """
    if "twisted" not in sys.modules:
        raise NotImplementedError(
            "HTTP authentication needs twisted.cred: install Twisted and call selvage.install_twisted() "
            "before anything is imported from it"
        )
    return getattr(import_module(f"twisted.cred.{module}"), name)


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
        try:
            # What some clients leave out at the end is no reason to refuse them.
            decoded = binascii.a2b_base64(response + b"===")
        except binascii.Error as error:
            raise _cred("error", "LoginFailed")("Invalid credentials") from error
        name, colon, password = decoded.partition(b":")
        if not colon:
            raise _cred("error", "LoginFailed")("Invalid credentials")
        return _cred("credentials", "UsernamePassword")(name, password)


@implementer(ICredentialFactory)
class DigestCredentialFactory:
    """Asks for a name and a digest of the password.

    Args:
        algorithm: `b"md5"`, `b"sha"` or `b"md5-sess"`.
        authenticationRealm: what the visitor is asked for, in words.
    """

    scheme = b"digest"

    def __init__(self, algorithm: bytes, authenticationRealm: bytes) -> None:
        self.digest = _cred("credentials", "DigestCredentialFactory")(algorithm, authenticationRealm)

    def getChallenge(self, request: Any) -> Any:
        """Return what the client is told; it is good for a while, and for this client only."""
        return self.digest.getChallenge(_address_of(request))

    def decode(self, response: bytes, request: Any) -> Any:
        """Return the credentials in the client's answer.

        Raises:
            LoginFailed: there are none, or they belong to another challenge.
        """
        return self.digest.decode(response, request.method, _address_of(request))


def _address_of(request: Any) -> Any:
    # UNIX sockets have no host: all their clients are the same then.
    return getattr(request.getClientAddress(), "host", None) or b""


@implementer(IResource)
class UnauthorizedResource:
    """Says that one has to prove who one is, and how; here and for whatever is below.

    Args:
        factories: make the challenges.
    """

    isLeaf = True

    def __init__(self, factories: Sequence[Any]) -> None:
        self._credentialFactories = factories

    def render(self, request: Any) -> bytes:
        """Answer any method with 401."""
        request.setResponseCode(UNAUTHORIZED)
        for factory in self._credentialFactories:
            words = [
                b"%b=%b" % (name.encode("ascii"), _quoted(value))
                for name, value in factory.getChallenge(request).items()
            ]
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


@implementer(IResource)
class _Visited:
    """A visitor's resource, which has the visitor logged out when the answer is over.

    Args:
        resource: the visitor's.
        logout: called once.
    """

    def __init__(self, resource: Any, logout: Callable[[], object]) -> None:
        self.resource = resource
        self._logout = logout

    @property
    def isLeaf(self) -> Any:
        """As the resource has it."""
        return self.resource.isLeaf

    def getChildWithDefault(self, name: bytes, request: Any) -> Any:
        """Return what the resource has below, with the same promise."""
        return _Visited(self.resource.getChildWithDefault(name, request), self._logout)

    def putChild(self, path: bytes, child: Any) -> None:
        """As the resource does."""
        self.resource.putChild(path, child)

    def render(self, request: Any) -> Any:
        """Answer as the resource does."""
        request.notifyFinish().addBoth(lambda _: self._logout())
        return self.resource.render(request)


@implementer(IResource)
class HTTPAuthSessionWrapper:
    """Stands before the resources that a portal gives to visitors.

    Args:
        portal: of `twisted.cred`; its realm has avatars for `IResource`.
        credentialFactories: the ways in which a visitor may prove who they are.
    """

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
        header = request.getHeader(b"authorization")
        if not header:
            return DeferredResource(self._login(_cred("credentials", "Anonymous")()))
        factory, answer = self._selectParseHeader(header)
        if factory is None:
            return UnauthorizedResource(self._credentialFactories)
        try:
            credentials = factory.decode(answer, request)
        except _cred("error", "LoginFailed"):
            return UnauthorizedResource(self._credentialFactories)
        except Exception:
            return self._broken(Failure())
        return DeferredResource(self._login(credentials))

    def _login(self, credentials: Any) -> Deferred[Any]:
        login: Deferred[Any] = self._portal.login(credentials, None, IResource)
        return login.addCallbacks(self._loginSucceeded, self._loginFailed)

    def _loginSucceeded(self, args: tuple[Any, Any, Callable[[], object]]) -> Any:
        _, avatar, logout = args
        return _Visited(avatar, logout)

    def _loginFailed(self, failure: Failure) -> Any:
        if failure.check(_cred("error", "Unauthorized"), _cred("error", "LoginFailed")):
            return UnauthorizedResource(self._credentialFactories)
        return self._broken(failure)

    def _broken(self, failure: Failure) -> Any:
        report(failure, "HTTPAuthSessionWrapper encountered an unexpected error", source="web", wrapper=self)
        return errorPage(
            INTERNAL_SERVER_ERROR, "Internal Server Error", "The login failed for a reason of the server."
        )

    def _selectParseHeader(self, header: bytes) -> tuple[Any, bytes | None]:
        """Return who understands an Authorization header, and the part that is for them; None twice for nobody."""
        scheme, _, answer = header.partition(b" ")
        for factory in self._credentialFactories:
            if factory.scheme == scheme.lower():
                return factory, answer.lstrip()
        return None, None


publish(globals())
