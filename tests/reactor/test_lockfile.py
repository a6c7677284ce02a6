import errno
import os
import subprocess
import sys

import pytest

from selvage.defer import CancelledError, TimeoutError
from selvage.errors import AlreadyTryingToLockError
from selvage.reactor import DeferredFilesystemLock, FilesystemLock, _lockfile, get_reactor, isLocked
from selvage.tasks import Clock


@pytest.fixture
def name(tmp_path):
    return str(tmp_path / "lock")


@pytest.fixture
def clock():
    return Clock()


def dead_process():
    done = subprocess.Popen([sys.executable, "-c", "pass"])
    done.wait()
    return done.pid


def outcome(deferred):
    """Return the list of what has come: results and exceptions, without waiting."""
    came = []
    deferred.addCallbacks(came.append, lambda failure: came.append(failure.value))
    return came


def test_lock_is_taken_once_and_released(name):
    first, second = FilesystemLock(name), FilesystemLock(name)
    assert not isLocked(name)
    assert first.lock() and first.locked and first.clean
    assert not second.lock() and not second.locked
    assert isLocked(name)
    first.unlock()
    assert not first.locked and not isLocked(name)
    assert second.lock() and second.clean


def test_other_process_sees_the_lock(name):
    lock = FilesystemLock(name)
    assert lock.lock()
    program = "import sys; from selvage.reactor import isLocked; print(isLocked(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", program, name], capture_output=True, text=True)
    assert done.stdout.strip() == "True", done.stderr


def test_lock_of_a_dead_process_is_taken_over(name):
    os.symlink(str(dead_process()), name)
    lock = FilesystemLock(name)
    assert lock.lock()
    assert lock.clean is False
    assert os.readlink(name) == str(os.getpid())


def test_lock_released_while_we_look_is_taken_cleanly(name, monkeypatch):
    os.symlink("1", name)

    def released(path):
        monkeypatch.undo()
        os.remove(path)
        raise FileNotFoundError(errno.ENOENT, "gone")

    monkeypatch.setattr(_lockfile, "_holder", released)
    lock = FilesystemLock(name)
    assert lock.lock() and lock.clean


def test_lock_cleared_by_another_while_we_clear_it_is_taken_cleanly(name, monkeypatch):
    os.symlink(str(dead_process()), name)
    remove = os.remove

    def twice(path):
        monkeypatch.undo()
        remove(path)
        remove(path)

    monkeypatch.setattr(_lockfile.os, "remove", twice)
    lock = FilesystemLock(name)
    assert lock.lock() and lock.clean


def test_process_that_may_not_be_asked_for_is_an_error(name, monkeypatch):
    os.symlink("1", name)

    def refuse(process, signal):
        raise PermissionError(errno.EPERM, "not yours")

    monkeypatch.setattr(_lockfile.os, "kill", refuse)
    with pytest.raises(PermissionError):
        FilesystemLock(name).lock()


def test_unlock_refuses_what_is_not_ours(name):
    os.symlink(str(os.getppid()), name)
    with pytest.raises(ValueError, match=f"held by process {os.getppid()}"):
        FilesystemLock(name).unlock()
    os.remove(name)
    with pytest.raises(FileNotFoundError):
        FilesystemLock(name).unlock()


def test_link_to_something_else_is_no_lock(name):
    os.symlink("elsewhere", name)
    with pytest.raises(ValueError, match="is no lock"):
        FilesystemLock(name).lock()


def test_without_links_a_file_holds_the_number(name, tmp_path, monkeypatch):
    monkeypatch.setattr(_lockfile, "IS_WINDOWS", True)
    lock = FilesystemLock(name)
    assert lock.lock()
    assert (tmp_path / "lock").read_text() == str(os.getpid())
    assert not FilesystemLock(name).lock()
    lock.unlock()
    assert not os.path.exists(name)


def test_free_lock_is_taken_at_once(name, clock):
    lock = DeferredFilesystemLock(name, scheduler=clock)
    assert outcome(lock.deferUntilLocked(timeout=1)) == [None]
    assert lock.locked
    assert clock.getDelayedCalls() == []


def test_waiting_ends_when_the_lock_is_free(name, clock):
    holder = FilesystemLock(name)
    holder.lock()
    lock = DeferredFilesystemLock(name, scheduler=clock)
    came = outcome(lock.deferUntilLocked(timeout=10))
    clock.pump([1, 1])
    assert came == []
    holder.unlock()
    clock.advance(1)
    assert came == [None]
    assert clock.getDelayedCalls() == []


def test_waiting_ends_when_the_time_is_over(name, clock):
    FilesystemLock(name).lock()
    lock = DeferredFilesystemLock(name, scheduler=clock)
    came = outcome(lock.deferUntilLocked(timeout=5.5))
    clock.pump([1] * 6)
    assert isinstance(came[0], TimeoutError)
    assert "not free for 5.5 seconds" in str(came[0])
    assert clock.getDelayedCalls() == []
    assert not lock.locked


def test_second_wait_is_refused_and_the_first_goes_on(name, clock):
    holder = FilesystemLock(name)
    holder.lock()
    lock = DeferredFilesystemLock(name, scheduler=clock)
    first = outcome(lock.deferUntilLocked())
    second = outcome(lock.deferUntilLocked())
    assert isinstance(second[0], AlreadyTryingToLockError)
    holder.unlock()
    clock.advance(1)
    assert first == [None]
    lock.unlock()
    assert outcome(lock.deferUntilLocked()) == [None]


def test_cancelling_stops_trying(name, clock):
    FilesystemLock(name).lock()
    lock = DeferredFilesystemLock(name, scheduler=clock)
    waiting = lock.deferUntilLocked(timeout=3)
    came = outcome(waiting)
    waiting.cancel()
    assert isinstance(came[0], CancelledError)
    assert clock.getDelayedCalls() == []


def test_error_while_waiting_fails_the_deferred(name, clock):
    FilesystemLock(name).lock()
    lock = DeferredFilesystemLock(name, scheduler=clock)
    came = outcome(lock.deferUntilLocked(timeout=10))
    os.remove(name)
    os.symlink("elsewhere", name)
    clock.advance(1)
    assert isinstance(came[0], ValueError)
    assert clock.getDelayedCalls() == []


def test_waiting_uses_the_ambient_reactor_by_default(name):
    assert DeferredFilesystemLock(name)._scheduler is get_reactor()
