"""`twisted.python.log`: it is `selvage.logger.classic` itself, for programs replace names in it."""

import sys

from selvage.logger import classic

sys.modules[__name__] = classic
