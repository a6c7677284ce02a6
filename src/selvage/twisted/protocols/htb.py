"""`twisted.protocols.htb`: token buckets."""

import sys

from selvage.protocols import htb

# Programs set the module's `time`, so they have to get the very module that reads it.
sys.modules[__name__] = htb
