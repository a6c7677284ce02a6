"""`twisted.internet.asyncioreactor`: Selvage's reactor, which always runs on an asyncio loop."""

from selvage.reactor import Reactor as AsyncioSelectorReactor
from selvage.reactor._install import install_asyncio as install

__all__ = ["AsyncioSelectorReactor", "install"]
