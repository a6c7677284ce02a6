"""`twisted.internet.reactor`: importing it installs the default reactor, if none is, and gives that."""

import sys

del sys.modules[__name__]

from twisted.internet import default  # noqa: E402

default.install()
