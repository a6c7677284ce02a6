import unittest


class Cases(unittest.TestCase):
    def test_passes(self): ...
    def test_fails(self):
        self.fail("so")

    def test_error(self):
        1 / 0

    def test_skips(self):
        self.skipTest("so")

    @unittest.expectedFailure
    def test_expected(self):
        self.fail("so")

    @unittest.expectedFailure
    def test_unexpected(self): ...
    def test_parts(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertNotEqual(number, 1)


class Asynchronous(unittest.IsolatedAsyncioTestCase):
    async def test_it(self): ...


class Fixtures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = 1

    def test_it(self):
        self.assertEqual(self.made, 1)


def function(): ...


function_case = unittest.FunctionTestCase(function)
