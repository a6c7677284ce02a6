"""`twisted.internet.ssl`: certificates and keys, and how to do TLS with them."""

from selvage.tls import (
    DN as DN,
    AcceptableCiphers as AcceptableCiphers,
    Certificate as Certificate,
    CertificateOptions as CertificateOptions,
    CertificateRequest as CertificateRequest,
    ClientContextFactory as ClientContextFactory,
    ContextFactory as ContextFactory,
    DefaultOpenSSLContextFactory as DefaultOpenSSLContextFactory,
    DiffieHellmanParameters as DiffieHellmanParameters,
    DistinguishedName as DistinguishedName,
    KeyPair as KeyPair,
    OpenSSLDefaultPaths as OpenSSLDefaultPaths,
    PrivateCertificate as PrivateCertificate,
    TLSVersion as TLSVersion,
    optionsForClientTLS as optionsForClientTLS,
    platformTrust as platformTrust,
    trustRootFromCertificates as trustRootFromCertificates,
)
from selvage.tls._late import __getattr__ as __getattr__
from selvage.tls._negotiation import protocolNegotiationMechanisms as protocolNegotiationMechanisms
from selvage.transports.tcp import Client as Client, Connector as Connector, Port as Port, Server as Server

#: TLS is there, whatever else is installed.
supported = True

__all__ = [
    "DN",
    "AcceptableCiphers",
    "Certificate",
    "CertificateOptions",
    "CertificateRequest",
    "ClientContextFactory",
    "ContextFactory",
    "DefaultOpenSSLContextFactory",
    "DiffieHellmanParameters",
    "DistinguishedName",
    "KeyPair",
    "OpenSSLDefaultPaths",
    "PrivateCertificate",
    "ProtocolNegotiationSupport",  # noqa: F822
    "TLSVersion",
    "VerificationError",  # noqa: F822
    "optionsForClientTLS",
    "platformTrust",
    "protocolNegotiationMechanisms",
    "trustRootFromCertificates",
]
