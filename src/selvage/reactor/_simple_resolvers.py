"""Resolvers of the older kind, by `socket.gethostbyname`, and the part of a reactor that holds its resolver.  Floor 2."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import partial
from socket import AF_INET
from typing import Any

from zope.interface import implementer

from selvage._hostnames import ascii_name
from selvage.defer import Deferred, fail, succeed
from selvage.failure import Failure
from selvage.interfaces import (
    IHostnameResolver,
    IReactorPluggableNameResolver,
    IReactorPluggableResolver,
    IResolverSimple,
)

from ._resolver import literal_family
from ._resolver_adapters import ComplexResolverSimplifier, SimpleResolverComplexifier, no_address
from ._threads import deferToThreadPool

__all__ = ["BlockingResolver", "PluggableResolverMixin", "ThreadedResolver"]

# Seconds that a look-up without timeouts may take: what Twisted grants.
_DEFAULT_TIMEOUT_S = 60


@implementer(IResolverSimple)
class BlockingResolver:
    """Resolves by `socket.gethostbyname`, here and now: everything else waits."""

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:
        """Look up one IPv4 address; see `IResolverSimple`."""
        try:
            address = socket.gethostbyname(ascii_name(name))
        except (OSError, UnicodeError) as error:
            return fail(no_address(name, error))
        return succeed(address)


@implementer(IResolverSimple)
class ThreadedResolver:
    """Resolves by `socket.gethostbyname` in the reactor's thread pool."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor

    def getHostByName(self, name: str, timeout: Sequence[int] = (1, 3, 11, 45)) -> Deferred[str]:
        """Look up one IPv4 address; see `IResolverSimple`.

        Args:
            timeout: the look-up may take as long as all of these together.
        """
        try:
            host = ascii_name(name)
        except UnicodeError as error:
            return fail(no_address(name, error))
        patience = sum(timeout) if timeout else _DEFAULT_TIMEOUT_S
        looked_up = deferToThreadPool(self.reactor, self.reactor.getThreadPool(), socket.gethostbyname, host)
        timer = self.reactor.callLater(patience, looked_up.cancel)

        def done(result: Any) -> Any:
            if timer.active():
                timer.cancel()
                if not isinstance(result, Failure):
                    return result
                if not result.check(OSError):
                    return result
                why = result.getErrorMessage()
            else:
                why = f"no answer within {patience} seconds"
            return Failure(no_address(name, why))

        return looked_up.addBoth(done)


@implementer(IReactorPluggableResolver, IReactorPluggableNameResolver)
class PluggableResolverMixin:
    """The part of a reactor that resolves names, with exchangeable resolvers.

    Attributes:
        resolver: the `IResolverSimple` in use.
    """

    resolver: Any = BlockingResolver()
    _nameResolver: Any = SimpleResolverComplexifier(resolver)

    def installResolver(self, resolver: IResolverSimple) -> IResolverSimple:
        """Use this resolver from now on; return the one that was used."""
        previous: IResolverSimple = self.resolver
        self.resolver = resolver
        self._nameResolver = SimpleResolverComplexifier(resolver)
        return previous

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Use this resolver from now on; return the one that was used."""
        previous: IHostnameResolver = self._nameResolver
        self._nameResolver = resolver
        self.resolver = ComplexResolverSimplifier(resolver)
        return previous

    @property
    def nameResolver(self) -> IHostnameResolver:
        """The `IHostnameResolver` in use."""
        resolver: IHostnameResolver = self._nameResolver
        return resolver

    def _resolve_simple(self, name: str, timeout: Sequence[int]) -> Deferred[str]:
        if not name:
            return succeed("0.0.0.0")
        if literal_family(name) == AF_INET:
            return succeed(name)
        try:
            # Only to say why; resolvers say no more than that there is no address.
            ascii_name(name.decode("ascii") if isinstance(name, bytes) else name)
        except UnicodeError as error:
            return fail(no_address(name, error))
        answer: Deferred[str] = self.resolver.getHostByName(name, timeout)
        if timeout and type(self.resolver) is ComplexResolverSimplifier and not answer.called:
            # The newer kind of resolver knows no timeout; one of the older kind keeps it itself.
            reactor: Any = self
            answer.addTimeout(sum(timeout), reactor, partial(_no_answer, name))
        return answer


def _no_answer(name: str, result: object, patience: float) -> Failure:
    return Failure(no_address(name, f"no answer within {patience} seconds"))
