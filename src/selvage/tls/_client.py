"""Clients that know whom they talk to.  Floor 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from selvage._hostnames import _idnaBytes
from selvage.interfaces import IOpenSSLClientConnectionCreator, implementer
from selvage.tls import _openssl
from selvage.tls._extra import openssl
from selvage.tls._options import CertificateOptions
from selvage.tls._trust import platformTrust
from selvage.transports._ip import isIPAddress, isIPv6Address
from selvage.transports._tls_engine import OpenSSLEngine, StandardEngine

if TYPE_CHECKING:
    from selvage.tls._pairs import PrivateCertificate
    from selvage.transports._tls_engine import TLSEngine

__all__ = ["ClientTLSOptions", "optionsForClientTLS"]


@implementer(IOpenSSLClientConnectionCreator)
class ClientTLSOptions:
    """A client that accepts one server only: the one whose certificate has this name in it.

    Made by `optionsForClientTLS`; a subclass changes how it is done.

    Args:
        createConnection: called with the TLS protocol, makes an `OpenSSL.SSL.Connection`.
        hostname: the name or the address, in either spelling.
        sendServerName: whether to tell the server which name is asked for; by default when it is a name, not an address.

    The older form `ClientTLSOptions(hostname, context)` is understood: programs have subclasses that are made so.  A method
    `_identityVerifyingInfoCallback(connection, where, ret)` of such a subclass is called in the course of the handshake, and
    the certificate's name is then its business.

    Twisted: `twisted.internet._sslverify.ClientTLSOptions`.
    """

    #: What it was made from by `optionsForClientTLS`.
    _certificate_options: CertificateOptions | None = None

    def __init__(self, createConnection: Any, hostname: Any, sendServerName: bool | None = None) -> None:
        self._ctx: Any = None
        if isinstance(createConnection, str):
            createConnection, hostname, self._ctx = self._connection_of_context, createConnection, hostname
        elif isinstance(getattr(createConnection, "__self__", None), CertificateOptions):
            self._certificate_options = createConnection.__self__
        self._createConnection: Callable[[Any], Any] = createConnection
        self._hostname: str = hostname
        if isIPAddress(hostname) or isIPv6Address(hostname):
            self._hostnameBytes = hostname.encode("ascii")
            self._hostnameIsDnsName = False
        else:
            self._hostnameBytes = _idnaBytes(hostname)
            self._hostnameIsDnsName = True
        self._hostnameASCII = self._hostnameBytes.decode("ascii")
        self._sendServerName = self._hostnameIsDnsName if sendServerName is None else sendServerName
        if self._ctx is not None and hasattr(self, "_identityVerifyingInfoCallback"):
            self._ctx.set_info_callback(self._identityVerifyingInfoCallback)

    @property
    def hostname(self) -> str:
        """The name or the address that the server's certificate has to have."""
        return self._hostname

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {self._hostnameASCII}>"

    def _connection_of_context(self, tls_protocol: Any) -> Any:
        return _openssl.make_connection(self._ctx, tls_protocol, None)

    def make_tls_engine(self, tls_protocol: Any, is_client: bool) -> TLSEngine:
        """Make the engine of one connection; as `CertificateOptions.make_tls_engine`.

        Raises:
            TypeError: this is the server's side.
        """
        if not is_client:
            raise TypeError(f"{self!r} is for clients; a server takes CertificateOptions")
        options = self._certificate_options
        if options is None or not self._is_standard() or not options._is_standard():
            return OpenSSLEngine(self.clientConnectionForTLS(tls_protocol), True)
        context = options.standard_context(True, tls_protocol, check_hostname=True)
        return StandardEngine(context, True, self._hostnameASCII.removesuffix("."))

    def _is_standard(self) -> bool:
        """Say whether the standard library can do it: there, a name that is checked is a name that is sent."""
        return (
            self._sendServerName is self._hostnameIsDnsName
            and type(self).clientConnectionForTLS is ClientTLSOptions.clientConnectionForTLS
            and "clientConnectionForTLS" not in self.__dict__
        )

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """Make the `OpenSSL.SSL.Connection` of a client, which verifies the server's name.  Needs the extra `tls`.

        Args:
            tlsProtocol: the TLS protocol that will drive it.
        """
        connection = self._createConnection(tlsProtocol)
        if self._sendServerName:
            connection.set_tlsext_host_name(self._hostnameBytes)
        if not hasattr(self, "_identityVerifyingInfoCallback"):
            verify = _openssl.identity_callback(tlsProtocol, self._hostnameIsDnsName, self._hostnameASCII)
            library = openssl("SSL", "a connection of pyOpenSSL")
            connection.set_verify(library.VERIFY_PEER, verify)
        return connection


def optionsForClientTLS(
    hostname: str,
    trustRoot: Any = None,
    clientCertificate: PrivateCertificate | None = None,
    acceptableProtocols: Sequence[bytes] | None = None,
    *,
    extraCertificateOptions: dict[str, Any] | None = None,
    sendServerName: bool | None = None,
) -> ClientTLSOptions:
    """Return how a client connects to a server that it verifies.

    Args:
        hostname: the server's name or address, which its certificate has to have; names in other scripts are encoded.
        trustRoot: who may have signed that certificate; by default whom this machine trusts.
        clientCertificate: what to show if the server asks for a certificate.
        acceptableProtocols: names of protocols for ALPN, the preferred one first.
        extraCertificateOptions: more arguments for `CertificateOptions`.
        sendServerName: whether to tell the server which name is asked for; by default when it is a name, not an address.
            Otherwise needs the extra `tls`.

    Raises:
        TypeError: `hostname` is bytes.
        UnicodeError: it cannot be a host's name.

    Twisted: `twisted.internet.ssl.optionsForClientTLS`.
    """
    if not isinstance(hostname, str):
        raise TypeError(f"optionsForClientTLS requires text for host names, not {type(hostname).__name__}")
    more = dict(extraCertificateOptions or {})
    if clientCertificate is not None:
        more.update(privateKey=clientCertificate.privateKey, certificate=clientCertificate)
    options = CertificateOptions(
        trustRoot=platformTrust() if trustRoot is None else trustRoot,
        acceptableProtocols=acceptableProtocols,
        **more,
    )
    return ClientTLSOptions(options._makeTLSConnection, hostname, sendServerName)
