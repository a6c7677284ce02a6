"""Frame records, and tracebacks made of them."""

import dis
import io
import traceback

import pytest

from selvage.failure._frames import (
    FakeCode,
    FakeFrame,
    FakeTraceback,
    extract,
    fake_traceback,
    safe_repr,
    safe_str,
)

from .test_failure import caught

RECORDS = [("outer", "a.py", 3, [("x", 1)], [("y", 2)]), ("inner", "b.py", 4, (), ())]


def test_extract_of_nothing():
    assert extract(None, False) == []


def test_fake_traceback_reads_like_one():
    made = fake_traceback(RECORDS)
    assert [(entry.filename, entry.lineno, entry.name) for entry in traceback.extract_tb(made)] == [
        ("a.py", 3, "outer"),
        ("b.py", 4, "inner"),
    ]
    assert [entry.name for entry in traceback.extract_stack(made.tb_frame)] == ["outer"]
    assert [entry.name for entry in traceback.extract_stack(made.tb_next.tb_frame)] == ["outer", "inner"]


def test_fake_traceback_of_nothing():
    with pytest.raises(ValueError, match="no frames"):
        fake_traceback([])


def test_fake_frame_and_code():
    frame = FakeFrame(RECORDS[0], None)
    assert (frame.f_locals, frame.f_globals, frame.f_lineno, frame.f_back) == ({"x": 1}, {"y": 2}, 3, None)
    assert frame.f_builtins["len"] is len
    assert FakeFrame(("f", "x.py", 1, None, None), frame).f_back is frame
    code = frame.f_code
    assert isinstance(code, FakeCode)
    assert (code.co_name, code.co_qualname, code.co_filename) == ("outer", "outer", "a.py")
    assert list(code.co_lines()) == []
    assert FakeTraceback(frame).tb_next is None


def test_standard_library_prints_it():
    made = caught()
    expected = traceback.format_tb(made.tb)
    made.cleanFailure()
    printed = traceback.format_tb(made.getTracebackObject())
    # The look-alike has no columns, so no line of carets.
    assert [entry.splitlines()[:2] for entry in printed] == [entry.splitlines()[:2] for entry in expected]


def test_disassembler_accepts_the_real_one():
    out = io.StringIO()
    dis.distb(caught().getTracebackObject().tb_next, file=out)
    assert " --> " in out.getvalue()


def test_safe_texts():
    class Bad:
        def __repr__(self):
            raise ValueError

    assert safe_repr("x") == "'x'"
    assert safe_str("x") == "x"
    for text in (safe_repr(Bad()), safe_str(Bad())):
        assert text.startswith("<Bad instance at 0x") and text.endswith("raised ValueError>")


def test_safe_text_of_endless_recursion():
    class Endless:
        def __repr__(self):
            return repr(self)

    assert "raised RecursionError" in safe_repr(Endless())
