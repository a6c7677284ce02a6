"""TLS configured: certificates and keys, whom to trust, how to connect to whom, which certificate for which name.  Floor 2.

    options = optionsForClientTLS("example.com")
    endpoint = wrapClientTLS(options, HostnameEndpoint(reactor, "example.com", 443))

    certificate = PrivateCertificate.loadPEM(Path("server.pem").read_bytes())
    reactor.listenSSL(443, factory, certificate.options())

All of this stands on the standard `ssl` module.  Making keys, signing requests and objects of pyOpenSSL take the extra
`tls`; what needs it says so.

Twisted: all of `twisted.internet.ssl`.
"""

from __future__ import annotations

from selvage._publish import publish
from selvage.tls._certificates import (
    CertBase as CertBase,
    Certificate as Certificate,
    CertificateRequest as CertificateRequest,
    certificate_der as certificate_der,
)
from selvage.tls._ciphers import (
    AcceptableCiphers as AcceptableCiphers,
    OpenSSLCipher as OpenSSLCipher,
    defaultCiphers as defaultCiphers,
)
from selvage.tls._classic import (
    ClientContextFactory as ClientContextFactory,
    ContextFactory as ContextFactory,
    DefaultOpenSSLContextFactory as DefaultOpenSSLContextFactory,
)
from selvage.tls._client import (
    ClientTLSOptions as ClientTLSOptions,
    optionsForClientTLS as optionsForClientTLS,
)
from selvage.tls._directory import (
    DirectoryOfPEMs as DirectoryOfPEMs,
    PEMObjects as PEMObjects,
    autoReloadingDirectoryOfPEMs as autoReloadingDirectoryOfPEMs,
)
from selvage.tls._keys import PublicKey as PublicKey
from selvage.tls._late import __getattr__ as __getattr__
from selvage.tls._names import DN as DN, DistinguishedName as DistinguishedName
from selvage.tls._options import CertificateOptions as CertificateOptions
from selvage.tls._pairs import KeyPair as KeyPair, PrivateCertificate as PrivateCertificate
from selvage.tls._parameters import DiffieHellmanParameters as DiffieHellmanParameters
from selvage.tls._pem import certificates_in as certificates_in  # for selvage.endpoints
from selvage.tls._server_names import SNIConnectionCreator as SNIConnectionCreator
from selvage.tls._trust import (
    IOpenSSLTrustRoot as IOpenSSLTrustRoot,
    OpenSSLCertificateAuthorities as OpenSSLCertificateAuthorities,
    OpenSSLDefaultPaths as OpenSSLDefaultPaths,
    platformTrust as platformTrust,
    trustRootFromCertificates as trustRootFromCertificates,
)
from selvage.tls._versions import (
    METHODS as METHODS,  # for selvage.endpoints
    TLSVersion as TLSVersion,
)

__all__ = [
    "DN",
    "AcceptableCiphers",
    "CertBase",
    "Certificate",
    "CertificateOptions",
    "CertificateRequest",
    "ClientContextFactory",
    "ClientTLSOptions",
    "ContextFactory",
    "DefaultOpenSSLContextFactory",
    "DiffieHellmanParameters",
    "DirectoryOfPEMs",
    "DistinguishedName",
    "IOpenSSLTrustRoot",
    "KeyPair",
    "OpenSSLCertificateAuthorities",
    "OpenSSLCipher",
    "OpenSSLDefaultPaths",
    "PEMObjects",
    "PrivateCertificate",
    "PublicKey",
    "SNIConnectionCreator",
    "TLSVersion",
    "autoReloadingDirectoryOfPEMs",
    "certificate_der",
    "defaultCiphers",
    "optionsForClientTLS",
    "platformTrust",
    "trustRootFromCertificates",
]


publish(globals())
