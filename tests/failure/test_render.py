"""Failures as text."""

import io
import linecache
import re
import sys

import pytest
from hypothesis import given, strategies as st

import selvage.failure
from selvage.failure import Failure, format_frames, to_text
from selvage.failure._render import (
    _FORMS,
    EXCEPTION_CAUGHT_HERE,
    _render_story,
    is_plain,
    qualified_name,
    render_plain,
)

from .test_failure import caught, divide

FRAMES = [("outer", "/a.py", 3, {"x": 1}.items(), {"y": "z"}.items()), ("inner", "/b.py", 4, (), ())]
LINE = divide.__code__.co_firstlineno + 1


class BrokenStr(Exception):
    def __str__(self):
        raise self

    __repr__ = __str__


class BrokenMeta(type):
    def __str__(cls):
        raise ValueError("no name")

    __repr__ = __str__


class BrokenType(Exception, metaclass=BrokenMeta):
    pass


def test_default():
    made = caught()
    made.frames = made.frames[1:]
    assert made.getTraceback() == (
        "Traceback (most recent call last):\n"
        f'  File "{divide.__code__.co_filename}", line {LINE}, in divide\n'
        "    return 1 / 0\n"
        "builtins.ZeroDivisionError: division by zero\n"
    )


def test_brief():
    made = caught()
    made.frames = made.frames[1:]
    expected = (
        "Traceback: <class 'ZeroDivisionError'>: division by zero\n"
        f"{divide.__code__.co_filename}:{LINE}:divide\n"
    )
    assert made.getBriefTraceback() == made.getTraceback(detail="brief") == expected
    assert str(made) == f"[Failure instance: {expected}]"


def test_verbose_without_variables():
    made = caught()
    made.frames = made.frames[1:]
    made.count = 7
    assert made.getTraceback(detail="verbose") == (
        "*--- Failure #7 ---\n"
        f"{divide.__code__.co_filename}:{LINE}: divide(...)\n"
        " [Capture of Locals and Globals disabled (use captureVars=True)]\n"
        "builtins.ZeroDivisionError: division by zero\n"
        "*--- End of Failure #7 ---\n"
    )


def test_verbose_with_variables():
    def work():
        local = "xyz"  # noqa: F841
        divide()

    made = caught(work, captureVars=True)
    lines = made.getTraceback(detail="verbose").splitlines()
    assert "  local : 'xyz'" in lines
    assert " [ Locals ]" in lines and " ( Globals )" in lines
    made.cleanFailure()
    assert "  local : \"'xyz'\"" in made.getTraceback(detail="verbose").splitlines()


def test_without_frames():
    made = Failure(ValueError("x"))
    assert made.getTraceback() == "Traceback (most recent call last):\nFailure: builtins.ValueError: x\n"
    assert made.getBriefTraceback() == "Traceback (failure with no frames): <class 'ValueError'>: x\n"
    assert made.getTraceback(detail="verbose") == (
        f"*--- Failure #{made.count} ---\nFailure: builtins.ValueError: x\n*--- End of Failure #{made.count} ---\n"
    )


def test_unknown_detail():
    with pytest.raises(ValueError, match="noisy"):
        Failure(ValueError()).getTraceback(detail="noisy")
    with pytest.raises(ValueError, match="noisy"):
        format_frames(None, None, detail="noisy")


def test_error_message():
    assert Failure(KeyError("k")).getErrorMessage() == "'k'"
    assert Failure(ValueError()).getErrorMessage() == ""


def test_repr():
    assert repr(Failure(ValueError("x"))) == "<selvage.failure.Failure builtins.ValueError: x>"


def test_where_selvage_raises_on_purpose_the_line_of_the_caller_is_the_last():
    def misuse():
        selvage.failure.failure("text")

    made = caught(misuse)
    assert [frame[0] for frame in made.frames] == ["caught", "misuse"]
    assert "in failure\n" in to_text(made, machinery=True)


def test_elided():
    """Where Selvage stumbles its frames stay, unless they are not wanted and there are others."""

    def misuse():
        selvage.failure.fingerprint(None)

    made = caught(misuse)
    assert "in fingerprint\n" in made.getTraceback()
    assert "in fingerprint\n" not in made.getTraceback(elideFrameworkCode=True)
    assert "in misuse\n" in made.getTraceback(elideFrameworkCode=True)
    made.frames = [frame for frame in made.frames if frame[0] == "fingerprint"]
    assert "in fingerprint\n" in made.getTraceback(elideFrameworkCode=1)
    assert ":fingerprint\n" in made.getTraceback(elideFrameworkCode=1, detail="brief")


@pytest.mark.parametrize("detail", ["default", "brief", "verbose"])
@pytest.mark.parametrize("error", [BrokenStr(), BrokenType("x")], ids=["str", "type"])
def test_broken_exceptions_are_shown(error, detail):
    def leave():
        raise error

    for made in (Failure(error), caught(leave)):
        text = made.getTraceback(detail=detail)
        assert "Broken" in text
        assert repr(made) and str(made)


def test_broken_str_is_described():
    message = Failure(BrokenStr()).getErrorMessage()
    assert re.fullmatch(r"<BrokenStr instance at 0x[0-9a-f]+ whose str raised BrokenStr>", message)


def test_broken_variables_are_shown():
    class Bad:
        def __repr__(self):
            raise RuntimeError("no")

    def work():
        bad = Bad()  # noqa: F841
        divide()

    made = caught(work, captureVars=True)
    assert "whose repr raised RuntimeError" in made.getTraceback(detail="verbose")
    made.cleanFailure()
    assert "whose repr raised RuntimeError" in made.getTraceback(detail="verbose")


def test_names_of_classes():
    assert qualified_name(ValueError) == "builtins.ValueError"
    assert qualified_name("some.Where") == "some.Where"
    assert qualified_name(b"some.Where") == "b'some.Where'"


@pytest.mark.parametrize(
    "detail, expected",
    [
        ("default", '  File "/a.py", line 3, in outer\n    \n  File "/b.py", line 4, in inner\n    \n'),
        ("brief", "/a.py:3:outer\n/b.py:4:inner\n"),
        (
            "verbose",
            "/a.py:3: outer(...)\n [ Locals ]\n  x : 1\n ( Globals )\n  y : 'z'\n"
            "/b.py:4: inner(...)\n [ Locals ]\n ( Globals )\n",
        ),
        (
            "verbose-vars-not-captured",
            "/a.py:3: outer(...)\n/b.py:4: inner(...)\n"
            " [Capture of Locals and Globals disabled (use captureVars=True)]\n",
        ),
    ],
)
def test_format_frames(detail, expected):
    out = io.StringIO()
    format_frames(FRAMES, out.write, detail)
    assert out.getvalue() == expected
    assert detail in _FORMS


def test_format_frames_has_a_default():
    out = io.StringIO()
    format_frames(FRAMES[:1], out.write)
    assert out.getvalue().startswith('  File "/a.py", line 3')


PLACES = st.tuples(
    st.text(max_size=5), st.sampled_from([__file__, "/no/such.py", "<x>"]), st.integers(-2, 900)
)


@given(st.lists(PLACES, unique=True))
def test_quick_way_equals_format_frames(places):
    """The default report gathers its lines in one go; `format_frames` frame by frame; they agree."""
    made = Failure(ValueError("x"))
    made.frames = [(*place, (), ()) for place in places]
    out = io.StringIO()
    format_frames(made.frames, out.write)
    _, _, body = made.getTraceback().partition("\n")
    assert body == out.getvalue() + ("" if places else "Failure: ") + "builtins.ValueError: x\n"


@given(st.lists(st.tuples(PLACES, st.integers(1, 6))), st.text(max_size=8))
def test_quick_way_equals_the_careful_way(runs, message):
    made = Failure(ValueError(message))
    made.frames = [(*place, (), ()) for place, times in runs for _ in range(times)]
    assert is_plain(made)
    assert render_plain(made) == _render_story(made, False)


@given(st.text())
def test_any_message(message):
    assert Failure(ValueError(message)).getTraceback().endswith(f"builtins.ValueError: {message}\n")


def test_source_that_only_a_loader_knows():
    """Modules from archives have no file; their loader gives the line."""

    class Loader:
        def get_source(self, name):
            return "def f():\n    raise KeyError('from afar')  # this line\n"

    filename = "/no/such/archive.zip/module.py"
    namespace = {"__name__": "module", "__loader__": Loader()}
    exec(compile(Loader().get_source("module"), filename, "exec"), namespace)
    try:
        assert "# this line" in caught(namespace["f"]).getTraceback()
    finally:
        linecache.cache.pop(filename, None)


@pytest.mark.parametrize(
    "method, detail",
    [("printTraceback", "default"), ("printBriefTraceback", "brief"), ("printDetailedTraceback", "verbose")],
)
def test_printing(method, detail, capsys):
    made = caught()
    out = io.StringIO()
    getattr(made, method)(out)
    getattr(made, method)()
    getattr(made, method)(file=out, elideFrameworkCode=1)
    text = made.getTraceback(detail=detail)
    assert out.getvalue() == text * 2
    assert capsys.readouterr().err == text


def test_printing_with_detail():
    out = io.StringIO()
    caught().printTraceback(out, False, "brief")
    assert out.getvalue().startswith("Traceback: ")


def test_printing_where_there_is_no_standard_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    caught().printTraceback()


def test_marker():
    assert EXCEPTION_CAUGHT_HERE == "--- <exception caught here> ---"
