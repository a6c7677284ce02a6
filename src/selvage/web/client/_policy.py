"""How servers of https prove who they are.  Floor 4.

Whatever the policy, the name in the URL is the name that the certificate has to have, and the authority behind it has to
be one that is trusted: the platform's by default.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from selvage.interfaces import IOpenSSLClientConnectionCreator, implementer
from selvage.web.interfaces import IPolicyForHTTPS

__all__ = ["BrowserLikePolicyForHTTPS", "HostnameCachingHTTPSPolicy", "WebClientContextFactory"]


@implementer(IPolicyForHTTPS)
class BrowserLikePolicyForHTTPS:
    """Verifies servers as browsers do.

    Args:
        trustRoot: the authorities to trust, as of `optionsForClientTLS`; the platform's by default.
        protocols: what to offer for ALPN, the preferred one first, such as ``(b"h2", b"http/1.1")``; nothing by default,
            which is what agents want: they speak HTTP/1.1.

    Twisted: `twisted.web.client.BrowserLikePolicyForHTTPS`, and `protocols`.
    """

    def __init__(self, trustRoot: Any = None, *, protocols: Sequence[bytes] = ()) -> None:
        self._trustRoot = trustRoot
        self._protocols = list(protocols) or None

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        """Return what makes the client's side of TLS with that host."""
        # Imported when it is used: a client of http needs no TLS, which takes its time to load.
        from selvage.tls import optionsForClientTLS

        return optionsForClientTLS(
            hostname.decode("ascii"), trustRoot=self._trustRoot, acceptableProtocols=self._protocols
        )


@implementer(IPolicyForHTTPS)
class HostnameCachingHTTPSPolicy:
    """Keeps what another policy made for the hosts that are used most recently.

    Args:
        policyforHTTPS: the other policy.
        cacheSize: for how many hosts.

    Twisted: `twisted.web.client.HostnameCachingHTTPSPolicy`.
    """

    def __init__(self, policyforHTTPS: Any, cacheSize: int = 20) -> None:
        self._policyForHTTPS = policyforHTTPS
        self._cache: OrderedDict[str, Any] = OrderedDict()
        self._cacheSize = cacheSize

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        """Return what makes the client's side of TLS with that host, the same for each port of it."""
        host = hostname.decode("ascii")
        creator = self._cache.get(host)
        if creator is None:
            creator = self._policyForHTTPS.creatorForNetloc(hostname, port)
            self._cache[host] = creator
            if len(self._cache) > self._cacheSize:
                self._cache.popitem(last=False)
        else:
            self._cache.move_to_end(host)
        return creator


@implementer(IOpenSSLClientConnectionCreator)
class _ContextFactoryWithContext:
    """Makes connections of one pyOpenSSL context."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def getContext(self) -> Any:
        """Return the context."""
        return self._context

    def clientConnectionForTLS(self, protocol: Any) -> Any:
        """Make the client's side of TLS."""
        from OpenSSL.SSL import Connection

        return Connection(self._context, None)


@implementer(IPolicyForHTTPS)
class _DeprecatedToCurrentPolicyForHTTPS:
    """Lets an old context factory, whose `getContext` takes host and port, pass for a policy."""

    def __init__(self, webContextFactory: Any) -> None:
        self._webContextFactory = webContextFactory

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        """Return what makes the client's side of TLS, by the context that the factory has for that host."""
        return _ContextFactoryWithContext(self._webContextFactory.getContext(hostname, port))


class WebClientContextFactory:
    """Makes contexts that do not verify who the server is.  Deprecated: use `BrowserLikePolicyForHTTPS`.

    Twisted: `twisted.web.client.WebClientContextFactory`.
    """

    def _getCertificateOptions(self, hostname: Any, port: int) -> Any:
        from selvage.tls import CertificateOptions, platformTrust

        return CertificateOptions(trustRoot=platformTrust())

    def getContext(self, hostname: Any, port: int) -> Any:
        """Return a pyOpenSSL context."""
        return self._getCertificateOptions(hostname, port).getContext()
