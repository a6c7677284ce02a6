"""`twisted.internet.posixbase`: the base of reactors that wait for descriptors themselves."""

from selvage.reactor._platform import PLATFORM_TYPE as platformType
from selvage.reactor._posixbase import PosixReactorBase as PosixReactorBase

__all__ = ["PosixReactorBase", "platformType"]
