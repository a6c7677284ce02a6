"""`twisted.internet._sslverify`: what `twisted.internet.ssl` is made of; programs use some of it by these names."""

from selvage.errors import VerifyError as VerifyError
from selvage.interfaces import (
    IAcceptableCiphers as IAcceptableCiphers,
    ICipher as ICipher,
    IOpenSSLClientConnectionCreator as IOpenSSLClientConnectionCreator,
    IOpenSSLContextFactory as IOpenSSLContextFactory,
    IOpenSSLServerConnectionCreator as IOpenSSLServerConnectionCreator,
    IProtocolNegotiationFactory as IProtocolNegotiationFactory,
)
from selvage.tls import (
    DN as DN,
    AcceptableCiphers as OpenSSLAcceptableCiphers,  # noqa: F401
    CertBase as CertBase,
    Certificate as Certificate,
    CertificateOptions as OpenSSLCertificateOptions,  # noqa: F401
    CertificateRequest as CertificateRequest,
    ClientTLSOptions as ClientTLSOptions,
    DiffieHellmanParameters as OpenSSLDiffieHellmanParameters,  # noqa: F401
    DistinguishedName as DistinguishedName,
    IOpenSSLTrustRoot as IOpenSSLTrustRoot,
    KeyPair as KeyPair,
    OpenSSLCertificateAuthorities as OpenSSLCertificateAuthorities,
    OpenSSLCipher as OpenSSLCipher,
    OpenSSLDefaultPaths as OpenSSLDefaultPaths,
    PrivateCertificate as PrivateCertificate,
    PublicKey as PublicKey,
    TLSVersion as TLSVersion,
    defaultCiphers as defaultCiphers,
    optionsForClientTLS as optionsForClientTLS,
    platformTrust as platformTrust,
    trustRootFromCertificates as trustRootFromCertificates,
)
from selvage.tls._ciphers import expand_ciphers as _expandCipherString  # noqa: F401
from selvage.tls._late import __getattr__ as __getattr__
from selvage.tls._openssl import (
    identity_callback as _verifyCB,  # noqa: F401
    set_protocols as _setAcceptableProtocols,  # noqa: F401
)
from selvage.tls._parameters import default_curve as _defaultCurveName  # noqa: F401

#: OpenSSL has chosen curves itself since 1.1.0; there is nothing left that would do it.
_ChooseDiffieHellmanEllipticCurve = None
