"""A server with many names: certificates by name from a directory, and what becomes of a directory that changes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from OpenSSL import SSL

from selvage import _events
from selvage.failure import Report
from selvage.tls import (
    Certificate,
    CertificateOptions,
    DirectoryOfPEMs,
    PEMObjects,
    SNIConnectionCreator,
    certificate_der,
    optionsForClientTLS,
)
from selvage.tls._directory import RELOAD_INTERVAL_S
from selvage.transports._tls_engine import OpenSSLEngine, StandardEngine

from .conftest import Issue
from .handshakes import FakeProtocol, shake_hands
from .test_options import Negotiating


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What is mentioned in the log."""
    lines: list[str] = []

    def hear(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        lines.append(format.format(**fields))

    _events.subscribe(hear)
    yield lines
    _events.unsubscribe(hear)


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def put(path: Path, data: bytes, time: Time) -> None:
    """Write a file that is younger than what was there, and let the directory be looked at again."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    time.now += RELOAD_INTERVAL_S
    os.utime(path, ns=(int(time.now * 10**9), int(time.now * 10**9)))


def served(creator: SNIConnectionCreator, name: str, root: Certificate) -> bytes | None:
    """Connect to `name`; return the certificate that was shown, None if the handshake failed."""
    _, client = shake_hands(creator, optionsForClientTLS(name, trustRoot=root))
    return None if client.facts is None else client.facts.peer_certificate


def test_two_names(issue: Issue, root: Certificate, tmp_path: Path) -> None:
    one, other = issue("one.example", "www.one.example"), issue("*.other.example")
    (tmp_path / "one.pem").write_bytes(one.dumpPEM())
    (tmp_path / "other.pem").write_bytes(other.dumpPEM())
    creator = SNIConnectionCreator(DirectoryOfPEMs(tmp_path))
    assert served(creator, "one.example", root) == certificate_der(one)
    assert served(creator, "WWW.one.example", root) == certificate_der(one)
    assert served(creator, "any.other.example", root) == certificate_der(other)
    assert repr(creator) == f"SNIConnectionCreator(<DirectoryOfPEMs {tmp_path}: 3 names>)"


def test_a_certificate_that_comes_before_the_first_client(
    issue: Issue, root: Certificate, tmp_path: Path
) -> None:
    creator = SNIConnectionCreator(DirectoryOfPEMs(tmp_path))
    (tmp_path / "one.pem").write_bytes(issue("one.example").dumpPEM())
    assert served(creator, "one.example", root) is not None


def test_a_name_that_nobody_serves(issue: Issue, root: Certificate, tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "one.pem").write_bytes(issue("one.example").dumpPEM())
    server, client = shake_hands(
        SNIConnectionCreator(DirectoryOfPEMs(tmp_path)), optionsForClientTLS("two.example", trustRoot=root)
    )
    assert server.error is not None
    assert "unrecognized name" in str(client.error).lower()
    assert said == ["no server certificate for name b'two.example'"]


def test_a_client_that_names_nobody_gets_the_default(issue: Issue, root: Certificate, tmp_path: Path) -> None:
    for name in ("a.example", "b.example"):
        (tmp_path / f"{name}.pem").write_bytes(issue(name, "127.0.0.1").dumpPEM())
    first = served(SNIConnectionCreator(DirectoryOfPEMs(tmp_path)), "127.0.0.1", root)
    assert Certificate(first)._read()["subjectAltName"][0] == ("DNS", "a.example")
    (tmp_path / "Default.PEM").write_bytes(issue("z.example", "127.0.0.1").dumpPEM())
    chosen = served(SNIConnectionCreator(DirectoryOfPEMs(tmp_path)), "127.0.0.1", root)
    assert Certificate(chosen)._read()["subjectAltName"][0] == ("DNS", "z.example")


def test_keys_and_chains_may_lie_apart(tmp_path: Path) -> None:
    top = trustme.CA()
    middle = top.create_child_ca()
    lower = middle.create_child_ca()
    made = lower.issue_cert("deep.example")
    leaf = made.cert_chain_pems[0].bytes()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "k.pem").write_bytes(made.private_key_pem.bytes())
    (tmp_path / "authorities.pem").write_bytes(
        top.cert_pem.bytes() + middle.cert_pem.bytes() + lower.cert_pem.bytes()
    )
    (tmp_path / "site.pem").write_bytes(leaf)
    (tmp_path / "readme.txt").write_bytes(b"not looked at")
    objects = PEMObjects.fromDirectory(tmp_path)
    options = objects.inferDomainMapping()["deep.example"]
    assert objects.problems == []
    assert [each.dumpPEM() for each in options.extraCertChain] == [
        lower.cert_pem.bytes(),
        middle.cert_pem.bytes(),
    ], "its own first, and not the root"
    root = Certificate.loadPEM(top.cert_pem.bytes())
    assert served(SNIConnectionCreator(DirectoryOfPEMs(tmp_path)), "deep.example", root) is not None


def test_of_two_certificates_for_a_name_the_one_that_lasts(
    issue: Issue, root: Certificate, tmp_path: Path
) -> None:
    (tmp_path / "a-old.pem").write_bytes(issue("one.example", expired=True).dumpPEM())
    new = issue("one.example")
    (tmp_path / "b-new.pem").write_bytes(new.dumpPEM())
    assert served(SNIConnectionCreator(DirectoryOfPEMs(tmp_path)), "one.example", root) == certificate_der(
        new
    )


def test_a_new_certificate_is_used_and_an_old_one_goes(
    issue: Issue, root: Certificate, tmp_path: Path
) -> None:
    time = Time()
    put(tmp_path / "one.pem", issue("one.example").dumpPEM(), time)
    creator = SNIConnectionCreator(DirectoryOfPEMs(tmp_path, time))
    renewed = issue("one.example")
    put(tmp_path / "one.pem", renewed.dumpPEM(), time)
    assert served(creator, "one.example", root) == certificate_der(renewed)
    put(tmp_path / "new" / "two.pem", issue("two.example").dumpPEM(), time)
    assert served(creator, "two.example", root) is not None
    (tmp_path / "one.pem").unlink()
    time.now += RELOAD_INTERVAL_S
    assert served(creator, "one.example", root) is None


def test_a_directory_is_not_looked_at_for_each_handshake(
    issue: Issue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.pem").write_bytes(issue("one.example").dumpPEM())
    time = Time()
    directory = DirectoryOfPEMs(tmp_path, time)
    directory.options_for(None)
    looked: list[object] = []
    monkeypatch.setattr(directory, "_reload", lambda: looked.append(None))
    for _ in range(100):
        directory.options_for(b"one.example")
    assert looked == []
    time.now += RELOAD_INTERVAL_S
    directory.options_for(b"one.example")
    assert len(looked) == 1


def test_nothing_is_read_again_while_nothing_changes(
    issue: Issue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.pem").write_bytes(issue("one.example").dumpPEM())
    time = Time()
    directory = DirectoryOfPEMs(tmp_path, time)
    before = directory.options_for(b"one.example")
    time.now += RELOAD_INTERVAL_S
    assert directory.options_for(b"one.example") is before


def test_half_of_a_renewal_does_not_interrupt_service(
    issue: Issue, root: Certificate, tmp_path: Path, said: list[str]
) -> None:
    time = Time()
    old, new = issue("one.example"), issue("one.example")
    put(tmp_path / "key.pem", old.privateKey.dump(1), time)
    put(tmp_path / "cert.pem", Certificate(certificate_der(old)).dumpPEM(), time)
    creator = SNIConnectionCreator(DirectoryOfPEMs(tmp_path, time))
    assert served(creator, "one.example", root) == certificate_der(old)
    put(tmp_path / "cert.pem", Certificate(certificate_der(new)).dumpPEM(), time)
    assert served(creator, "one.example", root) == certificate_der(old)
    assert said == [
        f"Cannot use {tmp_path}/cert.pem: there is no private key for the certificate of one.example",
        f"unused private key at {tmp_path}/key.pem with hash {old.privateKey.keyHash()}",
    ]
    put(tmp_path / "key.pem", new.privateKey.dump(1), time)
    assert served(creator, "one.example", root) == certificate_der(new)


def test_what_cannot_be_used_is_named_and_the_rest_is_used(
    issue: Issue, root: Certificate, tmp_path: Path, said: list[str]
) -> None:
    (tmp_path / "good.pem").write_bytes(issue("good.example").dumpPEM())
    (tmp_path / "broken.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (tmp_path / "folder.pem").mkdir()
    (tmp_path / "gone.pem").symlink_to(tmp_path / "nowhere")
    creator = SNIConnectionCreator(DirectoryOfPEMs(tmp_path))
    assert served(creator, "good.example", root) is not None
    assert sorted(said)[0].startswith(
        f"Cannot use {tmp_path}/broken.pem: these 3 bytes are not a certificate"
    )
    assert sorted(said)[1].startswith(f"Cannot use {tmp_path}/gone.pem: ")
    assert len(said) == 2


def test_there_has_to_be_a_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        DirectoryOfPEMs(tmp_path / "nowhere")


def test_protocols_are_negotiated_for_each_name(issue: Issue, root: Certificate, tmp_path: Path) -> None:
    (tmp_path / "one.pem").write_bytes(issue("one.example").dumpPEM())
    creator = SNIConnectionCreator(DirectoryOfPEMs(tmp_path))
    client = optionsForClientTLS("one.example", trustRoot=root, acceptableProtocols=[b"h2", b"x"])
    for offered in ([b"x"], [b"h2", b"x"]):
        server, _ = shake_hands(creator, client, FakeProtocol(Negotiating(offered)))
        assert server.facts is not None
        assert server.facts.negotiated_protocol == offered[0]


def test_an_exception_while_looking_up(root: Certificate, reports: list[Report]) -> None:
    class Lookup:
        def options_for(self, name: bytes | None) -> CertificateOptions:
            raise RuntimeError(name)

    server, client = shake_hands(SNIConnectionCreator(Lookup()), optionsForClientTLS("a.example"))  # type: ignore[arg-type]
    assert server.error is not None and client.error is not None
    assert reports.pop().failure.check(RuntimeError)


def test_a_lookup_of_contexts_of_pyopenssl(issue: Issue, root: Certificate, said: list[str]) -> None:
    """The contract of Twisted."""
    contexts = {b"*.sub.example": issue("*.sub.example").options().getContext()}
    creator = SNIConnectionCreator(contexts.get)
    server, client = shake_hands(creator, optionsForClientTLS("a.sub.example", trustRoot=root))
    assert isinstance(server.engine, OpenSSLEngine)
    assert [server.error, client.error] == [None, None]
    server, client = shake_hands(creator, optionsForClientTLS("a.b.sub.example", trustRoot=root))
    assert server.error is not None and client.error is not None
    assert said == ["no server certificate for name b'a.b.sub.example'"]


def test_a_directory_hands_out_contexts_of_pyopenssl(issue: Issue, tmp_path: Path) -> None:
    (tmp_path / "one.pem").write_bytes(issue("one.example").dumpPEM())
    directory = DirectoryOfPEMs(tmp_path)
    assert isinstance(directory(b"one.example"), SSL.Context)
    assert directory(b"two.example") is None


def test_the_wrong_side(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="is for servers; a client takes optionsForClientTLS"):
        SNIConnectionCreator(DirectoryOfPEMs(tmp_path)).make_tls_engine(FakeProtocol(), True)
    assert isinstance(
        SNIConnectionCreator(DirectoryOfPEMs(tmp_path)).make_tls_engine(FakeProtocol(), False), StandardEngine
    )
