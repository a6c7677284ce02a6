"""Who has to wait for whom on a connection of HTTP/1.  Floor 4.

Reading pauses for three reasons, of which each is enough: input waits for an answer to be complete, the body waits for who reads it
(the request called `pause_body`), or the client does not take the answer (the transport called `pauseProducing`).
`_update_reading` brings the transport in line with them.

A client that does not take the answer has the request's producer wait as well, and gets no further ones; after `Limits.stall_s` in
which it takes nothing it is cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage.web._pull import _PullToPush

if TYPE_CHECKING:
    from selvage.logger import Logger
    from selvage.web._incoming import IncomingBody
    from selvage.web._limits import Limits

__all__ = ["BackPressure"]


class BackPressure:
    """The part of `HTTPChannel` that is a producer to the transport, and to requests what their producers write to."""

    _networkProducer: Any = None  # the transport, as far as it can be paused
    _requestProducer: Any = None
    _requestProducerStreaming: object = None
    _waitingForTransport = False
    _body_paused = False  # who reads the body has enough for now
    _reading_paused = False
    _watching = False  # the transport says when it is full
    _unread = False  # the client does not take its answers, so it gets no more of them
    _unwatched = 0  # bytes of answers since the transport was last looked at
    _stall: Any = None  # the delayed call that cuts the connection when the client takes nothing for too long

    # What `HTTPChannel` has.
    strict: bool
    limits: Limits
    callLater: Any
    getPeer: Any
    forceAbortClient: Any
    _log: Logger
    _consume: Any
    _consuming: bool
    _dataBuffer: bytes
    _ended: bool
    _handlingRequest: bool
    _optimisticEagerReadSize: int
    _transferDecoder: IncomingBody | None

    def _watch(self) -> None:
        """Have the transport say when it is full.

        With one of ours that is put off until there is something to say: most connections never have much to send, and
        what they send goes a quicker way while nobody watches (benchmarks: web hello).
        """
        if not self._watching and self._networkProducer is not None:
            self._watching = True
            self._networkProducer.registerProducer(self, True)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Have a request's producer write, as fast as the client takes it.

        Raises:
            RuntimeError: there is one already.
        """
        if self._requestProducer is not None:
            raise RuntimeError(
                f"Cannot register producer {producer} because producer {self._requestProducer} was never unregistered."
            )
        if not streaming:
            producer = _PullToPush(producer, self)
        self._watch()
        self._requestProducer = producer
        self._requestProducerStreaming = streaming
        if not streaming:
            producer.startStreaming()
        if self._waitingForTransport:
            producer.pauseProducing()

    def unregisterProducer(self) -> None:
        """Take notice that the request's producer is done; there need not be one."""
        producer, self._requestProducer = self._requestProducer, None
        if producer is not None and not self._requestProducerStreaming:
            producer.stopStreaming()
        self._requestProducerStreaming = None

    def stopProducing(self) -> None:
        """Have the request's producer stop: the connection is lost.  The transport calls this."""
        if self._requestProducer is not None:
            self._requestProducer.stopProducing()

    def pauseProducing(self) -> None:
        """Write and read no more for a while: the client does not take what is sent.  The transport calls this."""
        self._waitingForTransport = True
        self._unread = self.strict
        self._update_reading()
        if self.strict and self.limits.stall_s is not None and self._stall is None:
            self._stall = self.callLater(self.limits.stall_s, self._stalled)
        if self._requestProducer is not None:
            self._requestProducer.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on.  The transport calls this."""
        self._waitingForTransport = self._unread = False
        self._cancel_stall()
        if self._dataBuffer and not (self._handlingRequest or self._consuming or self._ended):
            data, self._dataBuffer = self._dataBuffer, b""
            self._consume(data)
        self._update_reading()
        if self._requestProducer is not None:
            self._requestProducer.resumeProducing()

    def _stalled(self) -> None:
        self._stall = None
        self._log.info("{peer} does not take what it is sent; cutting it off", peer=self.getPeer())
        self.forceAbortClient()

    def _cancel_stall(self) -> None:
        call, self._stall = self._stall, None
        if call is not None:
            call.cancel()

    def _update_reading(self) -> None:
        """Pause or resume reading, as there is a reason to pause or not."""
        wanted = (
            self._waitingForTransport
            or self._body_paused
            or (self._handlingRequest and len(self._dataBuffer) > self._optimisticEagerReadSize)
        )
        if self._transferDecoder is not None:
            self._transferDecoder.hold(wanted)
        if wanted != self._reading_paused and self._networkProducer is not None:
            self._reading_paused = wanted
            if wanted:
                self._networkProducer.pauseProducing()
            else:
                self._networkProducer.resumeProducing()

    def pause_body(self) -> None:
        """Read no more of a body that is streamed, for a while.  The request's body calls this."""
        self._body_paused = True
        self._update_reading()

    def resume_body(self) -> None:
        """Read on."""
        self._body_paused = False
        self._update_reading()
