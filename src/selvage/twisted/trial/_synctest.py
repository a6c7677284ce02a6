"""`twisted.trial._synctest`: it is `selvage.testing.trial._synctest` itself, for programs replace names in it."""

import sys

from selvage.testing.trial import _synctest

sys.modules[__name__] = _synctest
