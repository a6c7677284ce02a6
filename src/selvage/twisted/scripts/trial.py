"""`twisted.scripts.trial`: it is `selvage.testing.trial.command` itself, for programs replace names in it."""

import sys

from selvage.testing.trial import command

sys.modules[__name__] = command
