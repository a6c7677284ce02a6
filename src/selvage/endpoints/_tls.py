"""Endpoints with TLS: what joins certificates, the TLS protocol and an endpoint.  Floor 3.

Selvage has no TLS of its own yet; certificates and the protocol are those of a Twisted in the same process
(`_borrowed.py`).  Nothing else here depends on that.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selvage import _events
from selvage.endpoints._borrowed import borrow
from selvage.endpoints._hostname import HostnameEndpoint
from selvage.endpoints._wrapping import _WrapperEndpoint

if TYPE_CHECKING:
    from selvage.interfaces import IStreamClientEndpoint, IStreamServerEndpoint

__all__ = [
    "client_endpoint",
    "client_options",
    "private_certificate",
    "server_endpoint",
    "server_options",
    "trust_roots",
    "wrapClientTLS",
    "wrapServerTLS",
]

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def _ssl(name: str) -> Any:
    """Return a name of `twisted.internet.ssl`."""
    return borrow("internet.ssl", name, "TLS")


def wrapClientTLS(
    connectionCreator: Any, wrappedEndpoint: IStreamClientEndpoint, clock: Any = None
) -> IStreamClientEndpoint:
    """Put TLS on the connections of a client endpoint.

    Args:
        connectionCreator: makes the client's side of TLS, such as `optionsForClientTLS(hostname)`.
        wrappedEndpoint: makes the connections.
        clock: an `IReactorTime`; the ambient reactor by default.

    Raises:
        NotImplementedError: there is no TLS in this process.

    Twisted: `twisted.internet.endpoints.wrapClientTLS`.
    """
    wrapper = borrow("protocols.tls", "TLSMemoryBIOFactory", "TLS")
    return _WrapperEndpoint(wrappedEndpoint, lambda factory: wrapper(connectionCreator, True, factory, clock))


def wrapServerTLS(
    connectionCreator: Any, wrappedEndpoint: IStreamServerEndpoint, clock: Any = None
) -> IStreamServerEndpoint:
    """Put TLS on the connections of a server endpoint.

    Args:
        connectionCreator: makes the server's side of TLS.
        wrappedEndpoint: listens.
        clock: an `IReactorTime`; the ambient reactor by default.

    Raises:
        NotImplementedError: there is no TLS in this process.

    Twisted: `twisted.internet.endpoints.wrapServerTLS`.
    """
    endpoint = borrow("protocols._sni", "TLSServerEndpoint", "TLS")
    made: IStreamServerEndpoint = endpoint(wrappedEndpoint, connectionCreator, clock)
    return made


def server_endpoint(directory: str, listening: IStreamServerEndpoint) -> IStreamServerEndpoint:
    """Return `listening` with TLS, its certificates those of a directory of PEM files, chosen by name."""
    certificates = borrow("protocols._sni", "autoReloadingDirectoryOfPEMs", "TLS")
    creator = borrow("protocols._sni", "SNIConnectionCreator", "TLS")
    path = borrow("python.filepath", "FilePath", "TLS")
    return wrapServerTLS(creator(certificates(path(directory))), listening)


def client_endpoint(
    reactor: Any,
    host: str,
    port: int,
    timeout: float,
    bindAddress: str | None,
    certificate: Any,
    trustRoot: Any,
    endpoint: IStreamClientEndpoint | None,
) -> IStreamClientEndpoint:
    """Return an endpoint that connects to `host`, or by `endpoint`, and verifies that it is `host` that answers."""
    if endpoint is None:
        endpoint = HostnameEndpoint(reactor, host, port, timeout, bindAddress)
    options = _ssl("optionsForClientTLS")(host, trustRoot=trustRoot, clientCertificate=certificate)
    return wrapClientTLS(options, endpoint)


def private_certificate(certificatePath: str | None, keyPath: str | None) -> Any:
    """Return the certificate with its key, from PEM files; None when no file is named."""
    if certificatePath is None:
        return None
    certificate = Path(certificatePath).read_bytes()
    key = b"" if keyPath is None else Path(keyPath).read_bytes()
    return _ssl("PrivateCertificate").loadPEM(certificate + b"\n" + key)


def trust_roots(directory: str | None) -> Any:
    """Return the authorities to trust: those of a directory of PEM files, or None for the platform's."""
    return (
        None
        if directory is None
        else _loadCAsFromDir(borrow("python.filepath", "FilePath", "TLS")(directory))
    )


def _loadCAsFromDir(directoryPath: Any) -> Any:
    """Return the authorities in the `.pem` files of a directory (a `FilePath`); a file that cannot be used is skipped."""
    certificates: dict[bytes, Any] = {}
    for child in directoryPath.children():
        if not child.asTextMode().basename().lower().endswith(".pem"):
            continue
        try:
            content = child.getContent()
        except OSError as error:
            _events.emit("selvage.endpoints", "warn", "Skipped {path}: {error}", path=child.path, error=error)
            continue
        try:
            certificate = _ssl("Certificate").loadPEM(content)
        except Exception as error:
            _events.emit(
                "selvage.endpoints", "warn", "Skipped {path}: {error!r}", path=child.path, error=error
            )
            continue
        certificates.setdefault(certificate.digest(), certificate)
    return _ssl("trustRootFromCertificates")(list(certificates.values()))


def client_options(
    hostname: str | None = None,
    certKey: str | None = None,
    privateKey: str | None = None,
    caCertsDir: str | None = None,
) -> Any:
    """Return the TLS context of an `ssl:` client.  Without `hostname` the peer's name is not verified."""
    certificate = private_certificate(certKey, privateKey)
    authorities = trust_roots(caCertsDir)
    if hostname is not None:
        return _ssl("optionsForClientTLS")(hostname, trustRoot=authorities, clientCertificate=certificate)
    return _ssl("CertificateOptions")(
        privateKey=None if certificate is None else certificate.privateKey.original,
        certificate=None if certificate is None else certificate.original,
        trustRoot=authorities,
    )


def server_options(
    keyPath: str, certificatePath: str, method: str | None, chainPath: str | None, dhPath: str | None
) -> Any:
    """Return the TLS context of an `ssl:` server.

    Raises:
        ValueError: the chain file has no certificate in it, or there is no such method.
    """
    certificate = private_certificate(certificatePath, keyPath)
    chosen: dict[str, Any] = {}
    if method is not None:
        from importlib import import_module

        found = getattr(import_module("OpenSSL.SSL"), method, None)
        if found is None:
            raise ValueError(f"OpenSSL knows no method {method!r}")
        chosen["method"] = found
    if chainPath is not None:
        chain = _CERTIFICATE.findall(Path(chainPath).read_bytes())
        if not chain:
            raise ValueError(
                f"Specified chain file '{chainPath}' doesn't contain any valid certificates in PEM format."
            )
        chosen["extraCertChain"] = [_ssl("Certificate").loadPEM(each).original for each in chain]
    if dhPath is not None:
        path = borrow("python.filepath", "FilePath", "TLS")(dhPath)
        chosen["dhParameters"] = _ssl("DiffieHellmanParameters").fromFile(path)
    return _ssl("CertificateOptions")(
        privateKey=certificate.privateKey.original, certificate=certificate.original, **chosen
    )
