"""Encrypting a connection that speaks AMP.  Floor 3."""

from __future__ import annotations

from functools import cache
from typing import Any

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.protocols.amp._arguments import String
from selvage.protocols.amp._box import AmpBox
from selvage.protocols.amp._commands import Command

__all__ = ["StartTLS", "_LocalArgument", "_NoCertificate", "_TLSBox"]

_CERTIFICATE, _AUTHORITIES = b"tls_localCertificate", b"tls_verifyAuthorities"


class _NoCertificate:
    """Stands for a certificate of a side that was given none.

    A client then has none; a server, which needs one, makes one that nobody can check.
    """

    def __init__(self, client: bool) -> None:
        self.client = client

    def options(self, *authorities: Any) -> Any:
        """Return a context factory that trusts `authorities`, or everybody when there are none."""
        from selvage import tls

        if self.client:
            if not authorities:
                return tls.CertificateOptions()
            return tls.CertificateOptions(trustRoot=tls.trustRootFromCertificates(authorities))
        return _temporary_certificate().options(*authorities)


@cache
def _temporary_certificate() -> Any:
    """Make a certificate, once: a key takes long to make, and any peer may ask for encryption."""
    from selvage import tls

    name = tls.DN(CN="TEMPORARY CERTIFICATE")
    key = tls.KeyPair.generate()
    request = key.certificateRequest(name)
    signed: Any = key.signCertificateRequest(name, request, lambda dn: True, 1)
    return key.newCertificate(signed)


class _LocalArgument(String):
    """An argument for this side only."""

    def fromBox(self, name: bytes, strings: Any, objects: dict[str, Any], proto: Any) -> None:
        """Read nothing: the other side cannot have sent it."""


class _TLSBox(AmpBox):
    """The answer after which the connection is encrypted; the last one in the clear."""

    def _sendTo(self, proto: Any) -> None:
        plain = AmpBox(self)
        certificate = plain.pop(_CERTIFICATE, None) or _NoCertificate(False)
        authorities = plain.pop(_AUTHORITIES, None)
        proto._check_for_tls()
        plain._sendTo(proto)
        proto._startTLS(certificate, authorities)


class StartTLS(Command):
    """Encrypt the connection. The responder returns the arguments for its own side, as a dictionary.

    Args:
        tls_localCertificate: a `PrivateCertificate`.
        tls_verifyAuthorities: certificates, one of which the peer's has to be signed by; without any it is not checked.

    What is sent before the answer is there waits for the encryption; if that does not come about, the connection is closed.

    Twisted: `twisted.protocols.amp.StartTLS`, which then leaves it waiting.
    """

    arguments = [
        (_CERTIFICATE, _LocalArgument(optional=True)),
        (_AUTHORITIES, _LocalArgument(optional=True)),
    ]
    response = [
        (_CERTIFICATE, _LocalArgument(optional=True)),
        (_AUTHORITIES, _LocalArgument(optional=True)),
    ]
    responseType = _TLSBox

    def __init__(
        self, *, tls_localCertificate: Any = None, tls_verifyAuthorities: Any = None, **kw: Any
    ) -> None:
        self.certificate = tls_localCertificate or _NoCertificate(True)
        self.authorities = tls_verifyAuthorities
        super().__init__(**kw)

    def _doCommand(self, proto: Any) -> Deferred[Any] | None:
        """Send it, and keep what comes after it."""
        proto._check_for_tls()
        answer = super()._doCommand(proto)
        assert answer is not None, "a command that starts TLS has an answer"
        proto._prepareTLS(self.certificate, self.authorities)
        return answer.addCallbacks(self._start, self._refused, (proto,), None, (proto,))

    def _start(self, answer: Any, proto: Any) -> Any:
        proto._startTLS(self.certificate, self.authorities)
        return answer

    def _refused(self, failure: Failure, proto: Any) -> Failure:
        proto._giveUpTLS()
        return failure
