"""Options on both sides: what they agree on, what they refuse, and by which library."""

from __future__ import annotations

import os
import ssl
import sys
import warnings
from typing import Any

import pytest
import trustme
from OpenSSL import SSL

from selvage.failure import Report
from selvage.interfaces import IProtocolNegotiationFactory, implementer
from selvage.tls import (
    AcceptableCiphers,
    Certificate,
    CertificateOptions,
    ClientTLSOptions,
    DiffieHellmanParameters,
    OpenSSLCipher,
    OpenSSLDefaultPaths,
    PrivateCertificate,
    TLSVersion,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from selvage.transports._tls_engine import OpenSSLEngine, StandardEngine
from selvage.transports._tls_errors import tls_error

from .conftest import Issue
from .handshakes import FakeProtocol, Side, shake_hands


def problem(side: Side) -> str:
    """Say what a handshake failed with, in the word that the transport's error has for it."""
    assert side.error is not None
    return str(getattr(tls_error(side.error, False), "problem", "another"))


@pytest.fixture(params=["standard", "pyOpenSSL"])
def client_for(request: pytest.FixtureRequest) -> Any:
    """Make options for clients by the one library and by the other."""

    def make(hostname: str, **options: Any) -> ClientTLSOptions:
        made = optionsForClientTLS(hostname, **options)
        if request.param == "pyOpenSSL":
            assert made._certificate_options is not None
            made._certificate_options.getContext()
        return made

    make.library = request.param  # type: ignore[attr-defined]
    return make


# --- Whose certificate it is -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "host"),
    [
        (["example.com"], "example.com"),
        (["example.com"], "EXAMPLE.com"),
        (["*.example.com"], "www.example.com"),
        (["127.0.0.1"], "127.0.0.1"),
        (["::1"], "::1"),
        (["xn--bcher-kva.example"], "bücher.example"),
        (["xn--bcher-kva.example"], "xn--bcher-kva.example"),
    ],
)
def test_the_right_host(
    client_for: Any, issue: Issue, root: Certificate, names: list[str], host: str
) -> None:
    server, client = shake_hands(issue(*names).options(), client_for(host, trustRoot=root))
    assert (server.error, client.error) == (None, None)
    assert client.facts is not None and client.facts.version == "TLSv1.3"


@pytest.mark.parametrize(
    ("names", "host"),
    [
        (["example.com"], "example.org"),
        (["example.com"], "www.example.com"),
        (["*.example.com"], "example.com"),
        (["*.example.com"], "a.b.example.com"),
        (["127.0.0.1"], "127.0.0.2"),
        (["example.com"], "127.0.0.1"),
        (["127.0.0.1"], "example.com"),
        (["xn--bcher-kva.example"], "bucher.example"),
    ],
)
def test_attack_110_another_host(
    client_for: Any, issue: Issue, root: Certificate, names: list[str], host: str
) -> None:
    protocol = FakeProtocol()
    _, client = shake_hands(
        issue(*names).options(), client_for(host, trustRoot=root), client_protocol=protocol
    )
    if client_for.library == "standard":
        assert problem(client) == "wrong-host"
    else:
        [failure] = protocol.failures
        assert "Mismatch" in str(failure.value)
        assert client.error is not None


def test_attack_110_a_common_name_is_no_host_name(client_for: Any) -> None:
    """RFC 9525: what counts are the alternative names, which whoever signs has checked."""
    authority = trustme.CA()
    made = authority.issue_cert("other.example", common_name="example.com")
    server = PrivateCertificate.loadPEM(made.private_key_and_cert_chain_pem.bytes()).options()
    trust = Certificate.loadPEM(authority.cert_pem.bytes())
    assert shake_hands(server, client_for("example.com", trustRoot=trust))[1].error is not None
    assert shake_hands(server, client_for("other.example", trustRoot=trust))[1].error is None


def test_a_name_that_ends_in_a_dot(issue: Issue, root: Certificate) -> None:
    """It is the same host, to the letter; certificates and SNI are without (RFC 6066 section 3)."""
    _, client = shake_hands(
        issue("example.com").options(), optionsForClientTLS("example.com.", trustRoot=root)
    )
    assert client.error is None


def test_attack_106_a_nul_in_a_name_ends_no_name(root: Certificate) -> None:
    for name in ("example.com\0.evil.example", "example.com\n"):
        with pytest.raises(UnicodeError):
            optionsForClientTLS(name, trustRoot=root)


def test_names_that_are_none(root: Certificate) -> None:
    for name in ("", ".", "a..b", "x" * 300):
        with pytest.raises(UnicodeError):
            optionsForClientTLS(name)
    with pytest.raises(TypeError, match="optionsForClientTLS requires text for host names, not bytes"):
        optionsForClientTLS(b"example.com")  # type: ignore[arg-type]


def test_facts_of_the_name() -> None:
    name = optionsForClientTLS("bücher.example")
    assert (name._hostnameBytes, name._hostnameASCII) == (b"xn--bcher-kva.example", "xn--bcher-kva.example")
    assert name._hostnameIsDnsName and name._sendServerName
    address = optionsForClientTLS("::1")
    assert not address._hostnameIsDnsName and not address._sendServerName
    assert repr(name) == "<ClientTLSOptions for xn--bcher-kva.example>"


# --- Who signed it ---------------------------------------------------------------------------------------------------


def test_what_is_wrong_with_a_certificate(issue: Issue, root: Certificate) -> None:
    stranger = Certificate.loadPEM(trustme.CA().cert_pem.bytes())
    own = trustme.CA()
    self_signed = PrivateCertificate.loadPEM(own.cert_pem.bytes() + own.private_key_pem.bytes())
    good = issue("example.com")
    for certificate, trust, expected in (
        (issue("example.com", expired=True), root, "expired"),
        (good, stranger, "unknown-authority"),
        (good, None, "unknown-authority"),
        (self_signed, root, "self-signed"),
    ):
        server, client = shake_hands(
            certificate.options(), optionsForClientTLS("example.com", trustRoot=trust)
        )
        assert problem(client) == expected
        assert server.error is not None, "the server is told by an alert"


def test_a_certificate_that_is_itself_trusted(issue: Issue) -> None:
    own = trustme.CA()
    pair = PrivateCertificate.loadPEM(own.cert_pem.bytes() + own.private_key_pem.bytes())
    client = CertificateOptions(trustRoot=trustRootFromCertificates([pair]))
    assert shake_hands(pair.options(), client)[1].error is None


def test_trust_roots(root: Certificate) -> None:
    assert isinstance(platformTrust(), OpenSSLDefaultPaths)
    options = optionsForClientTLS("example.com")._certificate_options
    assert options is not None and isinstance(options.trustRoot, OpenSSLDefaultPaths)
    with pytest.raises(TypeError, match="CertBase instances"):
        trustRootFromCertificates([root.original])
    with pytest.raises(TypeError, match="Could not adapt"):
        CertificateOptions(trustRoot=3)


def test_the_platforms_authorities_are_those_of_the_environment(
    authority: trustme.CA, example: PrivateCertificate, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "root.pem").write_bytes(authority.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
    assert shake_hands(example.options(), optionsForClientTLS("example.com"))[1].error is None


def test_the_platforms_authorities_are_read_once(
    authority: trustme.CA, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes some thirty milliseconds, and a crawler has options for each host."""
    file = tmp_path / "root.pem"
    file.write_bytes(authority.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    def context(**more: Any) -> ssl.SSLContext:
        options = optionsForClientTLS("a.example", **more)._certificate_options
        assert options is not None
        return options.standard_context(True, check_hostname=True)

    first = context()
    assert context() is first
    assert context(acceptableProtocols=[b"h2"]) is not first
    assert context(trustRoot=platformTrust()) is first
    assert context(extraCertificateOptions={"raiseMinimumTo": TLSVersion.TLSv1_3}) is not first
    os.utime(file, ns=(1, 1))
    assert context() is not first, "the authorities have changed"


def test_clients_with_certificates(issue: Issue, root: Certificate) -> None:
    server = issue("example.com").options(root)
    trusted = optionsForClientTLS("example.com", trustRoot=root, clientCertificate=issue("client.example"))
    sides = shake_hands(server, trusted)
    assert [side.error for side in sides] == [None, None]
    assert sides[0].facts is not None and sides[0].facts.peer_certificate is not None
    assert Certificate(sides[0].facts.peer_certificate).getIssuer() == root.getSubject()

    refused, client = shake_hands(server, optionsForClientTLS("example.com", trustRoot=root))
    assert problem(refused) == "missing"
    assert client.error is not None, "with TLS 1.3 the client hears of it after its own handshake"

    other = trustme.CA()
    stranger = PrivateCertificate.loadPEM(other.issue_cert("c").private_key_and_cert_chain_pem.bytes())
    refused, _ = shake_hands(
        server, optionsForClientTLS("example.com", trustRoot=root, clientCertificate=stranger)
    )
    assert problem(refused) == "unknown-authority"


def test_a_certificate_that_clients_may_leave_out(issue: Issue, root: Certificate) -> None:
    pair = issue("example.com")
    server = CertificateOptions(
        privateKey=pair.privateKey,
        certificate=pair,
        verify=True,
        caCerts=[root.original],
        requireCertificate=False,
    )
    assert shake_hands(server, optionsForClientTLS("example.com", trustRoot=root))[0].error is None


# --- Which library ---------------------------------------------------------------------------------------------------


def engines(*sides: Side) -> list[type]:
    return [type(side.engine) for side in sides]


def test_the_standard_library_does_it_without_the_extra(
    issue: Issue, root: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem, trust = issue("example.com").dumpPEM(), root.dumpPEM()
    for name in list(sys.modules):
        if name.partition(".")[0] in ("OpenSSL", "cryptography", "service_identity"):
            monkeypatch.setitem(sys.modules, name, None)
    sides = shake_hands(
        PrivateCertificate.loadPEM(pem).options(),
        optionsForClientTLS("example.com", trustRoot=Certificate.loadPEM(trust)),
    )
    assert [side.error for side in sides] == [None, None]
    assert engines(*sides) == [StandardEngine, StandardEngine]
    with pytest.raises(ImportError, match=r"needs pyOpenSSL, .* pip install 'selvage\[tls\]'"):
        PrivateCertificate.loadPEM(pem).options().getContext()


def test_objects_of_pyopenssl_do_not_make_it_slower(example: PrivateCertificate, root: Certificate) -> None:
    server = CertificateOptions(privateKey=example.privateKey.original, certificate=example.original)
    assert server.privateKey is example.privateKey.original
    assert server.certificate is example.original
    sides = shake_hands(server, optionsForClientTLS("example.com", trustRoot=root))
    assert engines(*sides) == [StandardEngine, StandardEngine]


def test_contexts_are_shared_and_few(example: PrivateCertificate) -> None:
    options = example.options()
    assert options.standard_context(False) is options.standard_context(False)
    assert options.standard_context(False) is not options.standard_context(True)
    for number in range(100):
        protocol = FakeProtocol(Negotiating([b"%d" % number]))
        options.standard_context(False, protocol)
    assert len(options._standard_contexts) <= 16


class Overriding(CertificateOptions):
    def getContext(self) -> Any:
        return SSL.Context(SSL.TLS_METHOD)


class OverridingClient(ClientTLSOptions):
    def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:
        connection = super().clientConnectionForTLS(tlsProtocol)
        connection.set_tlsext_host_name(b"override.example")
        return connection


class Trusting:
    """A trust root that somebody else wrote."""

    def __init__(self, root: Certificate) -> None:
        self.root = root

    def _addCACertsToContext(self, context: Any) -> None:
        context.get_cert_store().add_cert(self.root.original)


def test_who_overrides_a_method_is_asked_by_it(example: PrivateCertificate, root: Certificate) -> None:
    from selvage.tls import IOpenSSLTrustRoot

    base = optionsForClientTLS("example.com", trustRoot=root)
    assert base._certificate_options is not None
    client = OverridingClient(base._certificate_options._makeTLSConnection, "example.com")
    server, done = shake_hands(example.options(), client)
    assert server.facts is not None and server.facts.server_name in ("override.example", None)
    assert engines(server, done) == [StandardEngine, OpenSSLEngine]

    trusting = optionsForClientTLS("example.com", trustRoot=implementer(IOpenSSLTrustRoot)(Trusting)(root))
    assert engines(*shake_hands(example.options(), trusting)) == [StandardEngine, OpenSSLEngine]

    overriding = Overriding(privateKey=example.privateKey, certificate=example)
    made = overriding.make_tls_engine(FakeProtocol(), False)
    assert isinstance(made, OpenSSLEngine)

    patched = example.options()
    patched._contextFactory = lambda method: SSL.Context(SSL.TLS_METHOD)
    assert isinstance(patched.make_tls_engine(FakeProtocol(), False), OpenSSLEngine)


def test_a_context_that_was_handed_out_is_used(example: PrivateCertificate, root: Certificate) -> None:
    """Whoever asked for it may have changed it."""
    options = example.options()
    asked: list[Any] = []
    options.getContext().set_tlsext_servername_callback(lambda connection: asked.append(connection))
    assert options.getContext() is options.getContext()
    server, client = shake_hands(options, optionsForClientTLS("example.com", trustRoot=root))
    assert (type(server.engine), len(asked), client.error) == (OpenSSLEngine, 1, None)


def test_the_name_that_is_not_sent(example: PrivateCertificate, root: Certificate) -> None:
    client = optionsForClientTLS("example.com", trustRoot=root, sendServerName=False)
    sides = shake_hands(example.options(), client)
    assert [side.error for side in sides] == [None, None]
    assert sides[1].engine.handle.get_servername() is None
    wrong = optionsForClientTLS("example.org", trustRoot=root, sendServerName=False)
    assert shake_hands(example.options(), wrong)[1].error is not None


def test_the_older_form_of_client_options(example: PrivateCertificate, root: Certificate) -> None:
    context = CertificateOptions(trustRoot=root).getContext()
    options = ClientTLSOptions("example.com", context)
    assert options._ctx is context
    assert shake_hands(example.options(), options)[1].error is None
    assert shake_hands(example.options(), ClientTLSOptions("example.org", context))[1].error is not None

    class Watching(ClientTLSOptions):
        seen = 0

        def _identityVerifyingInfoCallback(self, connection: Any, where: int, ret: int) -> None:
            self.seen += 1

    watching = Watching("example.org", CertificateOptions(trustRoot=root).getContext())
    assert shake_hands(example.options(), watching)[1].error is None, "the name is the callback's business"
    assert watching.seen > 3


def test_repr(issue: Issue, root: Certificate) -> None:
    pair = PrivateCertificate.loadPEM(
        trustme.CA().issue_cert("a", common_name="bücher").private_key_and_cert_chain_pem.bytes()
    )
    assert repr(pair.options(root)) == "<CertificateOptions of bücher, peers verified>"
    assert repr(CertificateOptions()) == "<CertificateOptions, peers not verified>"
    assert repr(issue("a").options()).startswith("<CertificateOptions of ")


def test_the_wrong_side(example: PrivateCertificate) -> None:
    with pytest.raises(TypeError, match=r"<ClientTLSOptions for example.com> is for clients; a server takes"):
        optionsForClientTLS("example.com").make_tls_engine(FakeProtocol(), False)


# --- Names of servers (pyOpenSSL) ------------------------------------------------------------------------------------


def test_a_context_for_the_name(issue: Issue, root: Certificate, example: PrivateCertificate) -> None:
    asked = []

    def choose(name: bytes | None) -> Any:
        asked.append(name)
        return issue("other.example").options().getContext()

    server = CertificateOptions(
        privateKey=example.privateKey, certificate=example, contextForServerName=choose
    )
    sides = shake_hands(server, optionsForClientTLS("other.example", trustRoot=root))
    assert ([side.error for side in sides], asked) == ([None, None], [b"other.example"])


def test_attack_105_an_exception_in_the_callback_ends_the_handshake(
    example: PrivateCertificate,
    root: Certificate,
    capfd: pytest.CaptureFixture[str],
    reports: list[Report],
) -> None:
    def choose(name: bytes | None) -> Any:
        raise RuntimeError("no such luck")

    server = CertificateOptions(
        privateKey=example.privateKey, certificate=example, contextForServerName=choose
    )
    sides = shake_hands(server, optionsForClientTLS("example.com", trustRoot=root))
    assert all(side.error is not None for side in sides)
    assert reports.pop().failure.check(RuntimeError)
    assert "no such luck" not in capfd.readouterr().err, "told once"


# --- ALPN ------------------------------------------------------------------------------------------------------------


@implementer(IProtocolNegotiationFactory)
class Negotiating:
    def __init__(self, protocols: list[bytes]) -> None:
        self.protocols = protocols

    def acceptableProtocols(self) -> list[bytes]:
        return self.protocols


@pytest.mark.parametrize(
    ("ours", "theirs", "chosen"),
    [
        ([b"h2", b"http/1.1"], [b"http/1.1", b"h2"], b"h2"),
        ([b"http/1.1"], [b"h2", b"http/1.1"], b"http/1.1"),
        ([], [b"h2"], None),
        ([b"h2"], [], None),
    ],
)
@pytest.mark.parametrize("library", ["standard", "pyOpenSSL"])
@pytest.mark.parametrize("by", ["options", "factory"])
def test_protocols(
    example: PrivateCertificate,
    root: Certificate,
    ours: list[bytes],
    theirs: list[bytes],
    chosen: bytes | None,
    library: str,
    by: str,
) -> None:
    server = CertificateOptions(
        privateKey=example.privateKey,
        certificate=example,
        acceptableProtocols=ours if by == "options" else [b"never"],
    )
    client = optionsForClientTLS("example.com", trustRoot=root, acceptableProtocols=theirs)
    if library == "pyOpenSSL":
        server.getContext()
        assert client._certificate_options is not None
        client._certificate_options.getContext()
    factory = None if by == "options" else Negotiating(ours)
    sides = shake_hands(server, client, FakeProtocol(factory))
    assert [side.error for side in sides] == [None, None]
    assert [side.facts.negotiated_protocol for side in sides if side.facts] == [chosen, chosen]


# --- Versions, ciphers, the rest -------------------------------------------------------------------------------------


def test_tls_1_2_at_least(example: PrivateCertificate, root: Certificate) -> None:
    context = example.options().standard_context(False)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_COMPRESSION
    assert context.options & ssl.OP_NO_RENEGOTIATION
    client = CertificateOptions(lowerMaximumSecurityTo=TLSVersion.TLSv1_2)
    assert shake_hands(example.options(), client)[0].facts.version == "TLSv1.2"  # type: ignore[union-attr]
    server = CertificateOptions(
        privateKey=example.privateKey, certificate=example, raiseMinimumTo=TLSVersion.TLSv1_3
    )
    refused, _ = shake_hands(server, client)
    assert "protocol" in str(tls_error(refused.error, False))  # type: ignore[arg-type]


def test_versions_below_have_to_be_asked_for() -> None:
    low = CertificateOptions(insecurelyLowerMinimumTo=TLSVersion.TLSv1_0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        context = low.standard_context(True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1
    raised = CertificateOptions(raiseMinimumTo=TLSVersion.SSLv3)
    assert raised.standard_context(True).minimum_version == ssl.TLSVersion.TLSv1_2
    only = CertificateOptions(lowerMaximumSecurityTo=TLSVersion.TLSv1_0)
    assert only._versions == (TLSVersion.TLSv1_0, TLSVersion.TLSv1_0)
    with pytest.raises(ValueError, match="raiseMinimumTo needs to be lower than lowerMaximumSecurityTo"):
        CertificateOptions(raiseMinimumTo=TLSVersion.TLSv1_3, lowerMaximumSecurityTo=TLSVersion.TLSv1_2)


class Eager:
    """A client that is allowed to ask for another handshake."""

    def make_tls_engine(self, tls_protocol: Any, is_client: bool) -> OpenSSLEngine:
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        return OpenSSLEngine(SSL.Connection(context, None), is_client)


@pytest.mark.parametrize("library", ["standard", "pyOpenSSL"])
def test_attack_108_there_is_one_handshake(example: PrivateCertificate, library: str) -> None:
    options = example.options()
    if library == "pyOpenSSL":
        options.getContext()
    server, client = shake_hands(options, Eager())
    assert [side.error for side in (server, client)] == [None, None]
    client.engine.handle.renegotiate()
    assert client.engine.handshake() is False
    server.engine.feed(client.engine.take())
    assert server.engine.read() == b""
    client.engine.feed(server.engine.take())
    with pytest.raises(SSL.Error, match="no renegotiation"):
        client.engine.handshake()


def test_ciphers(example: PrivateCertificate, root: Certificate) -> None:
    names = [cipher.fullName for cipher in AcceptableCiphers.fromOpenSSLCipherString("ECDHE+AESGCM")._ciphers]
    assert "ECDHE-ECDSA-AES128-GCM-SHA256" in names
    assert AcceptableCiphers.fromOpenSSLCipherString("nonsense")._ciphers == ()
    one = OpenSSLCipher("ECDHE-ECDSA-AES128-GCM-SHA256")
    assert eval(repr(one)) == one and hash(eval(repr(one))) == hash(one)
    client = CertificateOptions(
        acceptableCiphers=AcceptableCiphers([one]), lowerMaximumSecurityTo=TLSVersion.TLSv1_2
    )
    assert shake_hands(example.options(), client)[0].facts.cipher == one.fullName  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="yielded no usable ciphers"):
        CertificateOptions(acceptableCiphers=AcceptableCiphers([]))


def test_default_ciphers_have_forward_secrecy() -> None:
    for name in CertificateOptions()._cipherString.split(":"):
        assert name.startswith(("TLS_", "ECDHE-", "DHE-")), name
        assert not name.endswith("-SHA"), name


def test_arguments_that_contradict_each_other(root: Certificate, example: PrivateCertificate) -> None:
    for arguments, message in (
        (
            {"trustRoot": None, "verify": False},
            "The 'trustRoot' and 'verify' arguments to CertificateOptions are",
        ),
        ({"trustRoot": root, "caCerts": [root]}, "mutually exclusive"),
        ({"method": 7, "raiseMinimumTo": TLSVersion.TLSv1_3}, "'method' and 'raiseMinimumTo'"),
    ):
        with pytest.raises(TypeError, match=message):
            CertificateOptions(**arguments)  # type: ignore[arg-type]
    for arguments, message in (
        ({"privateKey": example.privateKey}, "neither or both of privateKey and certificate"),
        ({"verify": True}, "client CA certificate information"),
        ({"extraCertChain": [root]}, "A private key and a certificate are required"),
    ):
        with pytest.raises(ValueError, match=message):
            CertificateOptions(**arguments)  # type: ignore[arg-type]


def test_a_method_is_deprecated_and_means_versions() -> None:
    with pytest.warns(
        DeprecationWarning, match="Passing method to twisted.internet.ssl.CertificateOptions"
    ) as told:
        options = CertificateOptions(method=6)
    assert told[0].filename == __file__
    assert options._versions == (TLSVersion.TLSv1_2, TLSVersion.TLSv1_2)


def test_a_key_that_does_not_fit(issue: Issue) -> None:
    options = CertificateOptions(privateKey=issue("a").privateKey, certificate=issue("b"))
    with pytest.raises(ValueError, match="cannot be used for TLS: key values mismatch"):
        options.standard_context(False)


def test_attack_111_contexts_do_not_change_in_use(example: PrivateCertificate, root: Certificate) -> None:
    """Whatever comes later makes another context."""
    options = example.options()
    before = options.standard_context(False)
    state = (before.options, before.minimum_version, before.get_ciphers(), before.verify_mode)
    shake_hands(options, optionsForClientTLS("example.com", trustRoot=root))
    options.standard_context(False, FakeProtocol(Negotiating([b"h2"])))
    assert (before.options, before.minimum_version, before.get_ciphers(), before.verify_mode) == state
    assert options.standard_context(False) is before


def test_parameters_for_diffie_hellman(example: PrivateCertificate, root: Certificate, tmp_path: Any) -> None:
    path = tmp_path / "dh.pem"
    path.write_text(DH_PARAMETERS)
    for form in (path, str(path), str(path).encode()):
        options = CertificateOptions(
            privateKey=example.privateKey,
            certificate=example,
            dhParameters=DiffieHellmanParameters.fromFile(form),
        )
        assert shake_hands(options, optionsForClientTLS("example.com", trustRoot=root))[0].error is None


# ffdhe2048 of RFC 7919.
DH_PARAMETERS = """-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""
