"""Certificates, keys, names and requests as objects."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, strategies as st
from OpenSSL import crypto

from selvage.defer import Deferred
from selvage.errors import CertificateError, VerifyError
from selvage.tls import (
    DN,
    Certificate,
    CertificateRequest,
    DistinguishedName,
    KeyPair,
    PrivateCertificate,
    certificate_der,
)
from selvage.tls._pem import MAX_PEM_BYTES, certificate_pem, certificates_in, file_of, key_in

from .conftest import Issue


@pytest.fixture(scope="module")
def authority_pem(example: PrivateCertificate) -> bytes:
    return example.dumpPEM()


@pytest.fixture
def without_extra(authority_pem: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if neither pyOpenSSL nor cryptography nor service-identity were installed."""
    for name in list(sys.modules):
        if name.partition(".")[0] in ("OpenSSL", "cryptography", "service_identity"):
            monkeypatch.setitem(sys.modules, name, None)


# --- Names ---------------------------------------------------------------------------------------------------------


def test_fields_of_a_name_have_two_spellings() -> None:
    name = DN(CN="example.com", organizationName=b"Example")
    assert name == DistinguishedName(commonName=b"example.com", O="Example")
    assert (name.CN, name.commonName, name.O) == (b"example.com", b"example.com", b"Example")
    assert repr(name) == "<DN 'commonName': b'example.com', 'organizationName': b'Example'>"
    with pytest.raises(AttributeError, match="Cn is not a valid OpenSSL X509 name field"):
        name.Cn = b"x"
    with pytest.raises(AttributeError, match="OU"):
        name.OU


def test_names_in_other_scripts_are_utf_8() -> None:
    name = DN(O="Çorum")
    assert name.O == "Çorum".encode()
    assert name.inspect() == "         Organization Name: Çorum"


# --- PEM -----------------------------------------------------------------------------------------------------------


def test_pem_is_found_among_other_text(example: PrivateCertificate) -> None:
    text = example.dumpPEM().replace(b"\n", b"\r\n  ")
    assert certificates_in(b"subject: x\n" + text + b"and more") == [certificate_der(example)]
    assert key_in(b"junk" + text) == key_in(example.dumpPEM())


def test_pem_round_trip(authority: trustme.CA) -> None:
    pem = authority.cert_pem.bytes()
    assert certificate_pem(certificates_in(pem)[0]) == pem


@given(st.binary(max_size=200))
def test_whatever_pem_holds_it_is_a_certificate_or_a_value_error(content: bytes) -> None:
    text = b"-----BEGIN CERTIFICATE-----\n" + content + b"\n-----END CERTIFICATE-----\n"
    for make in (Certificate.loadPEM, PrivateCertificate.loadPEM, Certificate.load):
        with pytest.raises(ValueError):
            make(text)


def test_pem_has_a_size() -> None:
    with pytest.raises(ValueError, match="bytes of PEM are too many"):
        certificates_in(b" " * (MAX_PEM_BYTES + 1))


def test_an_encrypted_key_is_refused_and_nobody_is_asked(example: PrivateCertificate) -> None:
    """The standard library would ask at the terminal, and the server wait there."""
    from cryptography.hazmat.primitives import serialization as forms

    key = example.privateKey.original.to_cryptography_key()
    for form in (forms.PrivateFormat.PKCS8, forms.PrivateFormat.TraditionalOpenSSL):
        encrypted = key.private_bytes(forms.Encoding.PEM, form, forms.BestAvailableEncryption(b"secret"))
        with pytest.raises(ValueError, match="the private key is encrypted"):
            KeyPair.load(encrypted, 1)


# --- Certificates --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("without_extra")
def test_reading_a_certificate_takes_the_standard_library_only(
    authority: trustme.CA, root: Certificate
) -> None:
    read = Certificate.load(certificate_der(root))
    assert read == root
    assert read.getSubject() == read.getIssuer()
    assert read.serialNumber() > 0
    assert read.dumpPEM() == authority.cert_pem.bytes()
    assert len(read.digest("sha256").split(b":")) == 32


@pytest.mark.usefixtures("without_extra")
@pytest.mark.parametrize(
    "ask",
    [
        lambda pair: pair.original,
        lambda pair: pair.getPublicKey(),
        lambda pair: pair.privateKey.original,
        lambda pair: pair.inspect(),
        lambda pair: KeyPair.generate(),
        lambda pair: pair.options().getContext(),
    ],
)
def test_what_needs_the_extra_names_it(ask: Any, authority_pem: bytes) -> None:
    fresh = PrivateCertificate.loadPEM(authority_pem)
    with pytest.raises(
        ImportError, match=r"which is not installed; it comes with: pip install 'selvage\[tls\]'"
    ):
        ask(fresh)


def test_a_certificate_is_made_from_either_library(root: Certificate) -> None:
    original = root.original
    assert isinstance(original, crypto.X509)
    assert root.original is original
    assert (
        Certificate(original) == Certificate(original.to_cryptography()) == Certificate(certificate_der(root))
    )
    with pytest.raises(
        TypeError, match="a certificate is a selvage.tls.Certificate or an object of pyOpenSSL"
    ):
        certificate_der(3)


def test_repr_and_inspect(issue: Issue) -> None:
    pair = KeyPair.generate().selfSignedCert(7, CN="example.com", C="TR")
    assert repr(pair).startswith(
        "<PrivateCertificate Subject=b'example.com' Issuer=b'example.com'> with <KeyPair "
    )
    lines = pair.inspect().split("\n")
    assert lines[:3] == [
        "Certificate For Subject:",
        "               Common Name: example.com",
        "              Country Name: TR",
    ]
    assert lines[-3] == "Serial Number: 7"
    assert lines[-1] == f"2048-bit RSA Key Pair with Hash: {pair.privateKey.keyHash()}"
    assert (
        Certificate(pair.original)
        .inspect()
        .endswith(f"Public Key with Hash: {pair.getPublicKey().keyHash()}")
    )
    assert issue("example.com").privateKey.inspect().startswith("256-bit EC Key Pair")


def test_digests(root: Certificate) -> None:
    assert root.digest() == root.original.digest("md5")
    assert root.digest("sha1") == root.original.digest("sha1")
    with pytest.raises(ValueError, match="No such digest method: 'nonsense'"):
        root.digest("nonsense")


def test_formats(root: Certificate) -> None:
    assert Certificate.load(root.dump(2)) == Certificate.load(root.dump(1), 1) == root
    assert b"Signature Algorithm" in root.dump(65535)
    with pytest.raises(ValueError, match="Unsupported format: 77"):
        root.dump(77)
    with pytest.raises(ValueError, match="not a certificate"):
        Certificate.load(b"junk")
    with pytest.raises(ValueError, match="no certificate in this PEM text"):
        Certificate.loadPEM("junk")


def test_a_certificate_and_another_ones_key(issue: Issue) -> None:
    one, other = issue("one.example"), issue("other.example")
    with pytest.raises(VerifyError, match="Certificate public and private keys do not match"):
        PrivateCertificate.fromCertificateAndKeyPair(one, other.privateKey)
    with pytest.raises(VerifyError, match="do not match"):
        PrivateCertificate.loadPEM(Certificate(one.original).dumpPEM() + other.privateKey.dump(1))


def test_a_certificate_without_key_makes_no_options(root: Certificate) -> None:
    with pytest.raises(NotImplementedError, match="load it as a PrivateCertificate"):
        root.options()
    with pytest.raises(ValueError, match="there is no private key in this PEM text"):
        PrivateCertificate.loadPEM(root.dumpPEM())


class Handle:
    def __init__(self, handle: Any) -> None:
        self.handle = handle

    def getHandle(self) -> Any:
        return self.handle


def test_certificates_of_a_transport(root: Certificate) -> None:
    class OpenSSL:
        def get_peer_certificate(self) -> Any:
            return root.original

        get_certificate = get_peer_certificate

    class Standard:
        shown: bytes | None = certificate_der(root)

        def getpeercert(self, binary_form: bool) -> Any:
            return self.shown

    assert Certificate.peerFromTransport(Handle(OpenSSL())) == root
    assert Certificate.hostFromTransport(Handle(OpenSSL())) == root
    assert Certificate.peerFromTransport(Handle(Standard())) == root
    Standard.shown = None
    with pytest.raises(CertificateError, match=r"^TLS transport .* did not have peer certificate"):
        Certificate.peerFromTransport(Handle(Standard()))
    with pytest.raises(CertificateError, match=r"^non-TLS transport .* did not have host certificate"):
        Certificate.hostFromTransport(Handle(object()))


# --- Keys and requests ---------------------------------------------------------------------------------------------


def test_a_key_pair_survives_both_formats() -> None:
    pair = KeyPair.generate()
    for format in (1, 2):
        assert KeyPair.load(pair.dump(format), format).matches(pair)
    assert isinstance(pair.original, crypto.PKey)
    assert not pair.matches(KeyPair.generate())
    assert repr(pair) == f"<KeyPair {pair.keyHash()}>"
    assert KeyPair.generate(116, 1024).inspect().startswith("1024-bit DSA Key Pair")
    with pytest.raises(ValueError, match="a kind of key is 6"):
        KeyPair.generate(77)
    with pytest.raises(ValueError, match="not a private key"):
        KeyPair.load(b"junk")


def test_signing_a_request() -> None:
    authority = KeyPair.generate().selfSignedCert(1, CN="authority", O="Çorum")
    pair = KeyPair.generate()
    data = pair.certificateRequest(DN(CN="example.com"))
    asked: list[DistinguishedName] = []
    made = authority.signCertificateRequest(data, lambda name: not asked.append(name), 0)  # type: ignore[func-returns-value]
    assert isinstance(made, bytes)
    assert asked == [DN(CN="example.com")]
    certificate = pair.newCertificate(made)
    assert certificate.getIssuer() == authority.getSubject()
    assert certificate.serialNumber() > 0, "0 is no serial number: RFC 5280 section 4.1.2.2"
    extensions = certificate.original.to_cryptography().extensions
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    certificate.original.to_cryptography().verify_directly_issued_by(authority.original.to_cryptography())
    renewed = authority.signRequestObject(CertificateRequest.load(certificate.certificateRequest()), 9)
    assert certificate.newCertificate(renewed.dump()).serialNumber() == 9


@pytest.mark.parametrize(
    ("common_name", "alternative"),
    [
        ("localhost", ("DNS", "localhost")),
        ("*.example.com", ("DNS", "*.example.com")),
        ("bücher.example", ("DNS", "xn--bcher-kva.example")),
        ("127.0.0.1", ("IP Address", "127.0.0.1")),
        ("Our authority", None),
        ("a..b", None),
    ],
)
def test_a_common_name_that_is_a_hosts(common_name: str, alternative: tuple[str, str] | None) -> None:
    """Clients do not look at common names any more."""
    facts = KeyPair.generate().selfSignedCert(1, CN=common_name)._read()
    assert facts.get("subjectAltName", (None,))[0] == alternative


def test_a_request_that_is_not_granted() -> None:
    pair = KeyPair.generate()
    data = pair.certificateRequest(DN(CN="evil.example"), 1)
    with pytest.raises(VerifyError, match="rejected request DN <DN 'commonName': b'evil.example'>"):
        pair.signCertificateRequest(DN(CN="ca"), data, lambda name: False, 1, requestFormat=1)
    answer: Deferred[bool] = Deferred()
    later = pair.signCertificateRequest(DN(CN="ca"), data, lambda name: answer, 1, requestFormat=1)
    assert isinstance(later, Deferred)
    failures: list[Any] = []
    later.addErrback(failures.append)
    answer.callback(False)
    assert failures[0].check(VerifyError)


def test_requests() -> None:
    pair = KeyPair.generate()
    request = pair.requestObject(DN(CN="example.com", O="Example"))
    assert CertificateRequest.load(request.dump(1), 1).getSubject() == request.getSubject()
    broken = bytearray(request.dump())
    broken[-1] ^= 0xFF
    with pytest.raises(VerifyError, match="the signature of this certificate request is not by its key"):
        CertificateRequest.load(bytes(broken))
    with pytest.raises(ValueError, match="there is no digest algorithm 'rot13'"):
        pair.requestObject(DN(CN="x"), "rot13")
    key = ec.generate_private_key(ec.SECP256R1())
    from cryptography.hazmat.primitives import hashes

    odd = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(x509.NameOID.GIVEN_NAME, "Alice")])
    )
    with pytest.raises(ValueError, match="a distinguished name has no field for"):
        CertificateRequest(odd.sign(key, hashes.SHA256())).getSubject()


def test_pickling_a_key_is_deprecated() -> None:
    pair = KeyPair.generate()
    with pytest.warns(DeprecationWarning, match="KeyPair.__getstate__ was deprecated in Twisted 15.0.0"):
        state = pair.__getstate__()
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        again = KeyPair.__new__(KeyPair)
        again.__setstate__(state)
    assert again.matches(pair)


def test_a_key_is_lent_from_memory_or_from_a_file_that_is_nobody_elses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with file_of(b"secret") as path:
        assert Path(path).read_bytes() == b"secret"
        if hasattr(os, "memfd_create"):
            assert path.startswith("/proc/self/fd/")
    assert not os.path.exists(path)
    monkeypatch.delattr(os, "memfd_create", raising=False)
    with file_of(b"secret") as path:
        assert Path(path).read_bytes() == b"secret"
        assert os.stat(path).st_mode & 0o777 == 0o600
    assert not os.path.exists(path)
