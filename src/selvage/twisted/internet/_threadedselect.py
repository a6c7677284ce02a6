"""`twisted.internet._threadedselect`: Selvage's reactor under this name."""

from selvage.reactor import Reactor as ThreadedSelectReactor
from selvage.reactor._install import install_select as install

__all__ = ["ThreadedSelectReactor", "install"]
