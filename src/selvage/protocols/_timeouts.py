"""Closing connections on which nothing happens.  Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from selvage.failure import Failure
from selvage.protocols._protocol import connectionDone
from selvage.protocols._wrapping import ProtocolWrapper, WrappingFactory, call_later, cancel

if TYPE_CHECKING:
    from selvage.interfaces import IAddress


__all__ = ["TimeoutFactory", "TimeoutMixin", "TimeoutProtocol"]


class TimeoutProtocol(ProtocolWrapper):
    """Closes when nothing was read or written for a while.

    Args:
        factory: its `callLater` gives the time.
        wrappedProtocol: the protocol.
        timeoutPeriod: seconds; None for no time-out.
    """

    def __init__(self, factory: Any, wrappedProtocol: Any, timeoutPeriod: float | None) -> None:
        super().__init__(factory, wrappedProtocol)
        self.timeoutCall: Any = None
        self.timeoutPeriod: float | None = None
        self.setTimeout(timeoutPeriod)

    def setTimeout(self, timeoutPeriod: float | None = None) -> None:
        """Close in `timeoutPeriod` seconds, None for never, unless something happens before."""
        self.cancelTimeout()
        self.timeoutPeriod = timeoutPeriod
        if timeoutPeriod is not None:
            self.timeoutCall = self.factory.callLater(timeoutPeriod, self.timeoutFunc)

    def cancelTimeout(self) -> None:
        """Do not close."""
        call, self.timeoutCall = self.timeoutCall, None
        if call is not None:
            cancel(call)

    def resetTimeout(self) -> None:
        """Begin to wait anew."""
        if self.timeoutCall is not None:
            self.timeoutCall.reset(self.timeoutPeriod)

    def timeoutFunc(self) -> None:
        """Hook: called when the time is up; the base version closes."""
        self.timeoutCall = None
        self.loseConnection()

    def write(self, data: bytes) -> None:
        """Begin to wait anew, and send."""
        self.resetTimeout()
        super().write(data)

    def writeSequence(self, seq: Iterable[bytes]) -> None:
        """Begin to wait anew, and send the joined pieces."""
        self.resetTimeout()
        super().writeSequence(seq)

    def dataReceived(self, data: bytes) -> None:
        """Begin to wait anew, and hand on."""
        self.resetTimeout()
        super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Stop waiting."""
        self.cancelTimeout()
        super().connectionLost(reason)


class TimeoutFactory(WrappingFactory[Any]):
    """Closes connections on which nothing happens.

    Args:
        wrappedFactory: builds the protocols.
        timeoutPeriod: seconds.  Half an hour is Twisted's figure.
    """

    protocol = TimeoutProtocol

    def __init__(self, wrappedFactory: Any, timeoutPeriod: float | None = 30 * 60) -> None:
        self.timeoutPeriod = timeoutPeriod
        super().__init__(wrappedFactory)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Wrap what the wrapped factory builds."""
        return self._wrap(self.wrappedFactory.buildProtocol(addr), self.timeoutPeriod)

    def callLater(self, period: float, func: Callable[[], object]) -> Any:
        """Hook: schedule `func` in `period` seconds."""
        return call_later(period, func)


class TimeoutMixin:
    """Mixed into a protocol: closes when the protocol has not called `resetTimeout` for a while.

    Call `setTimeout(seconds)` to begin, `resetTimeout()` when something good happens, and `setTimeout(None)` in
    `connectionLost`.
    """

    transport: Any
    #: The seconds to wait; None for no time-out.
    timeOut: float | None = None

    __timeoutCall: Any = None

    def callLater(self, period: float, func: Callable[[], object]) -> Any:
        """Hook: schedule `func` in `period` seconds."""
        return call_later(period, func)

    def resetTimeout(self) -> None:
        """Begin to wait anew."""
        if self.__timeoutCall is not None and self.timeOut is not None:
            self.__timeoutCall.reset(self.timeOut)

    def setTimeout(self, period: float | None) -> float | None:
        """Change the time to wait, and begin to wait anew.

        Args:
            period: seconds; None for no time-out.

        Returns: what it was before.
        """
        before, self.timeOut = self.timeOut, period
        call = self.__timeoutCall
        if call is None:
            if period is not None:
                self.__timeoutCall = self.callLater(period, self.__timedOut)
        elif period is None:
            self.__timeoutCall = None
            cancel(call)
        else:
            call.reset(period)
        return before

    def __timedOut(self) -> None:
        self.__timeoutCall = None
        self.timeoutConnection()

    def timeoutConnection(self) -> None:
        """Hook: called when the time is up; the base version closes."""
        self.transport.loseConnection()
