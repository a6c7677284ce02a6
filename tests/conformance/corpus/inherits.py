from twisted.trial import unittest


class Mixin:
    def test_mixed(self): ...


class Base(Mixin, unittest.TestCase):
    def test_base(self): ...


class Derived(Base):
    def test_derived(self): ...

    test_mixed = None


class NoTests(unittest.TestCase): ...


class Init(unittest.TestCase):
    def __init__(self, *args):
        super().__init__(*args)
        raise RuntimeError("so")

    def test_it(self): ...
