"""Options as contexts and connections of pyOpenSSL.  Floor 2.  Needs the extra `tls`.

A context is complete when it has been made and is not changed afterwards: connections share it.  What differs from one
connection to the next is found through the connection, whose "app data" is the protocol that drives it.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from selvage.failure import Failure, report
from selvage.tls._alpn import acceptable_protocols
from selvage.tls._certificates import Certificate
from selvage.tls._extra import openssl, service_identity

if TYPE_CHECKING:
    from selvage.tls._options import CertificateOptions

__all__ = ["identity_callback", "make_connection", "make_context", "set_protocols"]

_WHAT = "a context of pyOpenSSL"


def make_context(options: CertificateOptions, skip_ciphers: bool = False) -> Any:
    """Make an `OpenSSL.SSL.Context`."""
    library = openssl("SSL", _WHAT)
    context = (options._contextFactory or library.Context)(options.method)
    context.set_options(options._options)
    context.set_mode(library.MODE_RELEASE_BUFFERS)
    if options._certificate is not None:
        _show(context, options)
    _set_verification(library, context, options)
    if options.enableSessions:
        # Sessions of one configuration are not to be resumed in another.
        context.set_session_id(b"%x" % id(options))
        context.set_session_cache_mode(library.SESS_CACHE_SERVER)
    else:
        context.set_session_cache_mode(library.SESS_CACHE_OFF)
    if options.dhParameters is not None:
        file = options.dhParameters._dhFile
        context.load_tmp_dh(getattr(file, "path", file))
    if not skip_ciphers:
        context.set_cipher_list(options._cipherString.encode("ascii"))
    if options._acceptableProtocols:
        context.set_alpn_protos(list(options._acceptableProtocols))
    context.set_alpn_select_callback(_select_protocol(library, options._acceptableProtocols))
    if options._contextForServerName is not None:
        context.set_tlsext_servername_callback(_switch_context(library, options._contextForServerName))
    return context


def _show(context: Any, options: CertificateOptions) -> None:
    """Give the context our certificate, its chain and its key."""
    with warnings.catch_warnings():
        # Objects of pyOpenSSL's own are going to be replaced by those of `cryptography`; the choice was the caller's.
        warnings.filterwarnings("ignore", "Passing pyOpenSSL", DeprecationWarning)
        context.use_certificate(options.certificate)
        context.use_privatekey(options.privateKey)
        for each in options.extraCertChain:
            context.add_extra_chain_cert(each.original if isinstance(each, Certificate) else each)
        context.check_privatekey()


def _set_verification(library: Any, context: Any, options: CertificateOptions) -> None:
    flags = library.VERIFY_NONE
    if options.verify:
        flags = library.VERIFY_PEER
        if options.requireCertificate:
            flags |= library.VERIFY_FAIL_IF_NO_PEER_CERT
        if options.verifyOnce:
            flags |= library.VERIFY_CLIENT_ONCE
        options.trustRoot._addCACertsToContext(context)
    context.set_verify(flags, _as_openssl_judges)
    context.set_verify_depth(options.verifyDepth)


def _as_openssl_judges(connection: Any, certificate: Any, error: int, depth: int, is_good: int) -> bool:
    return bool(is_good)


def make_connection(context: Any, tls_protocol: Any, protocols: Sequence[bytes] | None) -> Any:
    """Make an `OpenSSL.SSL.Connection` without a socket.

    Args:
        tls_protocol: the protocol that will drive it.
        protocols: what ALPN offers, unless the protocol's factory says.
    """
    connection = openssl("SSL", _WHAT).Connection(context, None)
    connection.set_app_data(tls_protocol)
    if offered := acceptable_protocols(tls_protocol, protocols):
        connection.set_alpn_protos(list(offered))
    return connection


def _select_protocol(library: Any, default: Sequence[bytes] | None) -> Callable[[Any, list[bytes]], Any]:
    """Return the callback that chooses among the protocols that a client offers."""

    def select(connection: Any, offered: list[bytes]) -> Any:
        ours = acceptable_protocols(connection.get_app_data(), default)
        if not ours:
            return library.NO_OVERLAPPING_PROTOCOLS
        for protocol in ours:
            if protocol in offered:
                return protocol
        # RFC 7301 section 3.2: a fatal alert, and no guess.
        raise library.Error([("SSL routines", "", "no application protocol")])

    return select


def set_protocols(context: Any, protocols: Sequence[bytes]) -> None:
    """Give a context of pyOpenSSL the protocols that ALPN offers and chooses from."""
    library = openssl("SSL", _WHAT)
    if protocols:
        context.set_alpn_protos(list(protocols))
        context.set_alpn_select_callback(_select_protocol(library, protocols))


def _switch_context(library: Any, choose: Callable[[bytes | None], Any]) -> Callable[[Any], None]:
    """Return the callback that is told the name a client asks for."""

    def switch(connection: Any) -> None:
        try:
            context = choose(connection.get_servername())
        except Exception:
            report(Failure(), "Unhandled error while choosing a TLS context by name", source="context")
            # A context without a certificate: with it the handshake ends in an alert.  If the exception went on, pyOpenSSL
            # would print it, too.
            context = library.Context(library.TLS_METHOD)
        if context is not None:
            connection.set_context(context)

    return switch


def identity_callback(tls_protocol: Any, is_name: bool, hostname: str) -> Callable[..., bool]:
    """Return the callback that verifies whose certificate it is, once OpenSSL has verified who signed it.

    Args:
        tls_protocol: the TLS protocol, whose `failVerification` is told of a wrong one.
        is_name: whether `hostname` is a name, not an address.
        hostname: in ASCII.
    """

    # OpenSSL keeps the callback longer than the connection lasts, and nobody sees through it to collect what it holds.
    weakly = weakref.ref(tls_protocol)

    def verify(connection: Any, certificate: Any, error: int, depth: int, is_good: int) -> bool:
        if depth != 0 or is_good == 0:
            return bool(is_good)
        try:
            _verify_identity(certificate, is_name, hostname)
        except Exception as problem:
            failure = Failure()
            failure.cleanFailure()
            protocol = weakly()
            if protocol is not None and _is_mismatch(problem):
                protocol.failVerification(failure)
            else:
                report(failure, "Unhandled error while verifying a certificate", source="context")
            return False
        return True

    return verify


def _verify_identity(certificate: Any, is_name: bool, hostname: str) -> None:
    library = service_identity("cryptography", "verifying a host's name with pyOpenSSL")
    verify = library.verify_certificate_hostname if is_name else library.verify_certificate_ip_address
    verify(certificate.to_cryptography(), hostname)


def _is_mismatch(problem: Exception) -> bool:
    module = service_identity("exceptions", "verifying a host's name with pyOpenSSL")
    return isinstance(problem, (module.VerificationError, module.CertificateError))
