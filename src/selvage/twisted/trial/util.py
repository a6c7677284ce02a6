"""`twisted.trial.util`: it is `selvage.testing.trial.util` itself, for programs replace names in it."""

import sys

from selvage.testing.trial import util

sys.modules[__name__] = util
