"""Log files that are put aside."""

from __future__ import annotations

import os
import pickle
import stat
import threading
import time

import pytest

from selvage.logger import Logger, LogPublisher, textFileLogObserver
from selvage.logger.files import BaseLogFile, DailyLogFile, LogFile


def content(path):
    return path.read_bytes().decode()


@pytest.fixture
def made(tmp_path):
    """Makes files and closes them."""
    opened = []

    def make(kind=LogFile, *args, **kwargs):
        file = kind("x.log", str(tmp_path), *args, **kwargs)
        opened.append(file)
        return file

    yield make
    for file in opened:
        file.close()


def test_what_is_written_is_there_at_once(made, tmp_path):
    file = made()
    file.write("stra\u00dfe \ud800")
    file.write(b"\xff")
    assert (tmp_path / "x.log").read_bytes() == b"stra\xc3\x9fe \\ud800\xff"
    assert file.size == os.path.getsize(file.path)


def test_a_file_is_continued(made, tmp_path):
    (tmp_path / "x.log").write_text("before\n")
    file = made()
    assert file.size == 7
    file.write("after\n")
    assert content(tmp_path / "x.log") == "before\nafter\n"


def test_a_full_file_is_put_aside_before_the_next_write(made, tmp_path):
    file = made(rotateLength=10, maxRotatedFiles=2)
    for text in "1234567890", "a" * 11, "b" * 10, "c":
        file.write(text)
    assert file.listLogs() == [1, 2]
    assert content(tmp_path / "x.log") == "c"
    assert content(tmp_path / "x.log.1") == "b" * 10
    assert content(tmp_path / "x.log.2") == "a" * 11


@pytest.mark.parametrize("length", [None, 0])
def test_a_file_may_never_be_full(made, length):
    file = made(rotateLength=length)
    file.write("x" * 100_000)
    assert not file.shouldRotate()


def test_files_that_were_put_aside_are_read(made):
    file = made()
    for text in "one\n", "two\n":
        file.write(text + text)
        file.rotate()
    file.write("three\n")
    for number, text in (1, "two\n"), (2, "one\n"):
        reader = file.getLog(number)
        assert reader.readLines(1) == [text]
        assert reader.readLines() == [text]
        assert reader.readLines() == reader.readLines(0) == []
        reader.close()
    reader = file.getCurrentLog()
    assert reader.readLines() == ["three\n"]
    reader.close()
    with pytest.raises(ValueError, match=r"there are \[1, 2\]"):
        file.getLog(3)
    with pytest.raises(TypeError):
        file.getLog("1")


def test_other_files_are_not_counted(made, tmp_path):
    for name in "x.log.0", "x.log.1", "x.log.old", "x.log.2.gz", "x.log.\u0663", "y.log.4":
        (tmp_path / name).touch()
    assert made().listLogs() in ([1], [1, 3])  # a digit is a digit, in any script


def test_permissions_are_kept_or_given(made, tmp_path):
    path = tmp_path / "x.log"
    path.touch()
    path.chmod(0o604)
    file = made()
    file.write("x")
    file.rotate()
    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    other = LogFile("y.log", str(tmp_path), defaultMode=0o640)
    assert stat.S_IMODE((tmp_path / "y.log").stat().st_mode) == 0o640
    other.close()


def test_a_file_is_never_open_to_more_than_it_shall_be(tmp_path, monkeypatch):
    """Not even between the moment it is made and the moment its permissions are set."""
    born = []
    real = os.open

    def noting(path, flags, mode):
        descriptor = real(path, flags, mode)
        born.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    monkeypatch.setattr(os, "open", noting)
    before = os.umask(0)
    try:
        LogFile("y.log", str(tmp_path), defaultMode=0o600).close()
    finally:
        os.umask(before)
    assert born == [0o600]


def test_another_program_may_put_it_aside(made, tmp_path):
    file = made()
    file.write("one")
    os.rename(tmp_path / "x.log", tmp_path / "aside")
    file.reopen()
    file.write("two")
    assert content(tmp_path / "aside") == "one"
    assert content(tmp_path / "x.log") == "two"


def test_a_name_that_is_taken_away_does_not_end_the_log(made, tmp_path, monkeypatch):
    """Rotating fails once; what is written afterwards is in the file."""
    file = made()
    file.write("one")

    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(OSError):
        file.rotate()
    file.write("two")
    assert content(tmp_path / "x.log") == "onetwo"


def test_from_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = LogFile.fromFullPath("x.log", 10, maxRotatedFiles=1)
    assert (file.path, file.rotateLength, file.maxRotatedFiles) == (str(tmp_path / "x.log"), 10, 1)
    assert repr(file) == f"<LogFile {str(tmp_path / 'x.log')!r}>"
    file.close()
    assert file.closed and repr(file).endswith("(closed)>")


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        LogFile("x.log", str(tmp_path / "nowhere"))


def test_it_can_be_pickled(made, tmp_path):
    file = made(rotateLength=100)
    file.write("one")
    copy = pickle.loads(pickle.dumps(file))
    copy.write("two")
    copy.close()
    assert content(tmp_path / "x.log") == "onetwo"
    assert copy.rotateLength == 100


def test_a_kind_has_to_say_when_it_rotates(tmp_path):
    file = BaseLogFile("x.log", str(tmp_path))
    with pytest.raises(NotImplementedError, match="shouldRotate"):
        file.write("x")
    with pytest.raises(NotImplementedError, match="rotate"):
        file.rotate()
    file.close()


class Day(DailyLogFile):
    """Its today can be set."""

    now = 0.0

    def _openFile(self):
        super()._openFile()
        self.lastDate = self.toDate()

    def toDate(self, *args):
        return time.gmtime(*(args or (self.now,)))[:3]


def test_yesterdays_file_is_put_aside(made, tmp_path):
    file = made(Day)
    file.write("one")
    file.now = 86399
    file.write("two")
    file.now = 86400
    file.write("three")
    assert content(tmp_path / "x.log.1970_1_1") == "onetwo"
    assert content(tmp_path / "x.log") == "three"
    for day in (1970, 1, 1), 0.0:
        reader = file.getLog(day)
        assert reader.readLines() == ["onetwo"]
        reader.close()
    reader = file.getLog(86400)
    assert reader.readLines() == ["three"]
    reader.close()
    with pytest.raises(ValueError, match="1970_1_5"):
        file.getLog((1970, 1, 5))
    assert file.suffix((2026, 12, 31)) == "2026_12_31"


def test_a_clock_that_is_turned_back_ends_no_day_twice(made, tmp_path):
    file = made(Day)
    file.now = 86400 * 3
    file.write("a")
    file.now = 86400
    file.write("b")
    file.now = 86400 * 3
    file.write("c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.log", "x.log.1970_1_1"]
    assert content(tmp_path / "x.log") == "abc"


def test_a_day_that_was_put_aside_is_not_overwritten(made, tmp_path):
    (tmp_path / "x.log.1970_1_1").write_text("before")
    file = made(Day)
    file.write("one")
    file.rotate()
    assert content(tmp_path / "x.log.1970_1_1") == "before"
    assert content(tmp_path / "x.log") == "one"


def test_the_day_of_a_file_is_that_of_its_last_change(made, tmp_path):
    path = tmp_path / "x.log"
    path.write_text("old\n")
    os.utime(path, (0, time.mktime((2001, 2, 3, 12, 0, 0, 0, 0, -1))))
    file = made(DailyLogFile)
    assert file.lastDate == (2001, 2, 3)
    file.write("new\n")
    assert content(tmp_path / "x.log.2001_2_3") == "old\n"
    assert content(path) == "new\n"


def test_threads_do_not_mix_their_lines_nor_lose_any(made, tmp_path):
    file = made(rotateLength=2000)
    log = Logger("t", observer=LogPublisher(textFileLogObserver(file)))

    def work(number):
        for turn in range(100):
            log.info("{number}-{turn}", number=number, turn=turn)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = "".join(content(path) for path in tmp_path.iterdir())
    said = [line.rpartition(" ")[2] for line in text.splitlines()]
    assert sorted(said) == sorted(f"{number}-{turn}" for number in range(4) for turn in range(100))
    assert len(file.listLogs()) > 3
