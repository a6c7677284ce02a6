"""`twisted.internet.epollreactor`: Selvage's reactor under this name; how it waits is the loop's affair."""

from selvage.reactor import Reactor as EPollReactor
from selvage.reactor._install import install_epoll as install

__all__ = ["EPollReactor", "install"]
