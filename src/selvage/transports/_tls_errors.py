"""The one gate where what a TLS library says becomes an error of Selvage, by table.  Floor 2.

Programs written for Twisted catch `OpenSSL.SSL.Error`, and `service_identity.VerificationError` for a wrong host.  So where
a program has imported those, what it is handed is an instance of them, too.
"""

from __future__ import annotations

import sys
from typing import Any

from selvage.errors import (
    HandshakeError,
    HandshakeTimeoutError,
    PeerCertificateError,
    TLSError,
    TruncatedError,
)

__all__ = ["cut_off", "named", "peer_text", "tls_error", "too_slow"]

#: From OpenSSL's verification code to what is wrong with the certificate, in one word, and what to do.
_VERIFICATION: dict[int, tuple[str, str]] = {
    9: ("not-yet-valid", "compare the clocks of both machines"),
    10: ("expired", "the peer has to renew it; if it did, compare the clocks of both machines"),
    18: ("self-signed", "trust that very certificate (trustRoot), or have an authority sign it"),
    19: ("unknown-authority", "add the authority at the end of the chain to what is trusted (trustRoot)"),
    20: (
        "unknown-authority",
        "add its authority to what is trusted (trustRoot), or have the peer send its chain",
    ),
    21: (
        "unknown-authority",
        "add its authority to what is trusted (trustRoot), or have the peer send its chain",
    ),
    23: ("revoked", "the peer has to get another one"),
    26: ("invalid", "it was issued for another purpose than this side of TLS"),
    62: ("wrong-host", "connect by a name that is in the certificate, or have the name added to it"),
    64: ("wrong-host", "connect by an address that is in the certificate, or have the address added to it"),
}

_NO_TLS = (
    "what the peer sent is not TLS",
    "see that the port is right and that both sides start TLS at the same point",
)
_VERSIONS = (
    "the two sides have no version of TLS in common",
    "versions below 1.2 are off by default; bring the older side up to date",
)
_CIPHERS = (
    "the two sides have no cipher suite or key type in common",
    "see which ciphers each allows, and that the server's certificate fits them",
)
_REFUSED = ("the peer refused our certificate", "see that it is valid and that the peer trusts its authority")
_MISSING = (
    "a certificate of ours was asked for and not given",
    "give the client a certificate that the server trusts",
)
_PROTOCOLS = ("the two sides have no protocol in common (ALPN)", "")
_DAMAGED = ("what arrived was damaged on its way, or tampered with", "")

#: From OpenSSL's reason to what happened and what to do; prefixes, for alerts have names in several fashions.
_REASONS: dict[str, tuple[str, str]] = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "WRONG_SSL_VERSION": _NO_TLS,
    "HTTP_REQUEST": (
        "the peer speaks plain HTTP to a port for TLS",
        "have it use https, or serve plain HTTP here",
    ),
    "HTTPS_PROXY_REQUEST": ("the peer takes this port for an HTTP proxy", ""),
    "UNKNOWN_PROTOCOL": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "UNEXPECTED_MESSAGE": _NO_TLS,
    "BAD_LENGTH": _NO_TLS,
    "UNSUPPORTED_PROTOCOL": _VERSIONS,
    "NO_PROTOCOLS_AVAILABLE": _VERSIONS,
    "VERSION_TOO_LOW": _VERSIONS,
    "ALERT_PROTOCOL_VERSION": _VERSIONS,
    "NO_SHARED_CIPHER": _CIPHERS,
    "NO_CIPHERS_AVAILABLE": _CIPHERS,
    "NO_SUITABLE": _CIPHERS,
    "ALERT_HANDSHAKE_FAILURE": _CIPHERS,
    "ALERT_INSUFFICIENT_SECURITY": _CIPHERS,
    "ALERT_UNKNOWN_CA": _REFUSED,
    "ALERT_BAD_CERTIFICATE": _REFUSED,
    "ALERT_CERTIFICATE_EXPIRED": _REFUSED,
    "ALERT_CERTIFICATE_REVOKED": _REFUSED,
    "ALERT_CERTIFICATE_UNKNOWN": _REFUSED,
    "ALERT_UNSUPPORTED_CERTIFICATE": _REFUSED,
    "ALERT_CERTIFICATE_REQUIRED": _MISSING,
    "TLSV1_UNRECOGNIZED_NAME": (
        "the server does not serve the name that was asked for",
        "see that the host's name is right",
    ),
    "NO_APPLICATION_PROTOCOL": _PROTOCOLS,
    "ALERT_NO_APPLICATION_PROTOCOL": _PROTOCOLS,
    "NO_RENEGOTIATION": ("the peer asked for new keys, which is not allowed", ""),
    "DECRYPTION_FAILED_OR_BAD_RECORD_MAC": _DAMAGED,
    "BAD_DECRYPT": _DAMAGED,
    "ALERT_BAD_RECORD_MAC": _DAMAGED,
}


def tls_error(exc: BaseException, handshaken: bool, peer: str = "") -> TLSError:
    """Return the error that says what `exc`, raised by an engine, means; it has `exc` as its cause.

    Args:
        handshaken: whether the handshake was done when it was raised.
        peer: whom TLS is spoken with, for the message.
    """
    code = getattr(exc, "verify_code", None)
    reasons = _reasons(exc)
    error: TLSError
    if code is not None:
        problem, advice = _VERIFICATION.get(code, ("invalid", ""))
        error = PeerCertificateError(str(getattr(exc, "verify_message", exc)), peer, advice, problem)
    elif "CERTIFICATE_VERIFY_FAILED" in reasons:
        error = PeerCertificateError("it could not be verified", peer)
    elif "PEER_DID_NOT_RETURN_A_CERTIFICATE" in reasons:
        error = PeerCertificateError("the peer showed none, and one is required", peer, problem="missing")
    else:
        why, advice = _explain(reasons)
        said = "; ".join(reasons).replace("_", " ").lower() or str(exc) or type(exc).__name__
        kind = TLSError if handshaken else HandshakeError
        error = kind(f"{why} ({said})" if why else said, peer, advice)
    error.__cause__ = exc
    return named(error)


def _reasons(exc: BaseException) -> list[str]:
    """Return OpenSSL's reasons as the standard module spells them."""
    reason = getattr(exc, "reason", None)
    if isinstance(reason, str):
        return [reason]
    queue = exc.args[0] if exc.args and isinstance(exc.args[0], (list, tuple)) else ()
    return [
        str(entry[-1]).upper().replace(" ", "_").replace("/", "_")
        for entry in queue
        if isinstance(entry, tuple) and entry
    ]


def _explain(reasons: list[str]) -> tuple[str, str]:
    for reason in reasons:
        for known, explanation in _REASONS.items():
            if reason == known or (known.startswith("ALERT_") and reason.endswith(known)):
                return explanation
            if known == "NO_SUITABLE" and reason.startswith(known):
                return explanation
    return "", ""


def peer_text(transport: Any) -> str:
    """Return how error messages name the peer of a transport."""
    try:
        peer = transport.getPeer()
    except (
        Exception
    ):  # the system has forgotten: it went before anybody asked; or a transport in memory does not know
        return ""
    host = getattr(peer, "host", None)
    return str(peer) if host is None else f"{host}:{peer.port}"


def cut_off(handshaken: bool, peer: str) -> TLSError:
    """Return the error that says that the transport below just ended."""
    if handshaken:
        return named(TruncatedError("data may be missing", peer))
    return named(HandshakeError("the peer closed the connection in the middle of it", peer))


def too_slow(seconds: float, peer: str) -> TLSError:
    """Return the error that says that the handshake took longer than `seconds`."""
    return named(
        HandshakeTimeoutError(
            f"it took longer than {seconds:g} seconds",
            peer,
            "see that the peer speaks TLS at this point and is not overloaded, or give it more time (handshake_timeout)",
        )
    )


def named(error: TLSError) -> TLSError:
    """Return `error` so that programs which catch the errors of pyOpenSSL catch it as well, if they could have imported them."""
    library = sys.modules.get("OpenSSL.SSL")
    base = getattr(library, "Error", None)
    if base is None or isinstance(error, base):
        return error
    wrong_host: Any = None
    if getattr(error, "problem", "") == "wrong-host" and "service_identity" in sys.modules:
        wrong_host = getattr(sys.modules["service_identity"], "VerificationError", None)
    made: TLSError = _both(type(error), base, wrong_host)(*error.__reduce__()[1])
    made.__cause__ = error.__cause__
    # What is known of the queue of errors that pyOpenSSL would have kept.
    queue = getattr(error.__cause__, "args", ())
    listed = queue[0] if queue and isinstance(queue[0], list) else [("SSL routines", "", error.why)]
    made.args = (listed,)
    return made


_made: dict[tuple[type[Exception], ...], Any] = {}


def _both(*bases: type[Exception] | None) -> Any:
    """Return the class that is all of these, made once."""
    kinds = tuple(base for base in bases if base is not None)
    if kinds not in _made:
        first = kinds[0]
        _made[kinds] = type(
            first.__name__, kinds, {"__module__": "OpenSSL.SSL", "__doc__": first.__doc__, "errors": ()}
        )
    return _made[kinds]
