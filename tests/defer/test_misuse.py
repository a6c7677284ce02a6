"""Mistakes of newcomers with Deferreds whose messages are no part of another test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from selvage.defer import Deferred, DeferredList, fail, gatherResults, succeed
from selvage.failure import Failure


@pytest.mark.parametrize(
    "combine", [DeferredList, gatherResults, lambda d: gatherResults(d, all_errors=True)]
)
def test_a_single_deferred_is_no_list_of_them(combine: Any) -> None:
    with pytest.raises(TypeError, match="a list of Deferreds is needed, not one Deferred: put <Deferred at "):
        combine(Deferred())


def failed(d: Deferred[Any]) -> Failure:
    seen: list[Failure] = []
    d.addErrback(seen.append)
    return seen[0]


@pytest.mark.parametrize(
    "add",
    [
        lambda: succeed(1).addCallback(None),  # type: ignore[arg-type]
        lambda: succeed(1).addCallback(None, 5),  # type: ignore[arg-type]
        lambda: succeed(1).addBoth(None),  # type: ignore[call-overload]
        lambda: fail(ValueError()).addBoth(None),  # type: ignore[call-overload]
        lambda: fail(ValueError()).addErrback(None),  # type: ignore[call-overload]
    ],
)
def test_a_callback_that_was_called_already_is_explained(add: Callable[[], Deferred[Any]]) -> None:
    failure = failed(add())
    assert failure.check(TypeError)
    assert failure.getTraceback().endswith(
        "'NoneType' object is not callable\nA callback is the function itself: pass it, do not call it\n"
    )


def test_a_callback_with_other_arguments_is_explained() -> None:
    def no_arguments() -> None:
        """Take nothing."""

    failure = failed(succeed(1).addCallback(no_arguments))  # type: ignore[arg-type]
    assert (
        "no_arguments() takes 0 positional arguments but 1 was given\nA callback is called with the result"
        in (failure.getTraceback())
    )


def test_type_errors_of_the_callback_itself_are_not_explained() -> None:
    def add_text(number: Any) -> Any:
        return number + ""

    for callback in (add_text, len):
        assert not hasattr(failed(succeed(1).addCallback(callback)).value, "__notes__")


def test_none_is_no_mistake_where_a_pair_is_added() -> None:
    seen: list[int] = []
    succeed(1).addCallbacks(None, print).addErrback(None).addCallback(seen.append)  # type: ignore[call-overload]
    assert seen == [1]
