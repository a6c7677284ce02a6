"""Commands and answers that belong together, over whatever sends boxes.  Floor 3."""

from __future__ import annotations

from typing import Any

from selvage.defer import Deferred, fail, maybeDeferred, waiters_of
from selvage.errors import ConnectionLost
from selvage.failure import Failure, report
from selvage.interfaces import implementer
from selvage.protocols.amp._box import (
    ANSWER,
    ASK,
    COMMAND,
    ERROR,
    ERROR_CODE,
    ERROR_DESCRIPTION,
    AmpBox,
    QuitBox,
)
from selvage.protocols.amp._errors import (
    PROTOCOL_ERRORS,
    UNHANDLED_ERROR_CODE,
    UNKNOWN_ERROR_CODE,
    MalformedAmpBox,
    NoEmptyBoxes,
    ProtocolSwitched,
    RemoteAmpError,
    UnhandledCommand,
)
from selvage.protocols.amp._interfaces import IBoxReceiver

__all__ = ["BoxDispatcher"]


@implementer(IBoxReceiver)
class BoxDispatcher:
    """Asks the other side, and answers what it asks.

    Args:
        locator: knows who responds to which command.

    Attributes:
        boxSender: what sends boxes, once there is something.

    Twisted: `twisted.protocols.amp.BoxDispatcher`.
    """

    boxSender: Any = None

    # What every question fails with, once the connection is over.
    _failAllReason: Failure | None = None
    _counter = 0

    def __init__(self, locator: Any) -> None:
        # Tag of a question -> who waits for the answer.
        self._outstandingRequests: dict[bytes, Deferred[Any]] = {}
        self.locator = locator

    def startReceivingBoxes(self, boxSender: Any) -> None:
        """Take what sends boxes."""
        self.boxSender = boxSender

    def stopReceivingBoxes(self, reason: Failure) -> None:
        """Fail all that have no answer yet."""
        self.failAllOutgoing(reason)

    def failAllOutgoing(self, reason: Failure) -> None:
        """Fail all that have no answer yet, and all that are asked from now on."""
        self._failAllReason = reason
        waiting, self._outstandingRequests = self._outstandingRequests, {}
        for answer in waiting.values():
            answer.errback(reason)

    # --- Asking ------------------------------------------------------------------------------------------------

    def callRemote(self, commandType: Any, *a: Any, **kw: Any) -> Any:
        """Send a command.

        Args:
            commandType: a `Command`; kw: its arguments.

        Fires with the answer as a dictionary. None instead of a Deferred where the command requires no answer.
        Fails with an error that the command declares, else with `UnknownRemoteError`, `UnhandledCommand`, or why the
        connection was lost; with `InvalidSignature` when the arguments are not those of the command.  Cancelling does not
        reach the other side.

        Raises:
            TooLong: an argument is too long.
            ProtocolSwitched: the connection speaks another protocol.
        """
        try:
            command = commandType(*a, **kw)
        except Exception:
            return fail(Failure())
        return command._doCommand(self)

    def callRemoteString(self, command: bytes, requiresAnswer: bool = True, **kw: Any) -> Any:
        """Send a command as a box.

        Fires with the box of the answer. None instead of a Deferred when no answer is required.
        Fails as `callRemote`, with `RemoteAmpError` for every error of the other side.
        """
        return self._sendBoxCommand(command, AmpBox(kw), requiresAnswer)

    def _sendBoxCommand(self, command: bytes, box: Any, requiresAnswer: bool = True) -> Any:
        if self._failAllReason is not None:
            return fail(self._failAllReason) if requiresAnswer else None
        box[COMMAND] = command
        self._counter += 1
        if not requiresAnswer:
            box._sendTo(self.boxSender)
            return None
        tag = box[ASK] = b"%x" % self._counter
        answer: Deferred[Any] = Deferred()
        self._outstandingRequests[tag] = answer
        try:
            box._sendTo(self.boxSender)
        except BaseException:
            self._outstandingRequests.pop(tag, None)
            raise
        return answer

    # --- Being asked, and answered -----------------------------------------------------------------------------

    def ampBoxReceived(self, box: Any) -> None:
        """Take a box, whichever it is.

        Raises:
            NoEmptyBoxes: it is no command, no answer and no error.
            MalformedAmpBox: it answers what nobody asked.
        """
        if ANSWER in box:
            self._asked(box[ANSWER]).callback(box)
        elif ERROR in box:
            code, words = box.get(ERROR_CODE, UNKNOWN_ERROR_CODE), box.get(ERROR_DESCRIPTION, b"")
            error = PROTOCOL_ERRORS.get(code, RemoteAmpError)(code, words)
            self._asked(box[ERROR]).errback(Failure(error))
        elif COMMAND in box:
            self._commandReceived(box)
        else:
            raise NoEmptyBoxes(box)

    def _asked(self, tag: bytes) -> Deferred[Any]:
        """Return who waits for the answer; an error that is left at its end is the connection's."""
        answer = self._outstandingRequests.pop(tag, None)
        if answer is None:
            raise MalformedAmpBox(
                f"an answer came to {tag!r}, which nobody asked or which is answered already"
            )
        # A failure that somebody awaits is theirs.
        return answer if waiters_of(answer) else answer.addErrback(self.unhandledError)

    def _commandReceived(self, box: Any) -> None:
        answered = self.dispatchCommand(box)
        if ASK in box:
            tag = box[ASK]
            answered.addCallbacks(
                lambda answer: _tagged(answer, tag), lambda failure: _error_box(failure, tag)
            )
            answered.addCallback(self._safeEmit)
        answered.addErrback(self.unhandledError)

    def _safeEmit(self, box: Any) -> None:
        """Send an answer, unless the connection has come to an end or speaks another protocol meanwhile."""
        try:
            box._sendTo(self.boxSender)
        except (ProtocolSwitched, ConnectionLost):
            pass

    def dispatchCommand(self, box: Any) -> Deferred[Any]:
        """Have a command responded to.

        Fires with the box of the answer.
        Fails with `RemoteAmpError` for what the other side is to know, else with what the responder failed with.
        """
        name = box[COMMAND]
        responder = self.locator.locateResponder(name)
        if responder is None:
            error = RemoteAmpError(
                UNHANDLED_ERROR_CODE,
                f"Unhandled Command: {name!r}",
                False,
                local=Failure(UnhandledCommand()),
            )
            return fail(error)
        return maybeDeferred(responder, box)

    def unhandledError(self, failure: Failure) -> Any:
        """Hand an error on to what sends boxes."""
        return self.boxSender.unhandledError(failure)


def _tagged(answer: Any, tag: bytes) -> Any:
    answer[ANSWER] = tag
    return answer


def _error_box(failure: Failure, tag: bytes) -> AmpBox:
    """Make the box that tells of a failure: in full where that was declared, else that there was one."""
    error: Any = failure.value
    box: AmpBox
    if isinstance(error, RemoteAmpError):
        box = QuitBox() if error.fatal else AmpBox()
        code, words = error.errorCode, error.description.encode("utf-8", "replace")
    else:
        report(failure, "Unhandled error in a responder", source="protocol")
        box = QuitBox()
        code, words = UNKNOWN_ERROR_CODE, b"Unknown Error"
    box.update({ERROR: tag, ERROR_CODE: code, ERROR_DESCRIPTION: words[:_LONGEST_DESCRIPTION]})
    return box


#: Bytes of an error's words that are sent: it says what happened, and shall fit into its box.
_LONGEST_DESCRIPTION = 0x8000
