"""Endpoints with TLS: what joins certificates, the TLS protocol and an endpoint.  Floor 3.

Certificates and protocol are imported where they are used: most programs have no TLS endpoint.
"""

from __future__ import annotations

import os
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selvage import _events
from selvage.endpoints._grammar import WrongValueError, one_of
from selvage.endpoints._hostname import HostnameEndpoint
from selvage.endpoints._wrapping import _WrapperEndpoint
from selvage.errors import VerifyError
from selvage.interfaces import IStreamServerEndpoint, implementer
from selvage.paths import FilePath

if TYPE_CHECKING:
    from selvage.defer import Deferred
    from selvage.interfaces import IListeningPort, IProtocolFactory, IStreamClientEndpoint
    from selvage.tls import Certificate, OpenSSLCertificateAuthorities, PrivateCertificate

__all__ = [
    "TLSServerEndpoint",
    "client_endpoint",
    "client_options",
    "private_certificate",
    "server_endpoint",
    "server_options",
    "trust_roots",
    "wrapClientTLS",
    "wrapServerTLS",
]


def _tls_factory(*args: Any, **options: Any) -> Any:
    from selvage.protocols import tls

    return tls.TLSMemoryBIOFactory(*args, **options)


#: Makes a factory that speaks TLS; programs that ask whether there is TLS look for this name.  None where this Python was built without its module `ssl`.
TLSMemoryBIOFactory = None if find_spec("_ssl") is None else _tls_factory


def wrapClientTLS(
    connectionCreator: Any, wrappedEndpoint: IStreamClientEndpoint, clock: Any = None
) -> IStreamClientEndpoint:
    """Put TLS on the connections of a client endpoint.

    Args:
        connectionCreator: makes the client's side of TLS: `optionsForClientTLS(hostname)`, an `ssl.SSLContext`, or whatever else
            `TLSMemoryBIOFactory` takes.
        wrappedEndpoint: makes the connections.
        clock: an `IReactorTime`; the ambient reactor by default.

    Raises:
        NotImplementedError: this Python has no TLS.

    Twisted: `twisted.internet.endpoints.wrapClientTLS`.
    """
    if TLSMemoryBIOFactory is None:
        raise NotImplementedError("OpenSSL not available: this Python was built without its module `ssl`")
    # Whom it means to reach: the one whose certificate is verified, or the name that the endpoint looks up.
    host = getattr(connectionCreator, "hostname", None) or getattr(wrappedEndpoint, "_hostText", None)
    return _WrapperEndpoint(
        wrappedEndpoint,
        lambda factory: TLSMemoryBIOFactory(connectionCreator, True, factory, clock, server_hostname=host),
    )


@implementer(IStreamServerEndpoint)
class TLSServerEndpoint:
    """A server endpoint with TLS on the connections of another one.

    Args:
        endpoint: listens.
        connectionCreator: makes the server's side of TLS: `CertificateOptions`, `SNIConnectionCreator`, an `ssl.SSLContext`, or
            whatever else `TLSMemoryBIOFactory` takes.
        clock: an `IReactorTime`; the ambient reactor by default.

    Twisted: `twisted.protocols._sni.TLSServerEndpoint`.
    """

    def __init__(self, endpoint: IStreamServerEndpoint, connectionCreator: Any, clock: Any = None) -> None:
        self.endpoint = endpoint
        self.connectionCreator = connectionCreator
        self.clock = clock

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {self.endpoint!r}>"

    def listen(self, factory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen; as the endpoint below."""
        return self.endpoint.listen(_tls_factory(self.connectionCreator, False, factory, self.clock))


def wrapServerTLS(
    connectionCreator: Any, wrappedEndpoint: IStreamServerEndpoint, clock: Any = None
) -> IStreamServerEndpoint:
    """Put TLS on the connections of a server endpoint; see `TLSServerEndpoint`.

    Args:
        connectionCreator: makes the server's side of TLS.
        wrappedEndpoint: listens.
        clock: an `IReactorTime`; the ambient reactor by default.

    Twisted: `twisted.internet.endpoints.wrapServerTLS`.
    """
    return TLSServerEndpoint(wrappedEndpoint, connectionCreator, clock)


# --- For descriptions ------------------------------------------------------------------------------------------------


def _read(name: str, path: str) -> bytes:
    """Return what is in the file that an argument names."""
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise WrongValueError(name, f"names the file {path!r}, which cannot be read: {why}") from error


def private_certificate(
    certificatePath: str | None, keyPath: str | None, names: tuple[str, str] = ("certificate", "privateKey")
) -> PrivateCertificate | None:
    """Return the certificate with its key, from PEM files; None when no file is named.

    Args:
        certificatePath: has the certificate, and the key if `keyPath` is None.
        names: of the two arguments, for messages.
    """
    if certificatePath is None:
        if keyPath is not None:
            raise WrongValueError(names[1], f"is of no use without {names[0]!r}")
        return None
    from selvage.tls import Certificate, KeyPair, PrivateCertificate

    keyPath = certificatePath if keyPath is None else keyPath
    try:
        certificate = Certificate.loadPEM(_read(names[0], certificatePath))
    except ValueError as error:
        raise _unusable(names[0], certificatePath, error) from error
    try:
        return PrivateCertificate.fromCertificateAndKeyPair(
            certificate, KeyPair.load(_read(names[1], keyPath), 1)
        )
    except (ValueError, VerifyError) as error:
        raise _unusable(names[1], keyPath, error) from error


def _unusable(name: str, path: str, error: Exception) -> WrongValueError:
    if isinstance(error, WrongValueError):
        return error
    return WrongValueError(name, f"names the file {path!r}, which cannot be used: {error}")


def _all_certificates(name: str, path: str) -> list[Certificate]:
    """Return all certificates in a PEM file."""
    from selvage.tls import Certificate, certificates_in

    try:
        return [Certificate(der) for der in certificates_in(_read(name, path))]
    except ValueError as error:
        raise _unusable(name, path, error) from error


def trust_roots(directory: str | None, name: str = "trustRoots") -> OpenSSLCertificateAuthorities | None:
    """Return the authorities to trust: those of a directory of PEM files, or None for the platform's."""
    if directory is None:
        return None
    try:
        found = _loadCAsFromDir(FilePath(directory))
    except OSError as error:
        raise WrongValueError(
            name, f"names the directory {directory!r}, which cannot be read: {error.strerror}"
        ) from error
    if not found:
        raise WrongValueError(
            name, f"names the directory {directory!r}, which has no certificate in a .pem file"
        )
    return found


def _loadCAsFromDir(directoryPath: Any) -> OpenSSLCertificateAuthorities:
    """Return the authorities in the `.pem` files of a directory (a `FilePath`); a file that cannot be used is skipped."""
    from selvage.tls import Certificate, certificates_in, trustRootFromCertificates

    # By their bytes: the same authority is often there under two names.
    found: dict[bytes, None] = {}
    for child in directoryPath.children():
        if not child.asTextMode().basename().lower().endswith(".pem"):
            continue
        try:
            certificates = certificates_in(child.getContent())
            if not certificates:
                raise ValueError("there is no certificate in it")
        except (OSError, ValueError) as error:
            _events.emit("selvage.endpoints", "warn", "Skipped {path}: {error}", path=child.path, error=error)
            continue
        found[certificates[0]] = None
        if len(certificates) > 1:
            # As in Twisted: nobody is to be trusted who was not before.
            _events.emit(
                "selvage.endpoints",
                "warn",
                "Only the first of the {count} certificates in {path} is trusted: put each in a file of its own",
                count=len(certificates),
                path=child.path,
            )
    return trustRootFromCertificates([Certificate(der) for der in found])


def server_endpoint(directory: str, listening: IStreamServerEndpoint) -> IStreamServerEndpoint:
    """Return `listening` with TLS, its certificates those of a directory of PEM files, chosen by name."""
    from selvage.tls import SNIConnectionCreator, autoReloadingDirectoryOfPEMs

    try:
        certificates = autoReloadingDirectoryOfPEMs(directory)
        certificates.options_for(None)  # what cannot be used is told now, not with the first connection
    except OSError as error:
        raise WrongValueError(
            "path", f"names the directory {directory!r}, which cannot be read: {error.strerror}"
        ) from error
    return wrapServerTLS(SNIConnectionCreator(certificates), listening)


def client_endpoint(
    reactor: Any,
    host: str,
    port: int,
    timeout: float,
    bindAddress: str | None,
    certificate: PrivateCertificate | None,
    trustRoot: Any,
    endpoint: IStreamClientEndpoint | None,
) -> IStreamClientEndpoint:
    """Return an endpoint that connects to `host`, or by `endpoint`, and verifies that it is `host` that answers."""
    from selvage.tls import optionsForClientTLS

    if endpoint is None:
        endpoint = HostnameEndpoint(reactor, host, port, timeout, bindAddress)
    try:
        options = optionsForClientTLS(host, trustRoot=trustRoot, clientCertificate=certificate)
    except UnicodeError as error:
        raise WrongValueError("host", f"cannot be a host's name: {error}") from None
    return wrapClientTLS(options, endpoint)


def client_options(
    hostname: str | None = None,
    certKey: str | None = None,
    privateKey: str | None = None,
    caCertsDir: str | None = None,
) -> Any:
    """Return the TLS context of an `ssl:` client.  Without `hostname` the peer's name is not verified."""
    from selvage.tls import CertificateOptions, optionsForClientTLS

    certificate = private_certificate(certKey, privateKey, ("certKey", "privateKey"))
    authorities = trust_roots(caCertsDir, "caCertsDir")
    if hostname is not None:
        try:
            return optionsForClientTLS(hostname, trustRoot=authorities, clientCertificate=certificate)
        except UnicodeError as error:
            raise WrongValueError("hostname", f"cannot be a host's name: {error}") from None
    return CertificateOptions(
        privateKey=None if certificate is None else certificate.privateKey,
        certificate=certificate,
        trustRoot=authorities,
    )


def server_options(
    keyPath: str, certificatePath: str, method: str | None, chainPath: str | None, dhPath: str | None
) -> Any:
    """Return the TLS context of an `ssl:` server.

    Raises:
        WrongValueError: a file cannot be read or used, or there is no such method.
    """
    from selvage.tls import METHODS, CertificateOptions, DiffieHellmanParameters

    certificate = private_certificate(certificatePath, keyPath, ("certKey", "privateKey"))
    assert certificate is not None
    chosen: dict[str, Any] = {}
    if method is not None:
        chosen["method"] = METHODS[one_of("sslmethod", method, list(METHODS))][0]
    if chainPath is None:
        # Many files have the chain behind the certificate ("fullchain.pem"); clients need it.
        chosen["extraCertChain"] = _all_certificates("certKey", certificatePath)[1:]
    else:
        chosen["extraCertChain"] = _all_certificates("extraCertChain", chainPath)
        if not chosen["extraCertChain"]:
            raise ValueError(
                f"Specified chain file '{chainPath}' doesn't contain any valid certificates in PEM format."
            )
    if dhPath is not None:
        chosen["dhParameters"] = DiffieHellmanParameters.fromFile(FilePath(dhPath))
    with warnings.catch_warnings():
        # That methods are not the way any more is for whoever calls CertificateOptions; a description has no other.
        warnings.simplefilter("ignore", DeprecationWarning)
        options = CertificateOptions(privateKey=certificate.privateKey, certificate=certificate, **chosen)
    if dhPath is None or os.path.exists(dhPath):
        try:
            options.standard_context(False)
        except ValueError as error:  # a key that is too weak, say: rather now than with each connection
            raise WrongValueError("certKey", f"names the file {certificatePath!r}: {error}") from error
    return options
