"""`twisted.web._responses`: status codes and their phrases."""

from selvage.web._status import *  # noqa: F403
from selvage.web._status import _CONTINUE as _CONTINUE
