"""`twisted.internet.pollreactor`: Selvage's reactor under this name; how it waits is the loop's affair."""

from selvage.reactor import Reactor as PollReactor
from selvage.reactor._install import install_poll as install

__all__ = ["PollReactor", "install"]
