"""`twisted.internet.selectreactor`: Selvage's reactor under this name; how it waits is the loop's affair."""

from select import select as _select  # noqa: F401

from selvage.reactor import Reactor as SelectReactor
from selvage.reactor._install import install_select as install

__all__ = ["SelectReactor", "install"]
