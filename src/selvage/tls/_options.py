"""Everything that configures one side of TLS, in one object.  Floor 2.

From it come contexts of both libraries: `_standard.py` makes those of the standard `ssl` module, which most connections
use; `_openssl.py` those of pyOpenSSL, for what the standard module cannot express, and for whoever asks by `getContext`.
"""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from types import CodeType
from typing import TYPE_CHECKING, Any, ParamSpec, cast

from selvage.interfaces import (
    IAcceptableCiphers,
    IOpenSSLClientConnectionCreator,
    IOpenSSLContextFactory,
    IOpenSSLServerConnectionCreator,
    implementer,
)
from selvage.tls import _openssl, _standard
from selvage.tls._alpn import acceptable_protocols
from selvage.tls._certificates import Certificate
from selvage.tls._ciphers import DEFAULT_CIPHER_STRING, defaultCiphers, select_ciphers
from selvage.tls._keys import private_original
from selvage.tls._pickling import warn_of_pickling
from selvage.tls._trust import OpenSSLCertificateAuthorities, trust_root
from selvage.tls._versions import (
    DEFAULT_MINIMUM,
    TLS_METHOD,
    TLSVersion,
    method_range,
    version_flags,
    version_range,
)
from selvage.transports._tls_engine import OpenSSLEngine, StandardEngine

if TYPE_CHECKING:
    from selvage.tls._parameters import DiffieHellmanParameters
    from selvage.transports._tls_engine import TLSEngine

__all__ = ["CertificateOptions"]

#: The longest chain of authorities that contexts of pyOpenSSL accept; the web's have three.
VERIFY_DEPTH = 9

#: Of every context: nothing is compressed (CRIME), the server's preferences count, no new handshake within a connection
#: (CVE-2009-3555, and floods of them).
_ALWAYS = int(ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_RENEGOTIATION)

#: Contexts that one object of options keeps.  Each set of protocols that factories ask for takes one; few have more than one.
_KEPT_CONTEXTS = 16

P = ParamSpec("P")

_EXCLUSIVE = (
    ("trustRoot", "requireCertificate"),
    ("trustRoot", "verify"),
    ("trustRoot", "caCerts"),
    ("method", "insecurelyLowerMinimumTo"),
    ("method", "raiseMinimumTo"),
    ("method", "lowerMaximumSecurityTo"),
    ("raiseMinimumTo", "insecurelyLowerMinimumTo"),
)


def _exclusive(init: Callable[P, None]) -> Callable[P, None]:
    """Refuse arguments that contradict each other, given even with the value that is their default."""
    code: CodeType = cast(Any, init).__code__

    @wraps(init)
    def checked(*args: P.args, **kwargs: P.kwargs) -> None:
        given = {*code.co_varnames[: len(args)], *kwargs}
        for one, other in _EXCLUSIVE:
            if one in given and other in given:
                raise TypeError(
                    f"The {one!r} and {other!r} arguments to CertificateOptions are mutually exclusive."
                )
        init(*args, **kwargs)

    return checked


@implementer(IOpenSSLServerConnectionCreator, IOpenSSLClientConnectionCreator, IOpenSSLContextFactory)
class CertificateOptions:
    """How to do TLS, on either side.

    Without arguments it is a client that encrypts and verifies nothing; `optionsForClientTLS` makes one that verifies.  A
    server needs `privateKey` and `certificate`; `PrivateCertificate.options` is the short way there.

    Args:
        privateKey: a `KeyPair`, or a private key of pyOpenSSL or `cryptography`.
        certificate: a `Certificate`, or one of pyOpenSSL or `cryptography`.
        method: a method of pyOpenSSL.  Deprecated: use the last three arguments.
        verify: whether the peer has to show a certificate signed by one of `caCerts`.  Rather give `trustRoot`.
        caCerts: certificates of authorities.
        verifyDepth: how long a chain of authorities may be; another number than 9 takes pyOpenSSL.
        requireCertificate: whether a client that shows no certificate is refused, if certificates are verified.
        verifyOnce: without effect: there is no second handshake within a connection.
        enableSingleUseKeys: whether each connection gets its own ephemeral key, as OpenSSL always does now.
        enableSessions: whether a server remembers sessions, so that clients resume them.
        fixBrokenPeers: whether to work around bugs of peers that the standard module does not work around anyway.
        enableSessionTickets: whether a server hands sessions out as tickets; who steals its ticket key reads the past.
        extraCertChain: the authorities between `certificate` and the root, its own first.
        acceptableCiphers: an `IAcceptableCiphers`; by default what has forward secrecy.
        dhParameters: a `DiffieHellmanParameters`.
        trustRoot: whom the peer's certificate has to be signed by: a `Certificate`, `platformTrust()`,
            `trustRootFromCertificates([...])`.
        acceptableProtocols: names of protocols for ALPN, the preferred one first.
        raiseMinimumTo: a `TLSVersion`: no version below this one, nor below TLS 1.2.
        insecurelyLowerMinimumTo: a `TLSVersion` below 1.2 that is to be allowed.
        lowerMaximumSecurityTo: a `TLSVersion`: none above this one.
        contextForServerName: called with the name that a client asks for (bytes, or None), returns the
            `OpenSSL.SSL.Context` to go on with, or None.  Takes pyOpenSSL; `SNIConnectionCreator` does not.

    Raises:
        ValueError: a key without certificate or the reverse, a chain without both, no usable cipher, an empty range.
        TypeError: arguments that contradict each other.

    Twisted: `twisted.internet.ssl.CertificateOptions`; ciphers without forward secrecy are not in the default, and
    renegotiation is off.
    """

    #: What TLS is allowed to fall back to.
    _defaultMinimumTLSVersion = DEFAULT_MINIMUM
    _OP_NO_TLSv1_3 = int(ssl.OP_NO_TLSv1_3)

    _context: Any = None
    #: Makes contexts of pyOpenSSL; None for its `Context`.
    _contextFactory: Any = None

    @_exclusive
    def __init__(
        self,
        privateKey: Any = None,
        certificate: Any = None,
        method: int | None = None,
        verify: bool = False,
        caCerts: list[Any] | None = None,
        verifyDepth: int = VERIFY_DEPTH,
        requireCertificate: bool = True,
        verifyOnce: bool = True,
        enableSingleUseKeys: bool = True,
        enableSessions: bool = False,
        fixBrokenPeers: bool = False,
        enableSessionTickets: bool = False,
        extraCertChain: Sequence[Any] | None = None,
        acceptableCiphers: IAcceptableCiphers | None = None,
        dhParameters: DiffieHellmanParameters | None = None,
        trustRoot: Any = None,
        acceptableProtocols: Sequence[bytes] | None = None,
        raiseMinimumTo: TLSVersion | None = None,
        insecurelyLowerMinimumTo: TLSVersion | None = None,
        lowerMaximumSecurityTo: TLSVersion | None = None,
        contextForServerName: Callable[[bytes | None], Any] | None = None,
    ) -> None:
        if (privateKey is None) != (certificate is None):
            raise ValueError("Specify neither or both of privateKey and certificate")
        if extraCertChain and privateKey is None:
            raise ValueError(
                "A private key and a certificate are required when adding a supplemental certificate chain."
            )
        if verify and not caCerts:
            raise ValueError(
                "Specify client CA certificate information if and only if enabling certificate verification"
            )
        self._key = privateKey
        self._certificate: Certificate | None = None
        if certificate is not None:
            self._certificate = (
                certificate if isinstance(certificate, Certificate) else Certificate(certificate)
            )
        self.extraCertChain = list(extraCertChain or ())
        self.verify = verify
        self.caCerts = caCerts
        self.verifyDepth = verifyDepth
        self.requireCertificate = requireCertificate
        self.verifyOnce = verifyOnce
        self.enableSingleUseKeys = enableSingleUseKeys
        self.enableSessions = enableSessions
        self.fixBrokenPeers = fixBrokenPeers
        self.enableSessionTickets = enableSessionTickets
        self.dhParameters = dhParameters
        self._acceptableProtocols = None if acceptableProtocols is None else tuple(acceptableProtocols)
        self._contextForServerName = contextForServerName
        self._choose_versions(method, raiseMinimumTo, insecurelyLowerMinimumTo, lowerMaximumSecurityTo)
        self._choose_trust(trustRoot)
        self._choose_ciphers(acceptableCiphers)
        self._standard_contexts: dict[Any, ssl.SSLContext] = {}

    def __repr__(self) -> str:
        whose = ""
        if self._certificate is not None:
            name = self._certificate.getSubject().get("commonName") or self._certificate.digest("sha256")
            whose = f" of {name.decode('utf-8', 'backslashreplace')}"
        return f"<{type(self).__name__}{whose}, peers {'verified' if self.verify else 'not verified'}>"

    def _choose_versions(
        self,
        method: int | None,
        raised: TLSVersion | None,
        lowered: TLSVersion | None,
        highest: TLSVersion | None,
    ) -> None:
        self._options = _ALWAYS
        if method is None:
            self.method = TLS_METHOD
            self._versions = version_range(raised, lowered, highest)
            self._options |= version_flags(*self._versions)
        else:
            warnings.warn(
                "Passing method to twisted.internet.ssl.CertificateOptions was deprecated in Twisted 17.1.0. Please use "
                "a combination of insecurelyLowerMinimumTo, raiseMinimumTo, and lowerMaximumSecurityTo instead, as "
                "Twisted will correctly configure the method.",
                DeprecationWarning,
                stacklevel=4,
            )
            self.method = method
            self._versions = method_range(method)
        if self.enableSingleUseKeys:
            self._options |= int(ssl.OP_SINGLE_DH_USE | ssl.OP_SINGLE_ECDH_USE)
        if self.fixBrokenPeers:
            self._options |= int(ssl.OP_ALL)
        if not self.enableSessionTickets:
            self._options |= int(ssl.OP_NO_TICKET)

    def _choose_trust(self, given: Any) -> None:
        self.trustRoot: Any = None
        if given is not None:
            self.verify = True
            self.trustRoot = trust_root(given)
        elif self.verify:
            self.trustRoot = OpenSSLCertificateAuthorities(self.caCerts or ())

    def _choose_ciphers(self, given: IAcceptableCiphers | None) -> None:
        chosen = select_ciphers(defaultCiphers if given is None else given, self._options)
        self._cipherString = ":".join([cipher.fullName for cipher in chosen])
        self._standard_ciphers = DEFAULT_CIPHER_STRING if given is None else self._cipherString

    @property
    def privateKey(self) -> Any:
        """The private key as an `OpenSSL.crypto.PKey`.  Needs the extra `tls`."""
        return None if self._key is None else private_original(self._key)

    @property
    def certificate(self) -> Any:
        """The certificate as an `OpenSSL.crypto.X509`.  Needs the extra `tls`."""
        return None if self._certificate is None else self._certificate.original

    # --- With the standard library ---------------------------------------------------------------------------------

    def make_tls_engine(self, tls_protocol: Any, is_client: bool) -> TLSEngine:
        """Make the engine of one connection.

        It is one of the standard library, unless somebody has overridden a method that makes what pyOpenSSL needs, has
        asked for the context of pyOpenSSL (and may have changed it), or wants what only pyOpenSSL can do.
        """
        if not self._is_standard():
            make = self.clientConnectionForTLS if is_client else self.serverConnectionForTLS
            return OpenSSLEngine(make(tls_protocol), is_client)
        return StandardEngine(self.standard_context(is_client, tls_protocol), is_client)

    def standard_context(
        self, is_client: bool, tls_protocol: Any = None, check_hostname: bool = False
    ) -> ssl.SSLContext:
        """Return the context of the standard library that these options stand for; shared, so not to be changed.

        Args:
            is_client: which side.
            tls_protocol: the protocol of the connection, whose factory may say what ALPN offers.
            check_hostname: whether the server's certificate has to have the name in it that is asked for.

        Raises:
            ValueError: the options do not fit together; the message says which.
        """
        protocols = acceptable_protocols(tls_protocol, self._acceptableProtocols)
        kind = (is_client, protocols, check_hostname)
        context = self._standard_contexts.get(kind)
        if context is None:
            if len(self._standard_contexts) >= _KEPT_CONTEXTS:
                self._standard_contexts.clear()
            context = self._standard_contexts[kind] = _standard.context_of(self, *kind)
        return context

    def _is_standard(self) -> bool:
        """Say whether the standard library can do what is asked for."""
        return (
            self._context is None
            and self._contextForServerName is None
            and self.verifyDepth == VERIFY_DEPTH
            and (self.trustRoot is None or hasattr(self.trustRoot, "add_to"))
            and all(getattr(type(self), name) is method for name, method in _HOOKS.items())
            and _HOOKS.keys().isdisjoint(self.__dict__)
        )

    # --- With pyOpenSSL --------------------------------------------------------------------------------------------

    def getContext(self) -> Any:
        """Return the `OpenSSL.SSL.Context` that these options stand for; always the same.  Needs the extra `tls`.

        From then on connections use it, so that changes to it count.
        """
        if self._context is None:
            self._context = self._makeContext()
        return self._context

    def _makeContext(self, skipCiphers: bool = False) -> Any:
        return _openssl.make_context(self, skipCiphers)

    def _makeTLSConnection(self, protocol: Any) -> Any:
        return _openssl.make_connection(self.getContext(), protocol, self._acceptableProtocols)

    def clientConnectionForTLS(self, protocol: Any) -> Any:
        """Make the `OpenSSL.SSL.Connection` of a client.

        Args:
            protocol: the TLS protocol that will drive it.
        """
        return self._makeTLSConnection(protocol)

    def serverConnectionForTLS(self, protocol: Any) -> Any:
        """Make the `OpenSSL.SSL.Connection` of a server.

        Args:
            protocol: the TLS protocol that will drive it.
        """
        return self._makeTLSConnection(protocol)

    def __getstate__(self) -> dict[str, Any]:
        warn_of_pickling(type(self), "__getstate__")
        state = self.__dict__.copy()
        state.pop("_context", None)
        state.pop("_standard_contexts", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        warn_of_pickling(type(self), "__setstate__")
        self.__dict__.update(state)
        self._standard_contexts = {}


#: Methods and attributes through which programs change what pyOpenSSL does; who overrides one is asked by it.
_HOOKS = {
    name: getattr(CertificateOptions, name)
    for name in (
        "_contextFactory",
        "_makeContext",
        "_makeTLSConnection",
        "clientConnectionForTLS",
        "getContext",
        "serverConnectionForTLS",
    )
}
