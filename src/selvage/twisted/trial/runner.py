"""`twisted.trial.runner`: it is `selvage.testing.trial.runner` itself, for programs replace names in it."""

import sys

from selvage.testing.trial import runner

sys.modules[__name__] = runner
