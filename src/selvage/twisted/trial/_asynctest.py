"""`twisted.trial._asynctest`: it is `selvage.testing.trial._asynctest` itself, for programs replace names in it."""

import sys

from selvage.testing.trial import _asynctest

sys.modules[__name__] = _asynctest
