"""Certificates, with their keys and without, and requests for them.  Floor 2.

A certificate is kept as it was given (DER, or an object of pyOpenSSL or `cryptography`) and becomes something else when
somebody asks.  Reading, comparing and using certificates takes the standard library; their keys, `original` and requests
take the extra `tls`.
"""

from __future__ import annotations

import hashlib
from typing import Any, Self

from selvage.errors import CertificateError, VerifyError
from selvage.tls._extra import cryptography, openssl
from selvage.tls._keys import ASN1, PEM, PublicKey, encoding, known
from selvage.tls._names import DistinguishedName, name_from_facts, name_from_x509
from selvage.tls._pem import certificate_facts, certificate_pem, certificates_in, checked

__all__ = ["CertBase", "Certificate", "CertificateRequest", "certificate_der"]

_TEXT = 65535


def certificate_der(certificate: Any) -> bytes:
    """Return a certificate's bytes in DER.

    Args:
        certificate: a `Certificate`, an `OpenSSL.crypto.X509`, a `cryptography.x509.Certificate`, or DER itself.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(certificate, bytes):
        return certificate
    if isinstance(certificate, Certificate):
        return certificate._der()
    if hasattr(certificate, "to_cryptography"):
        certificate = certificate.to_cryptography()
    if not hasattr(certificate, "public_bytes"):
        raise TypeError(
            f"a certificate is a selvage.tls.Certificate or an object of pyOpenSSL or cryptography, not {certificate!r}"
        )
    data: bytes = certificate.public_bytes(encoding(ASN1))
    return data


def _shown(common_name: bytes | None) -> str:
    return "" if common_name is None else repr(common_name)


class CertBase:
    """What certificates and requests have in common.

    Twisted: `twisted.internet._sslverify.CertBase`.
    """

    def __init__(self, original: Any) -> None:
        self._given = original

    @property
    def original(self) -> Any:
        """The object of the library that made it."""
        return self._given

    def getSubject(self) -> DistinguishedName:
        """Return whom it is about."""
        raise NotImplementedError


class Certificate(CertBase):
    """An X.509 certificate.

    Args:
        original: an `OpenSSL.crypto.X509`, a `cryptography.x509.Certificate`, or DER.

    Twisted: `twisted.internet.ssl.Certificate`.
    """

    _facts: dict[str, Any] | None = None
    _original: Any = None

    @property
    def original(self) -> Any:
        """The certificate as an `OpenSSL.crypto.X509`.  Needs the extra `tls`."""
        if hasattr(self._given, "to_cryptography"):
            return self._given
        if self._original is None:
            crypto = openssl("crypto", "a pyOpenSSL certificate")
            self._original = crypto.load_certificate(ASN1, self._der())
        return self._original

    def _der(self) -> bytes:
        return certificate_der(self._given)

    def _read(self) -> dict[str, Any]:
        """Return what is written in it."""
        if self._facts is None:
            self._facts = certificate_facts(self._der())
        return self._facts

    def __eq__(self, other: object) -> bool:
        return self._der() == other._der() if isinstance(other, Certificate) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        subject, issuer = self.getSubject().get("commonName"), self.getIssuer().get("commonName")
        return f"<{type(self).__name__} Subject={_shown(subject)} Issuer={_shown(issuer)}>"

    def getSubject(self) -> DistinguishedName:
        """Return whom it is about."""
        return name_from_facts(self._read()["subject"])

    def getIssuer(self) -> DistinguishedName:
        """Return who says so."""
        return name_from_facts(self._read()["issuer"])

    def serialNumber(self) -> int:
        """Return its number, unique for its issuer."""
        return int(self._read()["serialNumber"], 16)

    def getPublicKey(self) -> PublicKey:
        """Return the key that it is about.  Needs the extra `tls`."""
        x509 = cryptography("x509", "a certificate's key")
        return PublicKey(x509.load_der_x509_certificate(self._der()).public_key())

    def digest(self, method: str = "md5") -> bytes:
        """Return a fingerprint, as in b"C4:96:..."."""
        try:
            made = hashlib.new(method, self._der(), usedforsecurity=False)
        except ValueError:
            raise ValueError(f"No such digest method: {method!r}") from None
        return made.digest().hex(":").upper().encode("ascii")

    def inspect(self) -> str:
        """Return what is in it for people to read."""
        return f"{self._inspect()}\n{self.getPublicKey().inspect()}"

    def _inspect(self) -> str:
        parts = (
            "Certificate For Subject:",
            self.getSubject().inspect(),
            "\nIssuer:",
            self.getIssuer().inspect(),
            f"\nSerial Number: {self.serialNumber()}",
            f"Digest: {self.digest().decode('ascii')}",
        )
        return "\n".join(parts)

    @classmethod
    def load(cls, requestData: bytes, format: int = ASN1, args: tuple[Any, ...] = ()) -> Self:
        """Read a certificate.

        Args:
            format: 2 for DER, 1 for PEM.
            args: more arguments for the class.

        Raises:
            ValueError: it is none.
        """
        known(format)
        if format == ASN1:
            return cls(checked(requestData), *args)
        found = certificates_in(requestData)
        if not found:
            raise ValueError("there is no certificate in this PEM text")
        return cls(found[0], *args)

    _load = load

    @classmethod
    def loadPEM(cls, data: bytes | str) -> Certificate:
        """Read the first certificate in PEM text."""
        return cls.load(data.encode("ascii") if isinstance(data, str) else data, PEM)

    def dump(self, format: int = ASN1) -> bytes:
        """Return the certificate in DER (2) or PEM (1)."""
        if format == _TEXT:
            crypto = openssl("crypto", "a certificate as text")
            text: bytes = crypto.dump_certificate(_TEXT, self.original)
            return text
        known(format)
        return self._der() if format == ASN1 else certificate_pem(self._der())

    def dumpPEM(self) -> bytes:
        """Return it as PEM."""
        return certificate_pem(self._der())

    @classmethod
    def peerFromTransport(cls, transport: Any) -> Self:
        """Return the certificate that the peer has shown.

        Raises:
            CertificateError: this is not TLS, or the peer has shown none.
        """
        return cls._from_handle(transport, "peer")

    @classmethod
    def hostFromTransport(cls, transport: Any) -> Self:
        """Return the certificate that this side has shown, where the transport tells.

        Raises:
            CertificateError: this is not TLS, or there is none.
        """
        return cls._from_handle(transport, "host")

    @classmethod
    def _from_handle(cls, transport: Any, side: str) -> Self:
        handle = transport.getHandle()
        if side == "peer" and hasattr(handle, "getpeercert"):
            certificate = handle.getpeercert(binary_form=True)  # the standard library's
        elif hasattr(handle, f"get_{side}_certificate"):
            certificate = getattr(handle, f"get_{side}_certificate")()
        elif side == "host" and hasattr(handle, "get_certificate"):
            certificate = handle.get_certificate()  # pyOpenSSL's
        else:
            raise CertificateError(f"non-TLS transport {transport!r} did not have {side} certificate")
        if certificate is None:
            raise CertificateError(f"TLS transport {transport!r} did not have {side} certificate")
        return cls(certificate)

    def options(self, *authorities: Certificate) -> Any:
        """Refuse: to take part in TLS, it needs its key.  See `PrivateCertificate.options`."""
        raise NotImplementedError(
            "a certificate without its private key makes no options; load it as a PrivateCertificate"
        )


class CertificateRequest(CertBase):
    """A request for a certificate, signed by the key that it is for.

    Args:
        original: a `cryptography.x509.CertificateSigningRequest`.

    Twisted: `twisted.internet.ssl.CertificateRequest`.
    """

    @classmethod
    def load(cls, requestData: bytes, requestFormat: int = ASN1) -> CertificateRequest:
        """Read a request.

        Args:
            requestFormat: 2 for DER, 1 for PEM.

        Raises:
            ValueError: it is none.
            VerifyError: who sent it does not have the key.
        """
        known(requestFormat)
        x509 = cryptography("x509", "a certificate request")
        read = x509.load_pem_x509_csr if requestFormat == PEM else x509.load_der_x509_csr
        request = read(requestData)
        if not request.is_signature_valid:
            raise VerifyError("the signature of this certificate request is not by its key")
        return cls(request)

    def dump(self, format: int = ASN1) -> bytes:
        """Return the request in DER (2) or PEM (1)."""
        data: bytes = self.original.public_bytes(encoding(format))
        return data

    def getSubject(self) -> DistinguishedName:
        """Return whom it is about.

        Raises:
            ValueError: the name has a field that a `DistinguishedName` has not.
        """
        return name_from_x509(self.original.subject)
