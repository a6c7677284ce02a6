"""What goes wrong in HTTP, in words."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import pytest

from selvage.web import errors
from selvage.web._status import RESPONSES


def test_an_error_says_code_and_phrase():
    assert str(errors.Error(404)) == "404 Not Found"
    assert str(errors.Error(b"404", b"no such thing")) == "404 no such thing"
    assert str(errors.Error(999)) == "999"
    assert errors.Error(503, response=b"later").response == b"later"


def test_a_redirection_says_where_to():
    assert str(errors.PageRedirect(302, location=b"/there")) == "302 Found to /there"
    assert str(errors.InfiniteRedirection(302, location=b"/there")) == "302 Found to /there"
    assert str(errors.RedirectWithNoLocation(b"302", b"No location", b"/here")) == "302 No location to /here"


def test_a_code_that_is_no_number_is_refused():
    with pytest.raises(ValueError):
        errors.Error(b"nought")


def test_methods_come_as_a_list():
    assert str(errors.UnsupportedMethod([b"GET"])) == "Expected one of [b'GET']"
    with pytest.raises(TypeError, match=r"such as \[b'GET'\]"):
        errors.UnsupportedMethod(b"GET")


def test_an_error_in_a_template_shows_the_way_to_it():
    tag = SimpleNamespace(tagName="p", filename="page.xml", lineNumber=3, columnNumber=5)
    error = errors.FlattenerError(KeyError("x"), [tag, b"a" * 99, 7], None)
    assert str(error) == (
        "Exception while flattening:\n"
        '  File "page.xml", line 3, column 5, in "p"\n'
        f"  b'{'a' * 20}<...>{'a' * 20}'\n"
        "  7\n"
        "KeyError: 'x'\n"
    )


@pytest.mark.parametrize(
    "error", [errors.Error(404), errors.PageRedirect(302, location=b"/x"), errors.UnsupportedMethod([b"GET"])]
)
def test_errors_survive_pickling(error):
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_no_phrase_could_split_an_answer():
    assert all(phrase.isascii() and b"\n" not in phrase for phrase in RESPONSES.values())
