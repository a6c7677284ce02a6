"""Addresses and the objects that stand at the two ends of connecting: connectors and listening ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NewType

from ._base import Interface, Protocol

if TYPE_CHECKING:
    from selvage.defer import Deferred

__all__ = ["Binding", "IAddress", "IConnector", "IListeningPort"]


class IAddress(Interface, Protocol):
    """An address: what `getHost` and `getPeer` return and `buildProtocol` receives.

    It has no members of its own. To learn host and port, ask for the class: `selvage.addresses.IPv4Address` and kin.
    """


class IConnector(Interface, Protocol):
    """One outgoing connection, from the attempt to the end; `connect` begins it again."""

    def stopConnecting(self) -> None:
        """Give up the attempt.

        Raises:
            NotConnectingError: no attempt is under way.
        """

    def disconnect(self) -> None:
        """End it, whatever its state: close the connection, or give up the attempt."""

    def connect(self) -> None:
        """Begin an attempt.

        Raises:
            RuntimeError: an attempt is under way or the connection stands.
        """

    def getDestination(self) -> IAddress:
        """Return the address that is or will be connected to."""


class IListeningPort(Interface, Protocol):
    """A socket that waits for connections or datagrams."""

    def startListening(self) -> None:
        """Bind and begin; an ordinary port has done so when it is handed out.

        Raises:
            CannotListenError: the address is taken, forbidden or not of this machine.
        """

    def stopListening(self) -> Deferred[Any] | None:
        """Stop accepting and release the socket; connections that stand go on.

        Returns: None when that is done at once, else a Deferred.
        Fires with None when the socket is closed.
        """

    def getHost(self) -> IAddress:
        """Return the address listened on, with the port number the system chose when 0 was asked for."""


class _Binding:
    """Where and how to bind: address, port and socket options, made by `makeBinding`. Cannot be changed."""

    __slots__ = ("__weakref__", "_address", "_port", "_reuseAddress", "_reusePort")

    _address: str | None  # IP literal; None for any
    _port: int  # 0 lets the system choose
    _reuseAddress: bool  # SO_REUSEADDR
    _reusePort: bool  # SO_REUSEPORT

    def __init__(
        self, address: str | None = None, port: int = 0, reuseAddress: bool = False, reusePort: bool = False
    ) -> None:
        put = object.__setattr__
        put(self, "_address", address)
        put(self, "_port", port)
        put(self, "_reuseAddress", reuseAddress)
        put(self, "_reusePort", reusePort)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Binding cannot be changed ({name!r}); make another one with makeBinding()")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Binding cannot be changed ({name!r}); make another one with makeBinding()")

    def _fields(self) -> tuple[str | None, int, bool, bool]:
        return (self._address, self._port, self._reuseAddress, self._reusePort)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Binding):
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __reduce__(self) -> tuple[type[_Binding], tuple[str | None, int, bool, bool]]:
        return (self.__class__, self._fields())

    def __repr__(self) -> str:
        return (
            f"_Binding(_address={self._address!r}, _port={self._port!r}, "
            f"_reuseAddress={self._reuseAddress!r}, _reusePort={self._reusePort!r})"
        )


Binding = NewType("Binding", _Binding)
"""What `makeBinding` returns and `listenTCP`, `connectTCP` take in place of a port or a bind address."""
