"""Boxes over a connection.  Floor 3."""

from __future__ import annotations

import os
from itertools import count
from typing import Any

from selvage.errors import ConnectionDone, ConnectionLost, PeerVerifyError
from selvage.failure import Failure, report
from selvage.interfaces import IFileDescriptorReceiver, implementer
from selvage.protocols._netstrings import StatefulStringProtocol
from selvage.protocols._protocol import connectionDone
from selvage.protocols.amp._box import MAX_KEY_LENGTH, MAX_VALUE_LENGTH, AmpBox
from selvage.protocols.amp._errors import (
    MalformedAmpBox,
    OnlyOneTLS,
    ProtocolSwitched,
    TooLong,
)
from selvage.protocols.amp._interfaces import IBoxSender
from selvage.protocols.basic import Int16StringReceiver

__all__ = ["BinaryBoxProtocol", "_DescriptorExchanger"]

#: Most descriptors that have come and that no box has told of yet; a box tells of a few.
_DESCRIPTORS_WAITING = 256


@implementer(IFileDescriptorReceiver)
class _DescriptorExchanger:
    """Descriptors that go with boxes: numbered from 0 on in each direction, in the order in which they are sent."""

    transport: Any

    def __init__(self) -> None:
        # Those that have come: number -> descriptor.
        self._descriptors: dict[int, int] = {}
        self._sending = count()
        self._receiving = count()

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """Keep a descriptor until a box tells of it."""
        if len(self._descriptors) >= _DESCRIPTORS_WAITING:
            os.close(descriptor)
            self.transport.loseConnection()
            return
        self._descriptors[next(self._receiving)] = descriptor

    def _getDescriptor(self, number: int) -> int:
        if number not in self._descriptors:
            raise MalformedAmpBox(f"descriptor {number} has not come, or was told of before")
        return self._descriptors.pop(number)

    def _sendFileDescriptor(self, descriptor: int) -> int:
        self.transport.sendFileDescriptor(descriptor)
        return next(self._sending)

    def _close_descriptors(self) -> None:
        """Close those that nobody took."""
        for descriptor in self._descriptors.values():
            try:
                os.close(descriptor)
            except OSError:
                pass
        self._descriptors.clear()


@implementer(IBoxSender)
class BinaryBoxProtocol(StatefulStringProtocol, Int16StringReceiver, _DescriptorExchanger):
    """Sends boxes, and gives those that come to a receiver.

    Args:
        boxReceiver: an `IBoxReceiver`.

    Attributes:
        hostCertificate: ours, once the connection is encrypted; noPeerCertificate: the peer is known to have none.
        innerProtocol: what the connection was switched to; innerProtocolClientFactory: its factory, on the client's side.

    Twisted: `twisted.protocols.amp.BinaryBoxProtocol`, which keeps as much of a box as a peer cares to send.
    """

    #: Of the string that comes next: a key or a value.
    MAX_LENGTH = MAX_KEY_LENGTH
    #: Most bytes of a box that is received, so that a peer who never ends one fills no memory.
    MAX_BOX_LENGTH = 16 * 1024 * 1024

    hostCertificate: Any = None
    noPeerCertificate = False
    innerProtocol: Any = None
    innerProtocolClientFactory: Any = None

    # A switch is under way, or has happened: nothing may be sent.
    _locked = False
    # Boxes that wait for the connection to be encrypted; None when it is not about to be.
    _startingTLSBuffer: list[Any] | None = None
    # TLS has begun and nothing has come over it yet.
    _justStartedTLS = False
    # Why we close; the receiver hears that, and not that the connection was closed.
    _refused: Failure | None = None

    def __init__(self, boxReceiver: Any) -> None:
        _DescriptorExchanger.__init__(self)
        self.boxReceiver = boxReceiver
        self._box: Any = None
        self._key = b""
        self._box_length = 0

    # --- The connection ----------------------------------------------------------------------------------------

    def makeConnection(self, transport: Any) -> None:
        """Begin: the receiver may send at once."""
        self.transport = transport
        self.boxReceiver.startReceivingBoxes(self)
        self.connectionMade()

    def dataReceived(self, data: bytes) -> None:
        """Read boxes; hand everything to the protocol that this was switched to."""
        self._justStartedTLS = False
        if self.innerProtocol is not None:
            self.innerProtocol.dataReceived(data)
        elif self._refused is None:
            super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the receiver, and the protocol that this was switched to."""
        if self.innerProtocol is not None:
            self.innerProtocol.connectionLost(reason)
            if self.innerProtocolClientFactory is not None:
                self.innerProtocolClientFactory.clientConnectionLost(None, reason)
        if self._refused is not None:
            reason = self._refused
        elif self._justStartedTLS and reason.check(ConnectionDone):
            reason = Failure(PeerVerifyError("Peer rejected our certificate for an unknown reason."))
        self._close_descriptors()
        self.boxReceiver.stopReceivingBoxes(reason)
        self.transport = None

    def unhandledError(self, failure: Failure) -> None:
        """Report an error and close: nobody knows what state the other side is in."""
        report(failure, "Amp server or network failure unhandled by client application", source="protocol")
        if self.transport is not None:
            self.transport.loseConnection()

    def sendBox(self, box: Any) -> None:
        """Send a box, or keep it until the connection is encrypted if that is under way.

        Raises:
            ProtocolSwitched: the connection speaks another protocol, or is about to.
            ConnectionLost: there is none any more.
            TooLong: a key or a value is too long.
        """
        if self._locked:
            raise ProtocolSwitched(
                "This connection has switched to another protocol: no AMP traffic allowed."
            )
        if self.transport is None:
            raise ConnectionLost()
        if self._startingTLSBuffer is not None:
            self._startingTLSBuffer.append(box)
        else:
            self.transport.write(box.serialize())

    # --- Reading: keys and values in turn ----------------------------------------------------------------------

    def stringReceived(self, string: bytes) -> None:
        """Take a key or a value, unless what came before it has ended the connection."""
        if self._refused is None:
            super().stringReceived(string)

    def proto_init(self, string: bytes) -> str:
        """Take the first key of a box."""
        self._box = AmpBox()
        self._box_length = 0
        return self.proto_key(string)

    def proto_key(self, string: bytes) -> str:
        """Take a key; the empty one ends the box."""
        if not string:
            box, self._box = self._box, None
            # Whatever this brings about finds us at the beginning of a box.
            self.state = "init"
            self.boxReceiver.ampBoxReceived(box)
            return "init"
        self._key = string
        self.MAX_LENGTH = MAX_VALUE_LENGTH
        return "value"

    def proto_value(self, string: bytes) -> str:
        """Take the value of the last key."""
        self._box_length += len(self._key) + len(string)
        self.MAX_LENGTH = MAX_KEY_LENGTH
        if self._box_length > self.MAX_BOX_LENGTH:
            self._refuse(MalformedAmpBox(f"a box is longer than MAX_BOX_LENGTH={self.MAX_BOX_LENGTH}"))
        else:
            self._box[self._key] = string
        return "key"

    def lengthLimitExceeded(self, length: int) -> None:
        """Close: a key is longer than keys are."""
        self._refuse(TooLong(True, False, None, None))

    def _refuse(self, error: Exception) -> None:
        if self._refused is None:
            self._refused = Failure(error)
            self._box = None
            self.transport.loseConnection()

    # --- Switching to another protocol -------------------------------------------------------------------------

    def _lockForSwitch(self) -> None:
        """Send nothing any more: what comes next is to be the other protocol's."""
        self._locked = True

    def _unlockFromSwitch(self) -> None:
        """Go on: the other side did not switch.

        Raises:
            ProtocolSwitched: it did.
        """
        if self.innerProtocol is not None:
            raise ProtocolSwitched("Protocol already switched. Cannot unlock.")
        self._locked = False

    def _switchTo(self, newProto: Any, clientFactory: Any = None) -> None:
        """Give the connection, and what has come over it already, to another protocol."""
        rest = self.take_unread()
        self.innerProtocol = newProto
        self.innerProtocolClientFactory = clientFactory
        newProto.makeConnection(self.transport)
        if rest:
            newProto.dataReceived(rest)

    # --- TLS ---------------------------------------------------------------------------------------------------

    @property
    def peerCertificate(self) -> Any:
        """The peer's certificate, once the connection is encrypted."""
        from selvage.tls import Certificate

        return None if self.noPeerCertificate else Certificate.peerFromTransport(self.transport)

    def _check_for_tls(self) -> None:
        if self.hostCertificate is not None or self._startingTLSBuffer is not None:
            raise OnlyOneTLS(
                f"the connection is encrypted, or about to be, as {self.hostCertificate!r}: TLS starts once"
            )

    def _prepareTLS(self, certificate: Any, verifyAuthorities: Any) -> None:
        """Keep what is sent from now on until the connection is encrypted."""
        self._check_for_tls()
        self._startingTLSBuffer = []

    def _startTLS(self, certificate: Any, verifyAuthorities: Any) -> None:
        """Encrypt, and send what was kept for that."""
        self.hostCertificate = certificate
        self._justStartedTLS = True
        self.transport.startTLS(certificate.options(*(verifyAuthorities or ())))
        kept, self._startingTLSBuffer = self._startingTLSBuffer, None
        for box in kept or ():
            self.sendBox(box)

    def _giveUpTLS(self) -> None:
        """Close: what was kept must not go in the clear."""
        self._startingTLSBuffer = []
        if self.transport is not None:
            self.transport.loseConnection()
