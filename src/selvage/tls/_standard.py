"""Options as contexts of the standard `ssl` module.  Floor 2."""

from __future__ import annotations

import os
import ssl
import warnings
from typing import TYPE_CHECKING, Any

from selvage.tls._certificates import certificate_der
from selvage.tls._keys import private_pem
from selvage.tls._parameters import path_of
from selvage.tls._pem import certificate_pem, file_of, no_passphrase
from selvage.tls._trust import OpenSSLDefaultPaths
from selvage.tls._versions import STANDARD, TLSVersion

if TYPE_CHECKING:
    from selvage.tls._options import CertificateOptions

__all__ = ["context_of"]

# Versions are set as a range; these are the old way, of which the standard module warns.
_VERSION_FLAGS = int(
    ssl.OP_NO_SSLv2
    | ssl.OP_NO_SSLv3
    | ssl.OP_NO_TLSv1
    | ssl.OP_NO_TLSv1_1
    | ssl.OP_NO_TLSv1_2
    | ssl.OP_NO_TLSv1_3
)

# The standard module turns this on: a stream that is cut off shall look as one that has ended.  It shall not.
_IGNORE_EOF = int(getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0))


#: Contexts that trust the platform's authorities and show no certificate, by all that makes a difference.  Reading those
#: authorities takes some thirty milliseconds, and a program that talks to many hosts has options for each.
_platform_contexts: dict[Any, ssl.SSLContext] = {}

#: How many of them are kept; two or three are in use.
_KEPT_CONTEXTS = 16


def context_of(
    options: CertificateOptions, is_client: bool, protocols: tuple[bytes, ...], check_hostname: bool
) -> ssl.SSLContext:
    """Return the context for some options; as `make_context`, but one that others have made is used again."""
    if (
        type(options.trustRoot) is not OpenSSLDefaultPaths
        or options._key is not None
        or options.dhParameters is not None
    ):
        return make_context(options, is_client, protocols, check_hostname)
    kind = (
        is_client,
        protocols,
        check_hostname,
        options._options,
        options._versions,
        options._standard_ciphers,
        options.requireCertificate,
        options.enableSessions,
        _platform_state(),
    )
    context = _platform_contexts.get(kind)
    if context is None:
        if len(_platform_contexts) >= _KEPT_CONTEXTS:
            _platform_contexts.clear()
        context = _platform_contexts[kind] = make_context(options, is_client, protocols, check_hostname)
    return context


def _platform_state() -> tuple[object, ...]:
    """Return what changes when the platform's authorities do: a program that runs for months shall notice."""
    paths = ssl.get_default_verify_paths()
    return tuple((path, _changed(path)) for path in (paths.cafile, paths.capath) if path)


def _changed(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


def make_context(
    options: CertificateOptions, is_client: bool, protocols: tuple[bytes, ...], check_hostname: bool
) -> ssl.SSLContext:
    """Make a context.

    Args:
        options: what to do.
        protocols: what ALPN offers.
        check_hostname: whether the server's certificate has to have the name in it that is asked for.

    Raises:
        ValueError: the options do not fit together; the message says which.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if is_client else ssl.PROTOCOL_TLS_SERVER)
    context.check_hostname = check_hostname
    # A name is in the alternative names or it is not in the certificate (RFC 9525 section 2).
    context.hostname_checks_common_name = False
    context.options = (context.options | options._options) & ~(_VERSION_FLAGS | _IGNORE_EOF)
    _set_versions(context, *options._versions)
    try:
        context.set_ciphers(options._standard_ciphers)
    except ssl.SSLError as error:
        raise ValueError(f"OpenSSL knows none of the ciphers {options._standard_ciphers!r}") from error
    _show(context, options)
    _trust(context, options)
    if protocols:
        context.set_alpn_protocols([protocol.decode("ascii") for protocol in protocols])
    if not is_client and not options.enableSessions and not options.enableSessionTickets:
        context.num_tickets = 0
    if options.dhParameters is not None:
        context.load_dh_params(path_of(options.dhParameters._dhFile))
    return context


def _set_versions(context: ssl.SSLContext, lowest: TLSVersion, highest: TLSVersion | None) -> None:
    with warnings.catch_warnings():
        # Who wants an old version had to write "insecurely".
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = STANDARD[lowest]
        if highest is not None:
            context.maximum_version = STANDARD[highest]


def _show(context: ssl.SSLContext, options: CertificateOptions) -> None:
    """Give the context our certificate, its chain and its key."""
    if options._certificate is None or options._key is None:
        return
    chain = [options._certificate, *options.extraCertChain]
    pem = b"".join([certificate_pem(certificate_der(each)) for each in chain])
    with file_of(pem + private_pem(options._key)) as path:
        try:
            context.load_cert_chain(path, password=no_passphrase)
        except ssl.SSLError as error:
            raise ValueError(
                f"{options._certificate!r} cannot be used for TLS: {(error.reason or str(error)).replace('_', ' ').lower()}"
            ) from error


def _trust(context: ssl.SSLContext, options: CertificateOptions) -> None:
    """Say whose certificates the peer has to have."""
    if not options.verify:
        context.verify_mode = ssl.CERT_NONE
        return
    is_optional = context.protocol == ssl.PROTOCOL_TLS_SERVER and not options.requireCertificate
    context.verify_mode = ssl.CERT_OPTIONAL if is_optional else ssl.CERT_REQUIRED
    options.trustRoot.add_to(context)
