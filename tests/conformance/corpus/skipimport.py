from twisted.trial import unittest

raise unittest.SkipTest("so")
