import unittest as standard

from twisted.trial import unittest


class Cases(unittest.TestCase):
    def test_raises(self):
        raise unittest.SkipTest("so")

    def test_attribute(self): ...

    test_attribute.skip = "so"

    def test_empty(self): ...

    test_empty.skip = ""

    def test_none(self): ...

    test_none.skip = None

    @standard.skip("so")
    def test_decorated(self): ...
    @standard.skipIf(True, "so")
    def test_if(self): ...
    @standard.skipUnless(False, "so")
    def test_unless(self): ...
    def test_method(self):
        self.skipTest("so")

    async def test_coroutine(self):
        raise unittest.SkipTest("so")

    def test_no_reason(self):
        raise unittest.SkipTest

    def test_passes(self): ...


class Whole(unittest.TestCase):
    skip = "so"

    def test_one(self): ...
    def test_two(self):
        1 / 0

    def setUp(self):
        1 / 0


class InSetUp(unittest.TestCase):
    def setUp(self):
        raise unittest.SkipTest("so")

    def test_one(self): ...
    def tearDown(self):
        1 / 0


class InTearDown(unittest.TestCase):
    def tearDown(self):
        raise unittest.SkipTest("so")

    def test_one(self): ...
    def test_two(self):
        self.fail("so")


class InCleanup(unittest.TestCase):
    def clean(self):
        raise unittest.SkipTest("so")

    def test_one(self):
        self.addCleanup(self.clean)


@standard.skip("so")
class Decorated(unittest.TestCase):
    def test_one(self): ...
    def test_two(self):
        1 / 0
