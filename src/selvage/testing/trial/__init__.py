"""Trial: tests of code that waits, and of how it fails.  Beside the floors.

    unittest      TestCase, SynchronousTestCase and what they raise
    reporter      who is told how tests go: trees, lines, dots, subunit, junit
    runner        finding tests and running them
    command       `selvage trial`, in the wing `python -m twisted.trial`
    util          what these have in common
    itrial        what they expect of each other

Twisted: `twisted.trial`.
"""

__all__ = ["command", "itrial", "reporter", "runner", "unittest", "util"]
