"""`twisted.trial.unittest`: it is `selvage.testing.trial.unittest` itself, for programs replace names in it."""

import sys

from selvage.testing.trial import unittest

sys.modules[__name__] = unittest
