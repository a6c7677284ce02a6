"""Connections of which one needs only the protocol: `ClientCreator`.  Floor 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.protocols._factory import ClientFactory

__all__ = ["ClientCreator"]

P = TypeVar("P")


class _InstanceFactory(ClientFactory[P]):
    """Gives out one protocol, made beforehand, and fires a Deferred with it when it is connected.

    The Deferred fires on the reactor's next turn, so that the protocol's `connectionMade` has run and returned.
    """

    noisy = False

    def __init__(self, reactor: Any, instance: P, deferred: Deferred[P] | None) -> None:
        self.reactor = reactor
        self.instance = instance
        self.deferred = deferred
        #: The delayed call that will fire the Deferred, once the outcome is known.
        self.pending: Any = None

    def __repr__(self) -> str:
        return f"<ClientCreator factory: {self.instance!r}>"

    def buildProtocol(self, addr: Any) -> P:
        """Give out the one protocol and schedule the good news."""
        deferred, self.deferred = self.deferred, None
        if deferred is not None:
            self.pending = self.reactor.callLater(0, self._fire, deferred.callback, self.instance)
        return self.instance

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """Schedule the bad news."""
        deferred, self.deferred = self.deferred, None
        if deferred is not None:
            self.pending = self.reactor.callLater(0, self._fire, deferred.errback, reason)

    def _fire(self, tell: Callable[[Any], object], value: Any) -> None:
        self.pending = None
        tell(value)


class ClientCreator(Generic[P]):
    """Connects protocols that need no factory of their own.

    Args:
        reactor: makes the connections.
        protocolClass: called with `args` and `kwargs` for each connection.

    Each method fires with the connected protocol and fails with a `ConnectError`; cancelling abandons the attempt.

    Twisted: `twisted.internet.protocol.ClientCreator`.  New programs use an endpoint and `connectProtocol`.
    """

    def __init__(self, reactor: Any, protocolClass: Callable[..., P], *args: Any, **kwargs: Any) -> None:
        self.reactor = reactor
        self.protocolClass = protocolClass
        self.args = args
        self.kwargs = kwargs

    def _connect(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Deferred[P]:
        """Call `method` with `args`, the factory in the place of `_FACTORY`, and `kwargs`."""

        def cancel(_: Deferred[P]) -> None:
            if factory.pending is not None:
                factory.pending.cancel()
                factory.pending = None
            connector.disconnect()

        done: Deferred[P] = Deferred(cancel)
        factory = _InstanceFactory(self.reactor, self.protocolClass(*self.args, **self.kwargs), done)
        connector = method(*(factory if each is _FACTORY else each for each in args), **kwargs)
        return done

    def connectTCP(self, host: str, port: int, timeout: float = 30, bindAddress: Any = None) -> Deferred[P]:
        """Connect over TCP; the arguments are those of `reactor.connectTCP`."""
        return self._connect(
            self.reactor.connectTCP, host, port, _FACTORY, timeout=timeout, bindAddress=bindAddress
        )

    def connectUNIX(self, address: Any, timeout: float = 30, checkPID: bool = False) -> Deferred[P]:
        """Connect to a UNIX socket; the arguments are those of `reactor.connectUNIX`."""
        return self._connect(self.reactor.connectUNIX, address, _FACTORY, timeout=timeout, checkPID=checkPID)

    def connectSSL(
        self, host: str, port: int, contextFactory: Any, timeout: float = 30, bindAddress: Any = None
    ) -> Deferred[P]:
        """Connect over TLS; the arguments are those of `reactor.connectSSL`."""
        return self._connect(
            self.reactor.connectSSL,
            host,
            port,
            _FACTORY,
            contextFactory,
            timeout=timeout,
            bindAddress=bindAddress,
        )


# Stands where the reactor's method takes the factory.
_FACTORY = object()
