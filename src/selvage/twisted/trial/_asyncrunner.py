"""`twisted.trial._asyncrunner`: it is `selvage.testing.trial._asyncrunner` itself, for programs replace names in it."""

import sys

from selvage.testing.trial import _asyncrunner

sys.modules[__name__] = _asyncrunner
