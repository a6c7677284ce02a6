# Guide 4.3.2. Mended: imports and handlers were missing, a handled error is not logged (there was nothing to flush), and flushLoggedErrors gives Failures, not texts.
"""Test how errors are handled, with trial: `selvage trial test_error_handling.py`, or run this file."""

from twisted.internet.defer import Deferred
from twisted.python import log
from twisted.python.failure import Failure
from twisted.trial import unittest


class MyTestCase(unittest.TestCase):
    def setUp(self):
        self.handled = []

    def handleSuccess(self, result):
        self.fail(f"did not expect to succeed with {result!r}")

    def handleError(self, failure):
        self.handled.append(failure.getErrorMessage())

    def testMyErrorHandling(self):
        result = Deferred()
        result.addCallback(self.handleSuccess)
        result.addErrback(self.handleError)
        # Simulate the error
        result.errback(Failure(Exception("An error occurred")))
        # Verify that it was handled, and therefore not logged
        self.assertEqual(self.handled, ["An error occurred"])
        self.assertEqual(self.flushLoggedErrors(), [])

    def testLoggedError(self):
        result = Deferred()
        result.addErrback(log.err, "While testing")
        result.errback(Failure(ValueError("logged")))
        [failure] = self.flushLoggedErrors(ValueError)
        self.assertEqual(failure.getErrorMessage(), "logged")


if __name__ == "__main__":
    import unittest as runner

    runner.main(verbosity=2)
