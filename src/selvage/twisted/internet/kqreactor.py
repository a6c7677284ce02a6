"""`twisted.internet.kqreactor`: Selvage's reactor under this name; how it waits is the loop's affair."""

from selvage.reactor import Reactor as KQueueReactor
from selvage.reactor._install import install_kqueue as install

__all__ = ["KQueueReactor", "install"]
