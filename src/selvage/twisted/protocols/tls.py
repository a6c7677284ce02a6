"""`twisted.protocols.tls`: it is `selvage.protocols.tls` itself, for programs replace names in it."""

import sys

from selvage.protocols import tls

sys.modules[__name__] = tls
