"""Writing events to a file, and printing into the log."""

from __future__ import annotations

import io
import sys
import tempfile

import pytest

from selvage.logger import FileLogObserver, Logger, LoggingFile, LogLevel, textFileLogObserver
from selvage.logger._file import wants_bytes


class Counting:
    def __init__(self):
        self.writes, self.flushes = [], 0

    def write(self, text):
        self.writes.append(text)

    def flush(self):
        self.flushes += 1


def test_each_event_is_written_at_once_and_flushed():
    file = Counting()
    observer = FileLogObserver(file, lambda event: event["text"])
    for text in "one", "", None, "two":
        observer({"text": text})
    assert file.writes == ["one", "two"]
    assert file.flushes == 2


def test_files_of_bytes_get_utf_8():
    file = io.BytesIO()
    textFileLogObserver(file)({"log_format": "stra\u00dfe"})
    assert file.getvalue() == "- [-#-] stra\u00dfe\n".encode()


def test_which_files_want_bytes(tmp_path):
    path = tmp_path / "file"
    with open(path, "wb") as buffered, open(path, "wb", 0) as raw, open(path, "w") as text:
        assert wants_bytes(buffered) and wants_bytes(raw)
        assert not wants_bytes(text)
    with tempfile.NamedTemporaryFile() as wrapped, tempfile.NamedTemporaryFile("w") as wrapped_text:
        assert wants_bytes(wrapped)
        assert not wants_bytes(wrapped_text)
    assert wants_bytes(io.BytesIO())
    assert not wants_bytes(io.StringIO())
    assert not wants_bytes(object())


def test_the_form_of_the_time():
    file = io.StringIO()
    textFileLogObserver(file, timeFormat=None)({"log_format": "x", "log_time": 1})
    textFileLogObserver(file, timeFormat="%Y")({"log_format": "x", "log_time": 86400})
    assert file.getvalue() == "- [-#-] x\n1970 [-#-] x\n"


# --- Printing into the log ----------------------------------------------------------------------------------------


@pytest.fixture
def file(heard):
    return LoggingFile(heard.log, LogLevel.warn, "utf-8")


def test_each_line_that_is_printed_is_an_event(heard, file):
    print("Hello,", end=" ", file=file)
    assert not heard
    print("world", file=file)
    file.write("two\n\nthree")
    file.write(b" stra\xc3\x9fe\n")
    file.writelines(["a", "b\n", "c"])
    assert [event["log_io"] for event in heard] == ["Hello, world", "two", "", "three stra\u00dfe", "ab"]
    assert {event["log_format"] for event in heard} == {"{log_io}"}
    assert {event["log_level"] for event in heard} == {LogLevel.warn}


def test_bytes_that_are_no_text_are_shown(heard, file):
    file.write(b"\xff\n")
    assert heard[0]["log_io"] == "\\xff"


def test_what_never_ends_does_not_fill_the_memory(heard, file):
    for _ in range(20):
        file.write("." * 10_000)
    assert len(heard) == 2
    assert sum(len(event["log_io"]) for event in heard) + len(file._pending) == 200_000


def test_it_is_a_file_to_write_to_and_nothing_else(file):
    assert (file.mode, file.newlines, file.encoding, file.closed) == ("w", None, "utf-8", False)
    assert file.name == "<LoggingFile here#warn>"
    assert not file.isatty()
    file.flush()
    for name in "read", "next", "readline", "readlines", "xreadlines", "seek", "tell", "truncate", "fileno":
        with pytest.raises(io.UnsupportedOperation):
            getattr(file, name)()
    with pytest.raises(io.UnsupportedOperation):
        iter(file)
    for name in "closed", "encoding", "mode", "newlines", "name":
        with pytest.raises(AttributeError):
            setattr(file, name, "x")
    file.close()
    assert file.closed
    with pytest.raises(ValueError, match="closed"):
        file.write("x")


def test_softspace_is_a_thing_of_the_past(file):
    with pytest.warns(DeprecationWarning, match="softspace was deprecated in Twisted 21.2.0"):
        assert file.softspace == 0
    with pytest.warns(DeprecationWarning):
        file.softspace = 1


def test_the_interpreters_encoding_is_the_default(heard):
    assert LoggingFile(heard.log).encoding == sys.getdefaultencoding()
    assert LoggingFile(Logger(observer=heard.publisher)).level is LogLevel.info
