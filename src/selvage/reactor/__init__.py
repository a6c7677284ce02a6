"""The reactor: time, threads, names, descriptors and sockets over any asyncio loop.  Floor 2.

    from selvage.reactor import get_reactor, run

`Reactor` is composed with the transports when it is first asked for; the rest of this package knows none.

Twisted: `twisted.internet.{reactor,base,threads,asyncioreactor}`, `twisted.python.threadpool`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage._publish import publish

from . import _ambient
from ._ambient import get_reactor, install_reactor
from ._base import ReactorBase
from ._caching_resolver import CachingResolver
from ._forks import ForkedReactorError
from ._install import install
from ._lockfile import DeferredFilesystemLock, FilesystemLock, isLocked
from ._resolver import GAIResolver, HostResolution
from ._resolver_adapters import ComplexResolverSimplifier, FirstOneWins, SimpleResolverComplexifier
from ._run import run
from ._simple_resolvers import BlockingResolver, PluggableResolverMixin, ThreadedResolver
from ._threadpool import ThreadPool
from ._threads import blockingCallFromThread, callMultipleInThread, deferToThread, deferToThreadPool
from ._time import DelayedCall

if TYPE_CHECKING:
    from ._compose import Reactor

__all__ = [
    "BlockingResolver",
    "CachingResolver",
    "ComplexResolverSimplifier",
    "DeferredFilesystemLock",
    "DelayedCall",
    "FilesystemLock",
    "FirstOneWins",
    "ForkedReactorError",
    "GAIResolver",
    "HostResolution",
    "PluggableResolverMixin",
    "Reactor",
    "ReactorBase",
    "SimpleResolverComplexifier",
    "ThreadPool",
    "ThreadedResolver",
    "blockingCallFromThread",
    "callMultipleInThread",
    "deferToThread",
    "deferToThreadPool",
    "get_reactor",
    "install",
    "install_reactor",
    "isLocked",
    "run",
]


def _composed() -> type[Reactor]:
    # The transports import leaf modules of this package, and so this module: it cannot import them while it is made.
    from ._compose import Reactor

    Reactor.__module__ = __name__
    return Reactor


def __getattr__(name: str) -> Any:
    if name == "Reactor":
        value = globals()[name] = _composed()
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_ambient.make_reactor = lambda: _composed()(_lazy=True)

publish({**globals(), "__all__": [name for name in __all__ if name != "Reactor"]})
