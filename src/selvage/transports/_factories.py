"""Leniency towards factories: what merely names a protocol is enough.  Floor 2.

class EchoFactory:
    protocol = Echo

reactor.listenTCP(8000, EchoFactory())    # or the class itself
reactor.connectTCP(host, 8000, Echo.make)   # or a function that returns a protocol, or None for none
"""

from __future__ import annotations

from typing import Any

__all__ = ["as_factory"]


class _PlainFactory:
    """Gives a class or object that has only a `protocol` the methods that ports and connectors call.

    Whatever else is asked of it is answered by the wrapped object.
    """

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)

    def __repr__(self) -> str:
        return repr(self._plain)

    def _call(self, name: str, *args: Any) -> Any:
        hook = getattr(self._plain, name, None)
        return None if hook is None else hook(*args)

    def doStart(self) -> None:
        self._call("startFactory")

    def doStop(self) -> None:
        self._call("stopFactory")

    def buildProtocol(self, addr: Any) -> Any:
        if hasattr(self._plain, "buildProtocol"):
            return self._plain.buildProtocol(addr)
        protocol = self._plain.protocol()
        protocol.factory = self._plain
        return protocol

    def startedConnecting(self, connector: Any) -> None:
        self._call("startedConnecting", connector)

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        self._call("clientConnectionFailed", connector, reason)

    def clientConnectionLost(self, connector: Any, reason: Any) -> None:
        self._call("clientConnectionLost", connector, reason)


class _FunctionFactory(_PlainFactory):
    """Lets a function without arguments build the protocols."""

    def buildProtocol(self, addr: Any) -> Any:
        protocol = self._plain()
        if protocol is not None:
            protocol.factory = self
        return protocol


def as_factory(factory: Any) -> Any:
    """Return `factory` itself when it is one, else something around it that is.

    Args:
        factory: a factory; or a class of factories, which is called; or any class or object with a `protocol`;
            or a function that is called without arguments for each connection and returns a protocol or None.

    Raises:
        TypeError: it can be made into none of these.
    """
    given = factory
    if isinstance(factory, type):
        try:
            factory = factory()
        except TypeError as error:
            error.add_note(f"{given!r} was called to make a factory: give a factory instead of its class")
            raise
    if hasattr(factory, "doStart"):
        return factory
    if hasattr(factory, "buildProtocol") or callable(getattr(factory, "protocol", None)):
        return _PlainFactory(factory)
    if callable(factory):
        return _FunctionFactory(factory)
    if hasattr(factory, "makeConnection"):
        kind = type(factory).__name__
        raise TypeError(
            f"{given!r} is a protocol, and a factory is needed, which makes one for each connection: "
            f"pass Factory.forProtocol({kind}), or a ClientFactory to connect"
        )
    # A resource of web pages is given so often that it is worth its own words, though this floor knows none.
    hint = "; a resource is served by Site(resource)" if hasattr(factory, "getChildWithDefault") else ""
    raise TypeError(
        f"{factory!r} is no factory: it needs buildProtocol(), or an attribute `protocol` that is a Protocol class; "
        f"a function that returns a protocol will do, too{hint}"
    )
