"""`Deferred.catch` and `Deferred.recover`: errbacks by kind, groups split as `except*` splits them."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from selvage.defer import Deferred, DeferredList, Failure, fail, gatherResults, succeed

KINDS = [KeyError, ValueError, OSError]


def result_of(d):
    got = []
    d.addBoth(got.append)
    return got[0]


def shape(error):
    """Classes of exceptions, groups as lists."""
    if isinstance(error, Failure):
        error = error.value
    if isinstance(error, BaseExceptionGroup):
        return [shape(each) for each in error.exceptions]
    return type(error).__name__


def several(*errors):
    return ExceptionGroup("several", errors)


def test_catch_what_matches():
    d = fail(KeyError("a")).catch(
        KeyError, lambda failure, *args, **kwargs: (failure.value.args, args, kwargs), 1, b=2
    )
    assert result_of(d) == (("a",), (1,), {"b": 2})


def test_catch_lets_all_else_pass_as_it_is():
    made = Failure(ValueError())
    seen = []
    assert result_of(fail(made).catch((KeyError, OSError), seen.append)) is made
    assert seen == []


def test_catch_does_not_concern_a_success():
    assert result_of(succeed(1).catch(KeyError, lambda failure: 2).recover(KeyError, 3)) == 1


def test_the_first_catch_that_matches_wins():
    d = (
        fail(KeyError())
        .catch(OSError, lambda f: "os")
        .catch(LookupError, lambda f: "lookup")
        .catch(KeyError, lambda f: "key")
    )
    assert result_of(d) == "lookup"


def test_catch_by_predicate_and_by_name():
    assert result_of(fail(OSError(2, "no")).catch(lambda error: error.errno == 2, lambda f: "gone")) == "gone"
    assert result_of(fail(KeyError()).catch(("builtins.OSError", "builtins.KeyError"), lambda f: 1)) == 1


def test_a_predicate_that_raises_is_the_next_failure():
    assert (
        shape(result_of(fail(KeyError()).catch(lambda error: error.errno, lambda f: 1))) == "AttributeError"
    )


def test_what_the_handler_raises_is_the_next_failure():
    def handler(failure):
        raise OSError

    got = result_of(fail(KeyError()).catch(KeyError, handler))
    assert shape(got) == "OSError"
    assert shape(got.value.__context__) == "KeyError"


def test_the_handler_may_return_a_deferred():
    later = Deferred()
    d = fail(KeyError()).catch(KeyError, lambda failure: later)
    later.callback("late")
    assert result_of(d) == "late"


def test_recover():
    assert result_of(fail(KeyError()).recover(KeyError, 5)) == 5
    assert result_of(fail(KeyError()).recover((OSError, LookupError), None)) is None
    made = Failure(ValueError())
    assert result_of(fail(made).recover(KeyError, 5)) is made


@pytest.mark.parametrize("types", [5, None, (), (KeyError, 5), int])
def test_mistakes_are_named_where_they_are_made(types):
    with pytest.raises(TypeError, match=r"catch\(\)"):
        Deferred().catch(types, print)
    with pytest.raises(TypeError):
        Deferred().recover(types, None)


def test_a_handler_that_cannot_be_called():
    with pytest.raises(TypeError, match=r"catch\(\) takes a function of one Failure, not None"):
        Deferred().catch(KeyError, None)


# --- Groups ----------------------------------------------------------------------------------------------------


def test_the_rest_of_a_group_travels_on():
    seen = []
    got = result_of(fail(several(KeyError(), ValueError())).catch(KeyError, seen.append))
    assert [shape(each) for each in seen] == [["KeyError"]]
    assert shape(got) == ["ValueError"]


def test_each_catch_takes_its_part():
    d = fail(several(KeyError(), ValueError(), OSError()))
    seen = []
    for kind in KINDS:
        d.catch(kind, lambda failure: seen.append(shape(failure)))
    assert result_of(d) is None
    assert seen == [["KeyError"], ["ValueError"], ["OSError"]]


def test_the_rest_waits_until_the_handler_is_done():
    later, got = Deferred(), []
    fail(several(KeyError(), ValueError())).catch(KeyError, lambda failure: later).addBoth(got.append)
    assert got == []
    later.callback("not used")
    assert [shape(each) for each in got] == [["ValueError"]]


@pytest.mark.parametrize("late", [False, True])
def test_what_the_handler_raises_joins_the_rest(late):
    def handler(failure):
        if late:
            return fail(OSError())
        raise OSError

    got = result_of(fail(several(KeyError(), ValueError())).catch(KeyError, handler))
    assert shape(got) == ["OSError", ["ValueError"]]
    assert shape(got.value.exceptions[0].__context__) == ["KeyError"]


@pytest.mark.parametrize("late", [False, True])
def test_what_is_raised_again_was_never_taken_out(late):
    made = Failure(several(KeyError(), ValueError()))

    def handler(failure):
        return fail(failure) if late else failure

    assert result_of(fail(made).catch(KeyError, handler)) is made


def leaves():
    return st.sampled_from(KINDS).map(lambda cls: cls())


def groups():
    return st.recursive(
        leaves(), lambda inner: st.lists(inner, min_size=1, max_size=4).map(lambda each: several(*each))
    ).filter(lambda error: isinstance(error, ExceptionGroup))


@given(groups(), st.sets(st.sampled_from(KINDS), min_size=1))
def test_groups_are_split_as_the_language_does(group, kinds):
    """The same group through `except*` and through `catch`."""
    kinds = tuple(kinds)
    handled, left = [], None
    try:
        try:
            raise group
        except* kinds as part:
            handled.append(shape(part))
    except ExceptionGroup as rest:
        left = shape(rest)
    seen = []
    got = result_of(fail(group).catch(kinds, lambda failure: seen.append(shape(failure))))
    assert seen == handled
    assert (shape(got) if isinstance(got, Failure) else None) == left


# --- All errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "join", [lambda ds: gatherResults(ds, all_errors=True), lambda ds: DeferredList(ds, all_errors=True)]
)
def test_every_failure_in_order(join):
    """In the order of the list, whatever the order in which they happened."""
    ds = [Deferred() for _ in range(4)]
    joined = join(ds)
    ds[3].errback(OSError("last"))
    ds[1].callback("fine")
    ds[0].errback(KeyError("first"))
    assert not joined.called
    ds[2].errback(ValueError("third"))
    got = result_of(joined)
    assert shape(got) == ["KeyError", "ValueError", "OSError"]
    assert str(got.value) == "3 of 4 failed (3 sub-exceptions)"
    assert [d.result for d in ds] == [None, "fine", None, None]


def test_a_list_without_failures():
    assert result_of(DeferredList([succeed(1), succeed(2)], all_errors=True)) == [(True, 1), (True, 2)]
    assert result_of(DeferredList([], all_errors=True)) == []


def test_a_group_may_be_caught_member_by_member():
    d = gatherResults([fail(KeyError()), succeed(1), fail(OSError())], all_errors=True)
    assert shape(result_of(d.recover(KeyError, None))) == ["OSError"]


@pytest.mark.parametrize("flag", ["fireOnOneCallback", "fireOnOneErrback"])
def test_all_errors_does_not_go_with_the_first(flag):
    with pytest.raises(TypeError, match=r"leave out fireOnOneCallback and fireOnOneErrback"):
        DeferredList([], all_errors=True, **{flag: True})
