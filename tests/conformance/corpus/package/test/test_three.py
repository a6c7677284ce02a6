import nothing_of_that_name  # noqa: F401
from twisted.trial import unittest


class Cases(unittest.TestCase):
    def test_it(self): ...
