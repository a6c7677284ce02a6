"""`twisted.internet.win32eventreactor`: Selvage's reactor under this name; how it waits is the loop's affair."""

from selvage.reactor import Reactor as Win32Reactor
from selvage.reactor._install import install_win32 as install

__all__ = ["Win32Reactor", "install"]
