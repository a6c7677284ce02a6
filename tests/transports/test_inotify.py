"""Changes to files, told by the kernel."""

from __future__ import annotations

import errno
import os
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from selvage.defer import Deferred
from selvage.transports import _inotify, inotify
from selvage.transports._inotify import Event, INotifyError, parse
from selvage.transports.inotify import INotify, humanReadableMask

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify is Linux's")


@pytest.fixture
def notifier(reactor):
    notifier = INotify(reactor)
    notifier.startReading()
    yield notifier
    notifier.loseConnection()


class Heard:
    """A callback that keeps what it is told, and says when something in particular came."""

    def __init__(self):
        self.told = []
        self._awaited = None

    def __call__(self, watch, path, mask):
        self.told.append((str(path), humanReadableMask(mask)))
        if self._awaited is not None and (str(path), humanReadableMask(mask)) == self._awaited[0]:
            (_, done), self._awaited = self._awaited, None
            done.callback(None)

    def of(self, path, *names):
        """Fire when `path` has been told of."""
        done = Deferred()
        if (str(path), list(names)) in self.told:
            done.callback(None)
        else:
            self._awaited = ((str(path), list(names)), done)
        return done


def test_tells_what_happens_in_a_directory(notifier, run, tmp_path):
    async def main():
        heard = Heard()
        assert notifier.watch(tmp_path, callbacks=[heard]) > 0
        (tmp_path / "letter").write_bytes(b"dear")
        (tmp_path / "letter").rename(tmp_path / "post")
        await heard.of(tmp_path / "post", "moved_to")
        assert heard.told == [
            (str(tmp_path / "letter"), ["create"]),
            (str(tmp_path / "letter"), ["modify"]),
            (str(tmp_path / "letter"), ["moved_from"]),
            (str(tmp_path / "post"), ["moved_to"]),
        ]

    run(main)


@pytest.mark.parametrize("kind", [str, os.fsencode, Path])
def test_paths_come_in_any_kind(notifier, run, tmp_path, kind):
    async def main():
        told = Deferred()
        notifier.watch(kind(tmp_path), mask=inotify.IN_CREATE, callbacks=[lambda *args: told.callback(args)])
        (tmp_path / "x").touch()
        watch, path, mask = await told
        assert (watch.path, path, mask) == (tmp_path, tmp_path / "x", inotify.IN_CREATE)
        notifier.ignore(kind(tmp_path))
        with pytest.raises(KeyError, match="is not watched"):
            notifier.ignore(kind(tmp_path))

    run(main)


def test_callback_that_raises_is_reported_and_hinders_nobody(notifier, run, tmp_path, reports):
    async def main():
        heard = Heard()
        notifier.watch(tmp_path, callbacks=[lambda *_: 1 / 0, heard])
        (tmp_path / "one").touch()
        (tmp_path / "two").touch()
        await heard.of(tmp_path / "two", "create")
        assert notifier.connected

    run(main)
    assert [report.failure.type for report in reports][:1] == [ZeroDivisionError]
    assert "Unhandled error when told of" in reports[0].message
    reports.clear()


def test_directories_that_appear_are_watched(notifier, run, tmp_path):
    """Also what was made in them before we came to watch them is told of."""

    async def main():
        heard = Heard()
        notifier.watch(tmp_path, mask=inotify.IN_CREATE, callbacks=[heard], autoAdd=True)
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a" / "b" / "early").touch()
        await heard.of(tmp_path / "a" / "b" / "early", "create")
        (tmp_path / "a" / "b" / "late").touch()
        await heard.of(tmp_path / "a" / "b" / "late", "create")

    run(main)


def test_auto_add_does_not_need_to_be_told_of_directories(notifier, run, tmp_path):
    """The kernel is asked for what we need; callbacks hear what they asked for."""

    async def main():
        heard = Heard()
        notifier.watch(tmp_path, mask=inotify.IN_ATTRIB, callbacks=[heard], autoAdd=True)
        (tmp_path / "a").mkdir()
        done = Deferred()
        notifier.reactor.callLater(0, done.callback, None)
        while not notifier._isWatched(tmp_path / "a"):
            await done
            done = Deferred()
            notifier.reactor.callLater(0, done.callback, None)
        (tmp_path / "a").chmod(0o700)
        await heard.of(tmp_path / "a", "attrib", "is_dir")
        assert all("create" not in names for _, names in heard.told)

    run(main)


def test_directory_that_moves_is_known_by_its_new_name(notifier, run, tmp_path):
    async def main():
        heard = Heard()
        (tmp_path / "old" / "in").mkdir(parents=True)
        notifier.watch(tmp_path, callbacks=[heard], autoAdd=True, recursive=True)
        (tmp_path / "old").rename(tmp_path / "new")
        await heard.of(tmp_path / "new", "moved_to", "is_dir")
        (tmp_path / "new" / "in" / "x").touch()
        await heard.of(tmp_path / "new" / "in" / "x", "create")
        assert not notifier._isWatched(tmp_path / "old")
        assert not notifier._isWatched(tmp_path / "old" / "in")

    run(main)


def test_recursion_does_not_follow_links(notifier, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    notifier.watch(tmp_path, recursive=True)
    assert repr(notifier) == "<INotify open, 2 watched>"


def test_closes_when_the_last_is_deleted(notifier, run, tmp_path):
    """Not when the first is."""

    async def main():
        heard = Heard()
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            notifier.watch(tmp_path / name, callbacks=[heard])
        (tmp_path / "one").rmdir()
        await heard.of(tmp_path / "one", "delete_self")
        assert notifier.connected
        (tmp_path / "two").rmdir()
        await heard.of(tmp_path / "two", "delete_self")

    run(main)
    assert repr(notifier) == "<INotify closed, 0 watched>"
    assert notifier.fileno() == -1


def test_oneshot_watch_is_over_after_one_event(notifier, run, tmp_path):
    async def main():
        heard = Heard()
        other = Heard()
        (tmp_path / "a").mkdir()
        notifier.watch(tmp_path, callbacks=[heard], mask=inotify.IN_CREATE | inotify.IN_ONESHOT)
        notifier.watch(tmp_path / "a", callbacks=[other])
        (tmp_path / "x").touch()
        (tmp_path / "y").touch()
        (tmp_path / "a" / "z").touch()
        await other.of(tmp_path / "a" / "z", "create")
        assert heard.told == [(str(tmp_path / "x"), ["create"])]
        assert not notifier._isWatched(tmp_path)

    run(main)


def test_callback_may_close(notifier, run, tmp_path):
    async def main():
        closed = Deferred()

        def close(watch, path, mask):
            notifier.loseConnection()
            closed.callback(path)  # a second call would raise

        notifier.watch(tmp_path, callbacks=[close])
        (tmp_path / "one").touch()
        (tmp_path / "two").touch()
        assert await closed == tmp_path / "one"

    run(main)


def test_watching_twice_is_watching_once(notifier, tmp_path):
    first, second = Heard(), Heard()
    assert notifier.watch(tmp_path, callbacks=[first]) == notifier.watch(tmp_path, callbacks=[second])
    assert notifier._watches[1].callbacks == [first]


def test_lost_events_are_told_to_everybody(notifier, tmp_path):
    one, two = Heard(), Heard()
    (tmp_path / "a").mkdir()
    notifier.watch(tmp_path, callbacks=[one])
    notifier.watch(tmp_path / "a", callbacks=[two])
    packed = struct.pack("@iIII", -1, inotify.IN_Q_OVERFLOW, 0, 0)
    reader, writer = os.pipe()
    os.write(writer, packed)
    os.close(writer)
    real, notifier._fd = notifier._fd, reader
    notifier.doRead()
    notifier._fd = real
    os.close(reader)
    assert one.told == [(str(tmp_path), ["queue_overflow"])]
    assert two.told == [(str(tmp_path / "a"), ["queue_overflow"])]


def test_what_is_not_there_cannot_be_watched(notifier, tmp_path):
    with pytest.raises(INotifyError, match="nowhere' cannot be watched: No such file or directory") as caught:
        notifier.watch(tmp_path / "nowhere")
    assert caught.value.errno == errno.ENOENT


class FullKernel:
    """The system's calls where a user has reached the limit."""

    def __init__(self, free):
        self.free = free

    init, remove = _inotify.init, _inotify.remove

    def add(self, descriptor, path, mask):
        if not self.free:
            raise INotifyError(errno.ENOSPC, f"{path!r} cannot be watched")
        self.free -= 1
        return _inotify.add(descriptor, path, mask)


def test_directory_that_cannot_be_added_is_reported(notifier, tmp_path, reports):
    """Nobody called us who could be told."""
    for name in "abc":
        (tmp_path / name).mkdir()
    notifier._inotify = FullKernel(2)
    notifier.watch(tmp_path, recursive=True)
    assert len(reports) == 2
    assert reports[0].failure.check(INotifyError)
    assert "is not watched" in reports[0].message
    reports.clear()


def test_limit_is_named(monkeypatch):
    monkeypatch.setattr(_inotify.ctypes, "get_errno", lambda: errno.ENOSPC)
    assert "fs.inotify.max_user_watches" in str(
        _inotify._error("x cannot be watched", " (fs.inotify.max_user_watches)")
    )


def test_absent_system_call_is_named():
    with pytest.raises(INotifyError, match="the C library has no inotify_init17"):
        _inotify._function("inotify_init17")


def test_error_when_closing_is_reported(reactor, reports):
    notifier = INotify(reactor)
    os.close(notifier._fd)
    notifier.loseConnection()
    notifier.loseConnection()
    assert [report.message for report in reports] == ["Couldn't close an inotify descriptor"]
    reports.clear()


def test_default_mask_is_twisteds():
    assert inotify.IN_WATCH_MASK == 12230
    assert humanReadableMask(inotify.IN_CLOSE | inotify.IN_ISDIR) == [
        "close_write",
        "close_nowrite",
        "is_dir",
    ]


names = st.binary(max_size=40).map(lambda name: name.replace(b"\0", b"x"))
numbers = st.integers(0, 2**32 - 1)
told = st.lists(st.builds(Event, st.integers(-1, 2**31 - 1), numbers, numbers, names), max_size=8)


def packed(event):
    name = event.name + b"\0" * (16 - len(event.name) % 16) if event.name else b""
    return struct.pack("@iIII", event.watch, event.mask, event.cookie, len(name)) + name


@settings(deadline=None)
@given(told, st.integers(0, 600))
def test_events_are_the_same_however_they_are_cut(events, cut):
    data = b"".join(map(packed, events))
    first, rest = parse(data[:cut])
    second, nothing = parse(rest + data[cut:])
    assert first + second == events
    assert nothing == b""


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_events_and_a_rest(data):
    events, rest = parse(data)
    assert data.endswith(rest)
    assert len(rest) + 16 * len(events) <= len(data)
