"""`python -m twisted.trial`."""

import sys

from selvage.testing.trial.command import run

if __name__ == "__main__":
    sys.exit(run())
