"""`install()` and `installReactor`, as Twisted's reactor modules have them.  Floor 2.

Whichever reactor a program asks for, it gets Selvage's: the names say how a reactor waits, and that is the loop's affair.
"""

from __future__ import annotations

import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any

from selvage.errors import ReactorAlreadyInstalledError

from . import _ambient
from ._platform import IS_LINUX, IS_MACOS, IS_WINDOWS

__all__ = [
    "install",
    "installReactor",
    "install_asyncio",
    "install_epoll",
    "install_function_for",
    "install_iocp",
    "install_kqueue",
    "install_poll",
    "install_select",
    "install_win32",
]


def installReactor(reactor: Any = None) -> None:
    """Make this what `from twisted.internet import reactor` gives; once a process, before anything imports that.

    Args:
        reactor: the ambient reactor by default.

    Raises:
        ReactorAlreadyInstalledError: there is one.
    """
    if _ambient._TWISTED_SLOT in sys.modules:
        raise ReactorAlreadyInstalledError(
            "a reactor is installed already: something has imported twisted.internet.reactor, which installs the "
            "default one; call install() before any such import"
        )
    if reactor is None:
        reactor = _ambient.own_reactor()
    sys.modules[_ambient._TWISTED_SLOT] = reactor
    package = sys.modules.get("twisted.internet")
    if package is not None:
        package.reactor = reactor  # type: ignore[attr-defined]
    _ambient.share_slot_with_twisted()


def install_asyncio(eventloop: AbstractEventLoop | None = None) -> None:
    """Install the reactor on a loop: `eventloop`, or the one set for this thread, or a new one.

    What asyncio makes from now on without being told a loop, futures and tasks, belongs to the reactor's.
    """
    reactor = _ambient.own_reactor()
    installReactor(reactor)
    if eventloop is not None:
        reactor._use_loop(eventloop, owned=False)
    else:
        reactor._settle()


def _named(module: str) -> Callable[[], None]:
    """Return an `install` that says it is that of a Twisted module: programs print where it comes from."""

    def install() -> None:
        """Install Selvage's reactor."""
        installReactor()

    install.__module__ = f"twisted.internet.{module}"
    install.__qualname__ = "install"
    return install


install_epoll = _named("epollreactor")
install_iocp = _named("iocpreactor.reactor")
install_kqueue = _named("kqreactor")
install_poll = _named("pollreactor")
install_select = _named("selectreactor")
install_win32 = _named("win32eventreactor")


def install_function_for(platform: Any) -> Callable[[], None]:
    """Return the `install` of the module that Twisted would choose on a platform.

    Args:
        platform: has `isLinux`, `isMacOSX` and `isWindows`, as `twisted.python.runtime.Platform` has.
    """
    if platform.isLinux():
        return install_epoll
    if platform.isMacOSX() or platform.isWindows():
        return install_select
    return install_poll


class _ThisPlatform:
    def isLinux(self) -> bool:
        return IS_LINUX

    def isMacOSX(self) -> bool:
        return IS_MACOS

    def isWindows(self) -> bool:
        return IS_WINDOWS


#: The `install` of the module that Twisted would choose here.
install = install_function_for(_ThisPlatform())
