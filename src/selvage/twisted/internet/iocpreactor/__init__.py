"""`twisted.internet.iocpreactor`: Selvage's reactor under this name; how it waits is the loop's affair."""

from selvage.reactor._install import install_iocp as install

__all__ = ["install"]
