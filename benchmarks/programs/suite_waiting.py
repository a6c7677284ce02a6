"""100 tests, each of which waits for a twentieth of a second; run by twisted_trial.py."""

from twisted.internet import reactor, task
from twisted.trial import unittest


class WaitingTests(unittest.TestCase):
    pass


def waiting(self):
    return task.deferLater(reactor, 0.05, lambda: None)


for number in range(100):
    setattr(WaitingTests, f"test_{number:02}", waiting)
