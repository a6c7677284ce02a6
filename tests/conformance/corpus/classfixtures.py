from twisted.trial import unittest

said = []


def setUpModule():
    said.append("module")


class Shared(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = 1

    def test_it(self):
        self.assertEqual(self.made, 1)


class Module(unittest.TestCase):
    def test_it(self):
        self.assertEqual(said, ["module"])


class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        1 / 0

    def test_it(self): ...


class BrokenTearDown(unittest.TestCase):
    @classmethod
    def tearDownClass(cls):
        1 / 0

    def test_it(self): ...


class Skipping(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise unittest.SkipTest("so")

    def test_it(self): ...
