"""TLS at endpoints: what is said where there is none, and how the parts are joined where there is."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from selvage import endpoints
from selvage.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ServerEndpoint,
    _loadCAsFromDir,
    clientFromString,
    serverFromString,
    wrapClientTLS,
    wrapServerTLS,
)
from selvage.testing import MemoryReactorClock


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without Twisted."""
    monkeypatch.delitem(sys.modules, "twisted", raising=False)


class Made:
    """What a borrowed name was called with."""

    def __init__(self, name: str, args: Any, kwargs: Any) -> None:
        self.name, self.args, self.kwargs = name, args, kwargs
        self.original = f"{name}.original"
        self.privateKey = SimpleNamespace(original=f"{name}.key")

    def __repr__(self) -> str:
        return f"{self.name}{self.args}"

    def digest(self) -> bytes:
        return repr(self.args).encode()


@pytest.fixture
def borrowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Twisted whose names all make a `Made`."""

    class Stand(ModuleType):
        def __getattr__(self, name: str) -> Any:
            def make(*args: Any, **kwargs: Any) -> Made:
                if args and args[0] == b"broken\n":
                    raise ValueError("not a certificate")
                return Made(name, args, kwargs)

            make.loadPEM = lambda data: make(data)  # type: ignore[attr-defined]
            make.fromFile = lambda path: make(path)  # type: ignore[attr-defined]
            return make

    for name in ("twisted", "twisted.internet", "twisted.protocols", "twisted.python"):
        package = Stand(name)
        package.__path__ = []
        monkeypatch.setitem(sys.modules, name, package)
    for name in (
        "twisted.internet.ssl",
        "twisted.protocols.tls",
        "twisted.protocols._sni",
        "twisted.python.filepath",
    ):
        monkeypatch.setitem(sys.modules, name, Stand(name))


@pytest.mark.usefixtures("bare")
def test_without_tls_the_message_says_what_to_do() -> None:
    wanted = r"Selvage has no TLS of its own yet: install Twisted with its extra 'tls' and call selvage.install_twisted\(\)"
    for make in (
        lambda: wrapClientTLS(None, None),  # type: ignore[arg-type]
        lambda: wrapServerTLS(None, None),  # type: ignore[arg-type]
        lambda: clientFromString(MemoryReactorClock(), "tls:h:443"),
        lambda: clientFromString(MemoryReactorClock(), "ssl:h:443"),
    ):
        with pytest.raises(NotImplementedError, match=wanted):
            make()


@pytest.mark.usefixtures("bare")
def test_names_that_are_at_home_elsewhere_say_so() -> None:
    with pytest.raises(
        AttributeError, match="no 'CertificateOptions' here: Selvage has no CertificateOptions"
    ):
        endpoints.CertificateOptions
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        endpoints.nonsense


def test_twisted_without_its_tls_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("twisted")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "twisted", package)
    monkeypatch.delitem(sys.modules, "twisted.internet", raising=False)
    monkeypatch.delitem(sys.modules, "twisted.internet.ssl", raising=False)
    with pytest.raises(
        NotImplementedError, match=r"TLS is not available: No module named .*pip install 'twisted\[tls\]'"
    ):
        clientFromString(MemoryReactorClock(), "ssl:h:443")


@pytest.mark.usefixtures("borrowed")
def test_names_that_are_at_home_elsewhere() -> None:
    assert endpoints.CertificateOptions(1).name == "CertificateOptions"
    assert endpoints._TLSServerEndpoint(1).name == "TLSServerEndpoint"


@pytest.mark.usefixtures("borrowed")
def test_tls_client_verifies_the_host_it_connects_to() -> None:
    endpoint: Any = clientFromString(
        MemoryReactorClock(), "tls:example.com:443:timeout=7:bindAddress=192.0.2.1"
    )
    hostname = endpoint._wrappedEndpoint
    assert isinstance(hostname, HostnameEndpoint)
    assert (hostname._hostBytes, hostname._port, hostname._timeout) == (b"example.com", 443, 7)
    assert hostname._bindAddress == ("192.0.2.1", 0)
    wrapper = endpoint._wrapperFactory("factory")
    options, is_client, factory, clock = wrapper.args
    assert (wrapper.name, is_client, factory, clock) == ("TLSMemoryBIOFactory", True, "factory", None)
    assert (options.args, options.kwargs) == (
        ("example.com",),
        {"trustRoot": None, "clientCertificate": None},
    )


@pytest.mark.usefixtures("borrowed")
def test_tls_client_over_another_endpoint() -> None:
    endpoint: Any = clientFromString(
        MemoryReactorClock(), r"tls:example.com:443:endpoint=tcp\:192.0.2.7\:8443"
    )
    inner = endpoint._wrappedEndpoint
    assert isinstance(inner, TCP4ClientEndpoint)
    assert (inner._host, inner._port) == ("192.0.2.7", 8443)


@pytest.mark.usefixtures("borrowed")
def test_client_certificates_and_authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cert.pem").write_bytes(b"cert")
    (tmp_path / "key.pem").write_bytes(b"key")
    monkeypatch.setattr("selvage.endpoints._tls._loadCAsFromDir", lambda path: ("roots", path.args))
    endpoint: Any = clientFromString(
        MemoryReactorClock(),
        f"tls:h:443:certificate={tmp_path}/cert.pem:privateKey={tmp_path}/key.pem:trustRoots={tmp_path}",
    )
    options = endpoint._wrapperFactory("factory").args[0]
    assert options.kwargs["clientCertificate"].args == (b"cert\nkey",)
    assert options.kwargs["trustRoot"] == ("roots", (str(tmp_path),))


@pytest.mark.usefixtures("borrowed")
def test_ssl_client_verifies_only_a_name_it_is_given(tmp_path: Path) -> None:
    plain: Any = clientFromString(MemoryReactorClock(), "ssl:h:443")
    assert plain._sslContextFactory.name == "CertificateOptions"
    named: Any = clientFromString(MemoryReactorClock(), "ssl:h:443:hostname=example.com")
    assert (named._sslContextFactory.name, named._sslContextFactory.args) == (
        "optionsForClientTLS",
        ("example.com",),
    )


@pytest.mark.usefixtures("borrowed")
def test_tls_server_takes_its_certificates_from_a_directory() -> None:
    endpoint: Any = serverFromString(MemoryReactorClock(), r"tls:/certs:443:backlog=9:interface=\:\:1")
    listening, creator, _clock = endpoint.args
    assert isinstance(listening, TCP6ServerEndpoint)
    assert (listening._port, listening._backlog, listening._interface) == (443, 9, "::1")
    assert creator.name == "SNIConnectionCreator"
    assert creator.args[0].args[0].args == ("/certs",)


CERTIFICATE = b"-----BEGIN CERTIFICATE-----\n%d\n-----END CERTIFICATE-----"


@pytest.mark.usefixtures("borrowed")
def test_ssl_server(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(b"key")
    (tmp_path / "chain.pem").write_bytes(CERTIFICATE % 1 + b"\n" + CERTIFICATE % 2)
    endpoint: Any = serverFromString(
        MemoryReactorClock(),
        f"ssl:443:privateKey={tmp_path}/key.pem:extraCertChain={tmp_path}/chain.pem:dhParameters=dh.pem",
    )
    options = endpoint._sslContextFactory
    assert (endpoint._port, options.name) == (443, "CertificateOptions")
    assert options.kwargs["privateKey"] == "PrivateCertificate.key"
    assert len(options.kwargs["extraCertChain"]) == 2
    assert options.kwargs["dhParameters"].name == "DiffieHellmanParameters"


@pytest.mark.usefixtures("borrowed")
def test_ssl_server_chain_without_certificate(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(b"key")
    (tmp_path / "empty.pem").write_bytes(b"")
    with pytest.raises(
        ValueError, match="Specified chain file '.*empty.pem' doesn't contain any valid certificates"
    ):
        serverFromString(
            MemoryReactorClock(), f"ssl:443:privateKey={tmp_path}/key.pem:extraCertChain={tmp_path}/empty.pem"
        )


@pytest.mark.usefixtures("borrowed")
def test_ssl_server_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key.pem").write_bytes(b"key")
    ssl = ModuleType("OpenSSL.SSL")
    ssl.TLS_METHOD = 7  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "OpenSSL", ModuleType("OpenSSL"))
    monkeypatch.setitem(sys.modules, "OpenSSL.SSL", ssl)
    line = f"ssl:443:privateKey={tmp_path}/key.pem:sslmethod="
    endpoint: Any = serverFromString(MemoryReactorClock(), line + "TLS_METHOD")
    assert endpoint._sslContextFactory.kwargs["method"] == 7
    with pytest.raises(ValueError, match="OpenSSL knows no method 'SSLv1_METHOD'"):
        serverFromString(MemoryReactorClock(), line + "SSLv1_METHOD")


class FakeFile:
    """As much of a FilePath as reading a directory takes."""

    def __init__(self, name: str, content: bytes | None) -> None:
        self.path, self.content = name, content

    def asTextMode(self) -> FakeFile:
        return self

    def basename(self) -> str:
        return self.path

    def getContent(self) -> bytes:
        if self.content is None:
            raise PermissionError(self.path)
        return self.content


@pytest.mark.usefixtures("borrowed")
def test_authorities_of_a_directory() -> None:
    """Every `.pem` file once; what cannot be read or is no certificate is skipped."""
    children = [
        FakeFile("a.pem", b"a"),
        FakeFile("same.PEM", b"a"),
        FakeFile("b.pem", b"b"),
        FakeFile("secret.pem", None),
        FakeFile("broken.pem", b"broken\n"),
        FakeFile("notes.txt", b"c"),
    ]
    roots = _loadCAsFromDir(SimpleNamespace(children=lambda: children))
    assert roots.name == "trustRootFromCertificates"
    assert [certificate.args[0] for certificate in roots.args[0]] == [b"a", b"b"]
