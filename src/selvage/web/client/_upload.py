"""Sending a body at the right time, and telling when it is done.  Floor 4.

Theory of operation.  A large body is announced first (`Expect: 100-continue`); it begins when the server gives leave, or
when the server says nothing for a second, for not all of them know the word.  A server that answers at once, with a
redirection, a 401 or a 413, gets nothing of it; what has not begun can be sent elsewhere even if it can be read only once.

Source: RFC 9110 section 10.1.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage.defer import Deferred
from selvage.interfaces import implementer
from selvage.web.client._content import Content
from selvage.web.interfaces import IBodyProducer

if TYPE_CHECKING:
    from selvage.web.client._call import Call

__all__ = ["EXPECT_BYTES", "Upload"]

#: Octets of a body from which on leave is asked for.  As curl; below it the time of asking costs more than the body.
EXPECT_BYTES = 1024 * 1024
#: Seconds that leave is waited for.  As curl.
_LEAVE_S = 1.0
_CONTINUE = 100
#: The first code for which nothing is sent any more; as curl, or a server that echoes what comes would wait for ever.
_REDIRECTED = 300


@implementer(IBodyProducer)
class Upload:
    """A body producer that tells when it is done: from then on the server is waited for.

    Args:
        content: what is sent.
        call: whose body it is.
        expects: whether the server is to give leave first.
    """

    def __init__(self, content: Content, call: Call, expects: bool) -> None:
        self._content = content
        self._producer = content.producer()
        self._call = call
        self.is_expecting = expects
        self.length = self._producer.length
        self._consumer: Any = None
        self._leave: Any = None
        self._done: Deferred[None] | None = None

    def startProducing(self, consumer: Any) -> Deferred[None]:
        """Begin, or wait for leave to."""
        self._consumer = consumer
        if not self.is_expecting:
            return self._begin()
        self._leave = self._call.reactor.callLater(_LEAVE_S, self._go_on)
        self._done = Deferred(lambda _: self.stopProducing())
        return self._done

    def informational_received(self, code: int) -> None:
        """Know that the server gives leave."""
        if code == _CONTINUE:
            self._go_on()

    def answered(self, code: int) -> None:
        """Know that the server has answered without giving leave: it may want the body all the same, but not for an error."""
        if code < _REDIRECTED:
            self._go_on()
        else:
            self._stop_waiting()

    def _stop_waiting(self) -> bool:
        """Tell whether leave was waited for, and wait no more."""
        leave, self._leave = self._leave, None
        if leave is not None and leave.active():
            leave.cancel()
        return leave is not None

    def _go_on(self) -> None:
        if self._stop_waiting():
            assert self._done is not None
            self._begin().chainDeferred(self._done)

    def _begin(self) -> Deferred[None]:
        self._content.is_begun = True
        done: Deferred[None] = self._producer.startProducing(self._consumer)

        def written(result: None) -> None:
            if self._call.stage == "request":
                self._call.await_response()

        return done.addCallback(written)

    def pauseProducing(self) -> None:
        """Hold the body back."""
        if self._content.is_begun:
            self._producer.pauseProducing()

    def resumeProducing(self) -> None:
        """Let the body go on."""
        if self._content.is_begun:
            self._producer.resumeProducing()

    def stopProducing(self) -> None:
        """Let go of the body; of one that has not begun nothing is touched."""
        if not self._stop_waiting():
            self._producer.stopProducing()
