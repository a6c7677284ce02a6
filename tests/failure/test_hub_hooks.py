"""What Python itself is left with: its hooks lead to the hub, and to those that were there before."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading

import pytest

from selvage.failure import hooks_installed, install_hooks, subscribe, uninstall_hooks

HOOKS = [(sys, "excepthook"), (threading, "excepthook"), (sys, "unraisablehook")]


@pytest.fixture
def before(monkeypatch):
    """Hooks of somebody else's, and what they were called with."""
    calls = []
    for module, name in HOOKS:
        monkeypatch.setattr(
            module, name, lambda *args, name=name, module=module: calls.append(f"{module.__name__}.{name}")
        )
    return calls


def in_a_thread(function):
    thread = threading.Thread(target=function, name="the thread")
    thread.start()
    thread.join()


def fail():
    raise ValueError("nobody catches it")


class Dropped:
    def __del__(self):
        raise KeyError("in a finalizer")


def drop():
    Dropped()
    gc.collect()


def test_a_thread(told, before):
    with hooks_installed():
        in_a_thread(fail)
    (got,) = told
    assert got.failure.check(ValueError)
    assert (got.source, got.message) == ("thread", "Uncaught exception in thread the thread")
    assert got.context == {"thread": "the thread"}
    assert "in fail" in got.failure.getTraceback()
    assert before == ["threading.excepthook"]


def test_a_thread_that_exits(told, before):
    with hooks_installed():
        in_a_thread(sys.exit)
    assert told == []


def test_a_finalizer(told, before):
    with hooks_installed():
        drop()
    (got,) = told
    assert got.failure.check(KeyError)
    assert got.source == "finalizer"
    assert got.message.startswith("Exception ignored in")
    assert "Dropped.__del__" in got.message
    assert all(isinstance(value, str) for value in got.context.values())
    assert before == ["sys.unraisablehook"]


def test_the_end_of_the_program(told, before):
    """As the interpreter calls it."""
    error = ValueError("at the end")
    with hooks_installed():
        sys.excepthook(ValueError, error, None)
        sys.excepthook(ValueError, error, None)
        sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert [(got.failure.value, got.source) for got in told] == [(error, "main")]
    assert before == ["sys.excepthook"] * 3


def test_hooks_are_put_back(before):
    there = [getattr(module, name) for module, name in HOOKS]
    install_hooks()
    install_hooks()
    uninstall_hooks()
    assert all(getattr(module, name) not in there for module, name in HOOKS)
    uninstall_hooks()
    assert [getattr(module, name) for module, name in HOOKS] == there
    with pytest.raises(RuntimeError, match="more often"):
        uninstall_hooks()


def test_somebody_elses_hook_over_ours_stays(told, before, monkeypatch):
    over = []
    install_hooks()
    ours = threading.excepthook
    monkeypatch.setattr(threading, "excepthook", lambda args: (over.append(args), ours(args)))
    uninstall_hooks()
    in_a_thread(fail)
    assert (len(over), before, told) == (1, ["threading.excepthook"], [])
    with hooks_installed():
        in_a_thread(fail)
    assert (len(over), before, len(told)) == (2, ["threading.excepthook"] * 2, 1)


def test_a_hook_that_is_given_nonsense(told, before):
    with hooks_installed():
        threading.excepthook(None)
    assert told[0].failure.check(AttributeError)
    assert before == ["threading.excepthook"]


def test_a_subscriber_that_raises_in_a_hook(told, before):
    subscribe(lambda record: 1 / 0)
    with hooks_installed():
        in_a_thread(fail)
    assert [got.failure.type for got in told] == [ValueError, ZeroDivisionError]
    assert before == ["threading.excepthook"]


# --- As a program has it ---------------------------------------------------------------------------------------

PROGRAM = """
import threading
from selvage.failure import install_hooks, recent, subscribe
install_hooks()
subscribe(lambda record: print(record.source, record.failure.type.__name__))

def fail():
    raise ValueError("in the thread")

class Dropped:
    def __del__(self):
        raise KeyError("in a finalizer")

thread = threading.Thread(target=fail)
thread.start()
thread.join()
Dropped()
1 / 0
"""


@pytest.mark.slow
def test_each_is_printed_once_and_heard_once():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["thread ValueError", "finalizer KeyError", "main ZeroDivisionError"]
    assert done.returncode == 1
    for words in ("ValueError: in the thread", "KeyError: 'in a finalizer'", "Error: division by zero"):
        assert done.stderr.count(words) == 1, done.stderr


RUNNING = """
import sys, threading
from selvage.failure import subscribe
from selvage.reactor import get_reactor
subscribe(lambda record: print(record.source, record.failure.type.__name__))
reactor = get_reactor()

def fail():
    raise ValueError

def start():
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    reactor.stop()

reactor.callWhenRunning(start)
hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
reactor.run()
assert hooks == (sys.excepthook, threading.excepthook, sys.unraisablehook)
"""


@pytest.mark.slow
def test_a_running_reactor_has_the_hooks():
    done = subprocess.run([sys.executable, "-c", RUNNING], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "thread ValueError\n"), done.stderr
