"""Private keys: pairs of keys to sign with, and certificates that have theirs.  Floor 2.

A pair that was loaded from PEM stays PEM until somebody asks for the pyOpenSSL object, so a server that reads its key from
a file needs no more than the standard library.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Self

from selvage._hostnames import ascii_name
from selvage.defer import Deferred
from selvage.errors import VerifyError
from selvage.tls._certificates import Certificate, CertificateRequest
from selvage.tls._extra import cryptography
from selvage.tls._keys import (
    ASN1,
    PEM,
    PublicKey,
    digest_of,
    kind_of,
    known,
    private_bytes,
    private_key,
    private_original,
    private_pem,
)
from selvage.tls._names import DistinguishedName, x509_name
from selvage.tls._options import CertificateOptions
from selvage.tls._pem import key_in, mismatch
from selvage.tls._pickling import warn_of_pickling
from selvage.tls._trust import OpenSSLCertificateAuthorities

__all__ = ["KeyPair", "PrivateCertificate"]

# The numbers that OpenSSL has for kinds of keys.
TYPE_RSA = 6
TYPE_DSA = 116

#: Bits of a new RSA key: what NIST SP 800-57 allows until 2030.
KEY_SIZE = 2048

# A host's name, or a wildcard for hosts.
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")

#: Seconds for which a new certificate is valid: a year.
VALIDITY_S = 60 * 60 * 24 * 365


def _host_of(subject: Any, x509: Any) -> Any:
    """Return a common name that is a host's as an alternative name, where clients look for it; None if it is another's."""
    for attribute in subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME):
        try:
            return x509.IPAddress(ip_address(attribute.value))
        except ValueError:
            pass
        try:
            name = ascii_name(attribute.value)
        except UnicodeError:
            continue
        if _HOST.fullmatch(name):
            return x509.DNSName(name)
    return None


class KeyPair(PublicKey):
    """A private key with its public one.

    Args:
        osslpkey: an `OpenSSL.crypto.PKey`, a private key of the package `cryptography`, or PEM.

    Twisted: `twisted.internet.ssl.KeyPair`.
    """

    def _make_original(self) -> Any:
        return private_original(self._given)

    def _public(self) -> Any:
        return private_key(self).public_key()

    @classmethod
    def generate(cls, kind: int = TYPE_RSA, size: int = KEY_SIZE) -> Self:
        """Make a new pair.

        Args:
            kind: 6 for RSA, 116 for DSA, the numbers of `OpenSSL.crypto.TYPE_RSA` and `TYPE_DSA`.
            size: in bits.
        """
        if kind == TYPE_RSA:
            rsa = cryptography("hazmat.primitives.asymmetric.rsa", "making a key")
            return cls(rsa.generate_private_key(public_exponent=65537, key_size=size))
        if kind == TYPE_DSA:
            return cls(
                cryptography("hazmat.primitives.asymmetric.dsa", "making a key").generate_private_key(size)
            )
        raise ValueError(f"a kind of key is {TYPE_RSA} (RSA) or {TYPE_DSA} (DSA), not {kind!r}")

    @classmethod
    def load(cls, data: bytes, format: int = ASN1) -> KeyPair:
        """Read a private key.

        Args:
            format: 2 for DER, 1 for PEM.

        Raises:
            ValueError: it is none, or it is encrypted.
        """
        if format == PEM:
            key = key_in(data)
            if key is None:
                raise ValueError("there is no private key in this PEM text")
            return cls(key)
        known(format)
        forms = cryptography("hazmat.primitives.serialization", "a private key in DER")
        try:
            return cls(forms.load_der_private_key(data, None))
        except (ValueError, TypeError) as error:
            raise ValueError(f"these {len(data)} bytes are not a private key: {error}") from None

    def dump(self, format: int = ASN1) -> bytes:
        """Return the private key, PKCS #8, not encrypted; in DER (2) or PEM (1)."""
        return private_bytes(self, format)

    def inspect(self) -> str:
        """Return a line for people to read."""
        return f"{kind_of(self._public())} Key Pair with Hash: {self.keyHash()}"

    def requestObject(
        self, distinguishedName: DistinguishedName, digestAlgorithm: str = "sha256"
    ) -> CertificateRequest:
        """Ask for a certificate: make a request, signed with this key.

        Args:
            distinguishedName: whom the certificate is to be about.
        """
        x509 = cryptography("x509", "a certificate request")
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509_name(distinguishedName, x509))
        return CertificateRequest(builder.sign(private_key(self), digest_of(digestAlgorithm)))

    def certificateRequest(
        self, distinguishedName: DistinguishedName, format: int = ASN1, digestAlgorithm: str = "sha256"
    ) -> bytes:
        """As `requestObject`, but return bytes, in DER (2) or PEM (1)."""
        return self.requestObject(distinguishedName, digestAlgorithm).dump(format)

    def signRequestObject(
        self,
        issuerDistinguishedName: DistinguishedName,
        requestObject: CertificateRequest,
        serialNumber: int,
        secondsToExpiry: int = VALIDITY_S,
        digestAlgorithm: str = "sha256",
    ) -> Certificate:
        """Grant a request: make the certificate, signed with this key.

        A certificate that this key makes for itself may sign others; those that it makes for other keys may not.  A common
        name that is a host's name or address is its alternative name, too: that is where clients look.

        Args:
            issuerDistinguishedName: whose key this is.
            serialNumber: unique for this issuer.  0, which RFC 5280 forbids, stands for a random one.
        """
        x509 = cryptography("x509", "signing a certificate")
        issuer = x509_name(issuerDistinguishedName, x509)
        return self._sign(issuer, requestObject, serialNumber, secondsToExpiry, digestAlgorithm)

    def _sign(
        self,
        issuer: Any,
        requestObject: CertificateRequest,
        serialNumber: int,
        secondsToExpiry: int,
        digestAlgorithm: str,
    ) -> Certificate:
        x509 = cryptography("x509", "signing a certificate")
        request, own = requestObject.original, self._public()
        key = request.public_key()
        itself = PublicKey(key).matches(self)
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(serialNumber or x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(seconds=secondsToExpiry))
            .add_extension(x509.BasicConstraints(ca=itself, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own), critical=False)
        )
        if alternative := _host_of(request.subject, x509):
            builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        return Certificate(builder.sign(private_key(self), digest_of(digestAlgorithm)))

    def signCertificateRequest(
        self,
        issuerDistinguishedName: DistinguishedName,
        requestData: bytes,
        verifyDNCallback: Callable[[DistinguishedName], bool | Deferred[bool]],
        serialNumber: int,
        requestFormat: int = ASN1,
        certificateFormat: int = ASN1,
        secondsToExpiry: int = VALIDITY_S,
        digestAlgorithm: str = "sha256",
    ) -> bytes | Deferred[bytes]:
        """Read a request, ask whether it may be granted, and grant it.

        Args:
            verifyDNCallback: called with the name that the request is about; its result, or what its Deferred fires with,
                is the answer.

        Returns:
            The certificate's bytes, in a Deferred if `verifyDNCallback` returned one.

        Raises:
            VerifyError: the request's signature is wrong, or it may not be granted; the Deferred then fails with it.
        """
        issuer = x509_name(issuerDistinguishedName, cryptography("x509", "signing a certificate"))
        return self._grant(
            issuer,
            requestData,
            verifyDNCallback,
            serialNumber,
            requestFormat,
            certificateFormat,
            secondsToExpiry,
            digestAlgorithm,
        )

    def _grant(
        self,
        issuer: Any,
        data: bytes,
        ask: Callable[[DistinguishedName], bool | Deferred[bool]],
        serial_number: int,
        request_format: int,
        certificate_format: int,
        seconds_to_expiry: int = VALIDITY_S,
        digest: str = "sha256",
    ) -> bytes | Deferred[bytes]:
        request = CertificateRequest.load(data, request_format)
        name = request.getSubject()

        def granted(answer: bool) -> bytes:
            if not answer:
                raise VerifyError(f"DN callback {ask!r} rejected request DN {name!r}")
            made = self._sign(issuer, request, serial_number, seconds_to_expiry, digest)
            return made.dump(certificate_format)

        answer = ask(name)
        return answer.addCallback(granted) if isinstance(answer, Deferred) else granted(answer)

    def newCertificate(self, newCertData: bytes, format: int = ASN1) -> PrivateCertificate:
        """Join this pair with the certificate that somebody made for it."""
        return PrivateCertificate.load(newCertData, self, format)

    def selfSignedCert(self, serialNumber: int, **kw: str | bytes) -> PrivateCertificate:
        """Make a certificate that this pair has signed itself.

        Args:
            kw: the fields of its name, as for `DistinguishedName`.
        """
        name = DistinguishedName(**kw)
        made = self.signRequestObject(name, self.requestObject(name), serialNumber)
        return PrivateCertificate.fromCertificateAndKeyPair(made, self)

    def __getstate__(self) -> bytes:
        warn_of_pickling(type(self), "__getstate__")
        return self.dump()

    def __setstate__(self, state: bytes) -> None:
        warn_of_pickling(type(self), "__setstate__")
        KeyPair.__init__(self, KeyPair.load(state)._given)


class PrivateCertificate(Certificate):
    """A certificate with the private key that it is for.

    Attributes:
        privateKey: a `KeyPair`.

    Twisted: `twisted.internet.ssl.PrivateCertificate`.
    """

    privateKey: KeyPair

    def __repr__(self) -> str:
        return f"{super().__repr__()} with {self.privateKey!r}"

    def _setPrivateKey(self, privateKey: KeyPair) -> Self:
        if reason := mismatch(self._der(), private_pem(privateKey)):
            raise VerifyError(f"Certificate public and private keys do not match. ({reason})")
        self.privateKey = privateKey
        return self

    @classmethod
    def load(cls, data: bytes, privateKey: KeyPair, format: int = ASN1) -> Self:  # type: ignore[override]
        """Read a certificate, in DER (2) or PEM (1), and join it with its key.

        Raises:
            ValueError: it is none.
            VerifyError: the key is another one's.
        """
        return super().load(data, format)._setPrivateKey(privateKey)

    @classmethod
    def loadPEM(cls, data: bytes | str) -> PrivateCertificate:
        """Read the first certificate and the first private key in PEM text.

        Raises:
            ValueError: one of them is missing, broken, or encrypted.
            VerifyError: they do not belong together.
        """
        text = data.encode("ascii") if isinstance(data, str) else data
        return cls.load(text, KeyPair.load(text, PEM), PEM)

    @classmethod
    def fromCertificateAndKeyPair(cls, certificateInstance: Certificate, privateKey: KeyPair) -> Self:
        """Join a certificate with its key.

        Raises:
            VerifyError: the key is another one's.
        """
        return cls(certificateInstance._given)._setPrivateKey(privateKey)

    def inspect(self) -> str:
        """Return what is in it for people to read, without the secret."""
        return f"{self._inspect()}\n{self.privateKey.inspect()}"

    def dumpPEM(self) -> bytes:
        """Return certificate and private key as PEM; the key is not encrypted."""
        return super().dumpPEM() + private_pem(self.privateKey)

    def options(self, *authorities: Certificate) -> CertificateOptions:
        """Return what takes part in TLS with this certificate.

        Args:
            authorities: who may have signed the peer's certificate; without any, the peer needs none.
        """
        root = OpenSSLCertificateAuthorities(list(authorities)) if authorities else None
        return CertificateOptions(privateKey=self.privateKey, certificate=self, trustRoot=root)

    def certificateRequest(self, format: int = ASN1, digestAlgorithm: str = "sha256") -> bytes:
        """Ask for another certificate for this name and key."""
        return self.privateKey.certificateRequest(self.getSubject(), format, digestAlgorithm)

    def signCertificateRequest(
        self,
        requestData: bytes,
        verifyDNCallback: Callable[[DistinguishedName], bool | Deferred[bool]],
        serialNumber: int,
        requestFormat: int = ASN1,
        certificateFormat: int = ASN1,
    ) -> bytes | Deferred[bytes]:
        """Grant a request in this certificate's name; as `KeyPair.signCertificateRequest`."""
        return self.privateKey._grant(
            self._x509_subject(),
            requestData,
            verifyDNCallback,
            serialNumber,
            requestFormat,
            certificateFormat,
        )

    def _x509_subject(self) -> Any:
        """Return the name as `cryptography` has it, octet by octet: a chain is found by comparing names."""
        x509 = cryptography("x509", "signing a certificate")
        return x509.load_der_x509_certificate(self._der()).subject

    def signRequestObject(
        self,
        certificateRequest: CertificateRequest,
        serialNumber: int,
        secondsToExpiry: int = VALIDITY_S,
        digestAlgorithm: str = "sha256",
    ) -> Certificate:
        """Grant a request in this certificate's name; as `KeyPair.signRequestObject`."""
        return self.privateKey._sign(
            self._x509_subject(), certificateRequest, serialNumber, secondsToExpiry, digestAlgorithm
        )

    def newCertificate(self, newCertData: bytes, format: int = ASN1) -> PrivateCertificate:
        """Join this certificate's key with another certificate for it."""
        return self.privateKey.newCertificate(newCertData, format)
