"""TLS: what options and certificates are for the type checker."""

from __future__ import annotations

import ssl
from typing import assert_type

from selvage.defer import Deferred
from selvage.tls import (
    DN,
    Certificate,
    CertificateOptions,
    CertificateRequest,
    ClientTLSOptions,
    KeyPair,
    OpenSSLCertificateAuthorities,
    PrivateCertificate,
    TLSVersion,
    optionsForClientTLS,
    trustRootFromCertificates,
)

pair = KeyPair.generate()
assert_type(pair, KeyPair)
assert_type(pair.requestObject(DN(CN="example.com")), CertificateRequest)
own = pair.selfSignedCert(1, CN="example.com", O=b"Example")
assert_type(own, PrivateCertificate)
assert_type(own.privateKey, KeyPair)
assert_type(own.signRequestObject(pair.requestObject(DN()), 2), Certificate)
assert_type(
    own.signCertificateRequest(b"", lambda name: name.CN == b"example.com", 3), bytes | Deferred[bytes]
)
assert_type(Certificate.loadPEM("text"), Certificate)
assert_type(PrivateCertificate.loadPEM(b"text"), PrivateCertificate)

trust = trustRootFromCertificates([own])
assert_type(trust, OpenSSLCertificateAuthorities)
assert_type(own.options(own), CertificateOptions)
assert_type(own.options().standard_context(False), ssl.SSLContext)
client = optionsForClientTLS("example.com", trust, own, [b"h2"], extraCertificateOptions={"verifyDepth": 3})
assert_type(client, ClientTLSOptions)
assert_type(client.hostname, str)

CertificateOptions(raiseMinimumTo=TLSVersion.TLSv1_3)
CertificateOptions(raiseMinimumTo=3)  # type: ignore[arg-type]
optionsForClientTLS(b"example.com")  # type: ignore[arg-type]
DN(CN=3)  # type: ignore[arg-type]
