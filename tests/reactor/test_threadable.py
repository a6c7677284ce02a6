"""The reactor's thread, locked methods, and dynamic scopes."""

from __future__ import annotations

import pickle
import sys
import threading

from selvage import _context as context
from selvage.reactor import _threadable as threadable


def test_the_reactors_thread():
    threadable.registerAsIOThread()
    assert threadable.isInIOThread()
    elsewhere = []
    thread = threading.Thread(target=lambda: elsewhere.append(threadable.isInIOThread()))
    thread.start()
    thread.join()
    assert elsewhere == [False]
    assert threadable.getThreadID() == threading.get_ident()
    threadable.init(1)


def test_locked_methods_do_not_overlap():
    class Account:
        synchronized = ["move", "twice"]
        x, y = -1, 1

        def move(self):
            for _ in range(10):
                self.x, self.y = self.y, self.x
                assert self.x + self.y == 0

        def twice(self):
            self.move()
            self.move()

    threadable.synchronize(Account)
    assert Account.move.__name__ == "move"
    account = Account()
    errors = []

    def work():
        try:
            for _ in range(200):
                account.twice()
        except AssertionError as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-7)
    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert errors == []


def test_locks_can_be_pickled():
    for lock in (threadable.XLock(), threadable.DummyLock()):
        assert isinstance(pickle.loads(pickle.dumps(lock)), threadable.XLock)


def test_scopes_hold_for_the_calls_below():
    assert context.get("key") is None
    assert context.get("key", 5) == 5

    def inner():
        return context.call({"other": 2}, lambda: (context.get("key"), context.get("other")))

    assert context.call({"key": 1}, inner) == (1, 2)
    assert context.get("key") is None


def test_scopes_end_with_an_error():
    try:
        context.call({"key": 1}, lambda: 1 / 0)
    except ZeroDivisionError:
        pass
    assert context.get("key") is None


def test_defaults_hold_everywhere():
    context.setDefault("colour", "red")
    try:
        seen = []
        thread = threading.Thread(target=lambda: seen.append(context.get("colour")))
        thread.start()
        thread.join()
        assert (seen, context.get("colour")) == (["red"], "red")
        assert context.call({"colour": "blue"}, context.get, "colour") == "blue"
    finally:
        del context.defaultContextDict["colour"]


def test_the_tracker_can_be_replaced():
    previous = context.theContextTracker
    mine = context.ContextTracker()
    context.installContextTracker(mine)
    try:
        mine.contexts.append({"key": "mine"})
        assert context.get("key") == "mine"
    finally:
        context.installContextTracker(previous)
