"""What may be given where TLS is configured, and what is said of anything else."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from OpenSSL import SSL
from zope.interface import implementer

from selvage.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLContextFactory,
    IOpenSSLServerConnectionCreator,
)
from selvage.transports._tls_creators import LegacyContextFactoryWarning, engine_maker
from selvage.transports._tls_engine import OpenSSLEngine, StandardEngine

from .certificates import (
    HOST,
    client_context,
    openssl_client_context,
    openssl_server_context,
    server_context,
    trusting_nobody,
)


class TLSProtocol:
    """What drives an engine, as far as creators look at it."""

    server_hostname: str | None = HOST


@implementer(IOpenSSLContextFactory)
class ContextFactory:
    def __init__(self, context: Any) -> None:
        self.context = context
        self.asked = 0

    def getContext(self) -> Any:
        self.asked += 1
        return self.context


@implementer(IOpenSSLClientConnectionCreator, IOpenSSLServerConnectionCreator)
class Creator:
    def clientConnectionForTLS(self, tlsProtocol):
        self.protocol = tlsProtocol
        return SSL.Connection(openssl_client_context(), None)

    def serverConnectionForTLS(self, tlsProtocol):
        self.protocol = tlsProtocol
        return SSL.Connection(openssl_server_context(), None)


@pytest.mark.parametrize("is_client", [True, False])
def test_standard_context(is_client):
    context = client_context() if is_client else server_context()
    engine = engine_maker(context, is_client)(TLSProtocol())
    assert isinstance(engine, StandardEngine)
    assert engine.is_client is is_client
    assert engine.handle.server_hostname == (HOST if is_client else None)


def test_international_name():
    protocol = TLSProtocol()
    protocol.server_hostname = "bücher.example."
    assert engine_maker(client_context(), True)(protocol).handle.server_hostname == "xn--bcher-kva.example"


def test_a_context_that_checks_the_name_needs_one():
    protocol = TLSProtocol()
    protocol.server_hostname = None
    with pytest.raises(ValueError, match="server_hostname="):
        engine_maker(client_context(), True)(protocol)
    assert engine_maker(trusting_nobody(), True)(protocol).handle.server_hostname is None


def test_a_context_for_the_other_side_is_refused():
    with pytest.raises(ValueError, match="PROTOCOL_TLS_SERVER"):
        engine_maker(client_context(), False)
    with pytest.raises(ValueError, match="PROTOCOL_TLS_CLIENT"):
        engine_maker(server_context(), True)


@pytest.mark.parametrize("is_client", [True, False])
def test_connection_creator(is_client):
    creator, protocol = Creator(), TLSProtocol()
    engine = engine_maker(creator, is_client)(protocol)
    assert isinstance(engine, OpenSSLEngine)
    assert engine.is_client is is_client
    assert creator.protocol is protocol


@pytest.mark.parametrize("is_client", [True, False])
def test_context_factory_of_pyopenssl_is_asked_once(is_client):
    factory = ContextFactory(openssl_client_context() if is_client else openssl_server_context())
    make = engine_maker(factory, is_client)
    protocol = TLSProtocol()
    engines = [make(protocol), make(protocol)]
    assert factory.asked == 1
    assert engines[0].handle is not engines[1].handle
    assert engines[0].handle.get_app_data() is protocol


def test_context_factory_may_return_a_standard_context():
    assert isinstance(engine_maker(ContextFactory(server_context()), False)(TLSProtocol()), StandardEngine)


def test_make_tls_engine_comes_first():
    class Options(ContextFactory):
        def make_tls_engine(self, tlsProtocol: Any, isClient: bool) -> Any:
            return ("made", tlsProtocol, isClient)

    protocol = TLSProtocol()
    assert engine_maker(Options(None), True)(protocol) == ("made", protocol, True)


def test_what_a_broken_factory_raises_comes_through():
    class Broken(ContextFactory):
        def getContext(self):
            raise ValueError("some path was wrong maybe")

    with pytest.raises(ValueError, match="some path"):
        engine_maker(Broken(None), True)


def test_a_factory_without_interface_is_taken_with_a_warning():
    class Old:
        def getContext(self):
            return openssl_client_context()

    with pytest.warns(LegacyContextFactoryWarning, match="neither IOpenSSLClientConnectionCreator") as warned:
        engine_maker(Old(), True)
    assert warned[0].filename == __file__


@pytest.mark.filterwarnings("ignore::selvage.transports._tls_creators.LegacyContextFactoryWarning")
@pytest.mark.parametrize("given", [object(), None, "cert.pem", ContextFactory(ssl)])
def test_anything_else_is_refused_by_name(given):
    with pytest.raises(TypeError) as caught:
        engine_maker(given, True)
    assert repr(given) in str(caught.value)
    assert "ssl.SSLContext" in caught.value.__notes__[0]
