"""Calls during which some warnings are not shown."""

from __future__ import annotations

import warnings

import pytest

from selvage.defer import Deferred
from selvage.tasks import runWithWarningsSuppressed, suppressWarnings

IGNORE_FOO = (("ignore", ".*foo.*"), {})
IGNORE_BAR = (("ignore",), {"message": ".*bar.*"})


def shown(function, *args):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*args)
    return [str(each.message) for each in caught]


def test_a_call():
    def work():
        runWithWarningsSuppressed([IGNORE_FOO, IGNORE_BAR], warn_three)
        warnings.warn("foo after")

    def warn_three():
        for text in ("a foo", "a bar", "a baz"):
            warnings.warn(text)

    assert shown(work) == ["a baz", "foo after"]


def test_a_call_that_raises():
    def work():
        with pytest.raises(ZeroDivisionError):
            runWithWarningsSuppressed([IGNORE_FOO], lambda: 1 / 0)
        warnings.warn("foo after")

    assert shown(work) == ["foo after"]


@pytest.mark.parametrize("failing", [False, True])
def test_until_a_deferred_fires(failing):
    deferred = Deferred()

    def work():
        assert runWithWarningsSuppressed([IGNORE_FOO], lambda: deferred) is deferred
        warnings.warn("foo meanwhile")
        if failing:
            deferred.errback(ValueError())
            deferred.addErrback(lambda failure: failure.trap(ValueError))
        else:
            deferred.callback(None)
        warnings.warn("foo after")

    assert shown(work) == ["foo after"]


def test_as_a_function_of_its_own():
    quiet = suppressWarnings(warnings.warn, IGNORE_FOO)
    assert shown(quiet, "a foo") == []
    assert shown(quiet, "a bar") == ["a bar"]
