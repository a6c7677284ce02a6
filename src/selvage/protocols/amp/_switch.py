"""Giving a connection to another protocol.  Floor 3."""

from __future__ import annotations

from typing import Any

from selvage.defer import Deferred
from selvage.errors import ConnectionLost
from selvage.failure import Failure
from selvage.protocols.amp._box import AmpBox
from selvage.protocols.amp._commands import Command

__all__ = ["ProtocolSwitchCommand", "_SwitchBox"]


class _SwitchBox(AmpBox):
    """The answer after which the connection belongs to `innerProto`."""

    def __init__(self, innerProto: Any, **kw: Any) -> None:
        super().__init__(**kw)
        self.innerProto = innerProto

    def __repr__(self) -> str:
        return f"_SwitchBox({self.innerProto!r}, **{dict.__repr__(self)})"

    def _sendTo(self, proto: Any) -> None:
        super()._sendTo(proto)
        proto._lockForSwitch()
        proto._switchTo(self.innerProto)


class ProtocolSwitchCommand(Command):
    """A command after which the connection speaks another protocol.

    The responder returns the protocol for its side. On ours `_protoToSwitchToFactory`, a client factory, makes it, and hears
    as of a connection that failed when the other side does not switch.

    Twisted: `twisted.protocols.amp.ProtocolSwitchCommand`.
    """

    def __init__(self, _protoToSwitchToFactory: Any, **kw: Any) -> None:
        self.protoToSwitchToFactory = _protoToSwitchToFactory
        super().__init__(**kw)

    @classmethod
    def makeResponse(cls, innerProto: Any, proto: Any) -> Any:
        """Make the answer that switches."""
        return _SwitchBox(innerProto)

    def _doCommand(self, proto: Any) -> Deferred[Any] | None:
        """Send it, and nothing after it until it is answered."""
        answer = super()._doCommand(proto)
        assert answer is not None, "a command that switches has an answer"
        proto._lockForSwitch()
        return answer.addCallbacks(self._switched, self._refused, (proto,), None, (proto,))

    def _switched(self, answer: Any, proto: Any) -> Any:
        factory = self.protoToSwitchToFactory
        proto._switchTo(factory.buildProtocol(proto.transport.getPeer()), factory)
        return answer

    def _refused(self, failure: Failure, proto: Any) -> Failure:
        proto._unlockFromSwitch()
        self.protoToSwitchToFactory.clientConnectionFailed(None, Failure(ConnectionLost()))
        return failure
