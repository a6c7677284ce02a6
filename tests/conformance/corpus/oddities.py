from twisted.trial import unittest


class S(unittest.SynchronousTestCase):
    def test_skips(self):
        raise unittest.SkipTest("so")

    test_skips.todo = "so"


class ST(unittest.SynchronousTestCase):
    def test_a(self): ...
    def tearDown(self):
        raise unittest.SkipTest("so")


class SC(unittest.SynchronousTestCase):
    def clean(self):
        raise unittest.SkipTest("so")

    def test_a(self):
        self.addCleanup(self.clean)


class A(unittest.TestCase):
    def test_skips(self):
        raise unittest.SkipTest("so")

    test_skips.todo = (ValueError, "so")


class ASk(unittest.TestCase):
    def test_skips(self):
        raise unittest.SkipTest("so")

    test_skips.todo = (unittest.SkipTest, "so")


class AT(unittest.TestCase):
    def test_a(self):
        self.fail("so")

    test_a.todo = "so"

    def tearDown(self):
        raise unittest.SkipTest("so")


class ASe(unittest.TestCase):
    def test_a(self):
        self.fail("so")

    test_a.todo = "so"

    def setUp(self):
        raise unittest.SkipTest("so")


class SSe(unittest.SynchronousTestCase):
    def test_a(self):
        self.fail("so")

    test_a.todo = "so"

    def setUp(self):
        raise unittest.SkipTest("so")


class KI(unittest.TestCase):
    def test_both(self): ...

    test_both.skip = "a"
    test_both.todo = "b"


class TN(unittest.TestCase):
    todo = "so"

    def test_none(self): ...

    test_none.todo = None

    def test_empty(self):
        self.fail("x")

    test_empty.todo = ""

    def test_num(self):
        self.fail("x")

    test_num.todo = 3


class SN(unittest.TestCase):
    skip = "so"

    def test_none(self): ...

    test_none.skip = None


class TimeoutNone(unittest.TestCase):
    timeout = None

    def test_none(self): ...
