"""`twisted.internet.posixbase`: the base of reactors that wait for descriptors themselves."""

from selvage.reactor._fdset import (
    NO_FILEDESC as _NO_FILEDESC,  # noqa: F401
    NO_FILENO as _NO_FILENO,  # noqa: F401
    ContinuousPolling as _ContinuousPolling,  # noqa: F401
    DisconnectSelectableMixin as _DisconnectSelectableMixin,  # noqa: F401
    PollLikeMixin as _PollLikeMixin,  # noqa: F401
)
from selvage.reactor._platform import PLATFORM_TYPE as platformType
from selvage.reactor._posixbase import PosixReactorBase as PosixReactorBase, Waker as _Waker  # noqa: F401

__all__ = ["PosixReactorBase", "platformType"]
