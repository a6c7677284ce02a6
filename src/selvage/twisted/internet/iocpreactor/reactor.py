"""`twisted.internet.iocpreactor.reactor`: Selvage's reactor under this name; how it waits is the loop's affair."""

from selvage.reactor import Reactor as IOCPReactor
from selvage.reactor._install import install_iocp as install

__all__ = ["IOCPReactor", "install"]
