import gc

from twisted.internet import defer, reactor, task
from twisted.logger import Logger
from twisted.python import failure, log
from twisted.trial import unittest


class Cases(unittest.TestCase):
    def test_err(self):
        log.err(ValueError("so"))

    def test_two(self):
        log.err(ValueError("so"))
        log.err(KeyError("so"))

    def test_new(self):
        Logger().failure("so", failure.Failure(ValueError("so")))

    def test_flushed(self):
        log.err(ValueError("so"))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_others(self):
        log.err(ValueError("so"))
        self.flushLoggedErrors(KeyError)

    def test_unhandled(self):
        defer.fail(ValueError("so"))
        gc.collect()

    def test_timer(self):
        reactor.callLater(0, lambda: 1 / 0)
        return task.deferLater(reactor, 0.01, lambda: None)

    def test_text(self):
        log.err("only a text")

    def test_critical(self):
        Logger().critical("so")

    def test_fails_too(self):
        log.err(ValueError("so"))
        self.fail("so")

    def test_todo(self):
        log.err(ValueError("so"))

    test_todo.todo = "so"

    def tearDown(self): ...


class InTearDown(unittest.TestCase):
    def tearDown(self):
        log.err(ValueError("so"))

    def test_it(self): ...


class Synchronous(unittest.SynchronousTestCase):
    def test_err(self):
        log.err(ValueError("so"))

    def test_flushed(self):
        log.err(ValueError("so"))
        self.assertEqual(len(self.flushLoggedErrors()), 1)
