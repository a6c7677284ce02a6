"""Handling by kind: `suppress` and `convert` as errbacks, around blocks and on functions; `split`."""

from __future__ import annotations

import traceback

import pytest

from selvage.defer import Deferred, ensureDeferred, fail, inlineCallbacks, succeed
from selvage.failure import Failure, convert, split, suppress

from .test_failure import caught


class NotFound(Exception):
    pass


def raising(error):
    raise error


def failed(error):
    """A Failure that was raised."""
    return caught(lambda: raising(error))


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


def is_gone(error):
    return error.args == ("gone",)


# --- Which kinds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kinds",
    [
        (KeyError,),
        (LookupError,),
        (OSError, KeyError),
        ("builtins.KeyError",),
        (is_gone,),
        (ValueError, is_gone),
    ],
    ids=str,
)
def test_kinds_that_match(kinds):
    made = failed(KeyError("gone"))
    assert split(made, *kinds) == (made, None)


@pytest.mark.parametrize("kinds", [(ValueError,), ("builtins.OSError",), (lambda error: False,)], ids=str)
def test_kinds_that_do_not(kinds):
    made = failed(KeyError("gone"))
    assert split(made, *kinds) == (None, made)


@pytest.mark.parametrize("kind", [KeyError, "builtins.KeyError", is_gone], ids=str)
def test_a_group_is_split(kind):
    inner = several(KeyError("gone"), OSError())
    made = failed(several(ValueError(), KeyError("gone"), inner))
    matched, rest = split(made, kind)
    assert shape(matched) == ["KeyError", ["KeyError"]]
    assert shape(rest) == ["ValueError", ["OSError"]]
    assert matched.tb is rest.tb is made.tb


def test_a_group_that_matches_as_a_whole_is_not_split():
    made = failed(several(KeyError(), KeyError()))
    assert split(made, KeyError) == (made, None)
    assert split(made, ExceptionGroup) == (made, None)
    assert split(made, OSError) == (None, made)


def test_a_failure_without_an_exception_is_known_by_its_name():
    made = Failure("text", exc_type="there.is.Nothing")
    assert split(made, "there.is.Nothing") == (made, None)


def test_predicates_are_not_asked_about_groups():
    """They may look at attributes that groups do not have."""
    made = failed(several(FileNotFoundError(2, "no"), OSError("other")))
    matched, rest = split(made, lambda error: error.errno == 2)
    assert (shape(matched), shape(rest)) == (["FileNotFoundError"], ["OSError"])


@pytest.mark.parametrize("kinds", [(), (int,), (5,), (None,), ((),)], ids=str)
@pytest.mark.parametrize("make", [suppress, lambda *kinds: convert(*kinds, to=NotFound)])
def test_what_cannot_be_a_kind(make, kinds):
    with pytest.raises(TypeError, match="exception"):
        make(*kinds)


def test_what_cannot_be_converted_to():
    with pytest.raises(TypeError, match="not 5"):
        convert(KeyError, to=5)
    with (
        pytest.raises(TypeError, match="has to give an exception; it gave 'text'"),
        convert(KeyError, to=lambda error: "text"),
    ):
        raise KeyError


def test_called_with_nonsense():
    with pytest.raises(TypeError, match=r"suppress\(KeyError\).*was called with 5"):
        suppress(KeyError)(5)


# --- As errbacks -----------------------------------------------------------------------------------------------


def test_suppress_as_errback():
    assert result_of(fail(KeyError()).addErrback(suppress(KeyError))) is None
    made = failed(ValueError())
    assert result_of(fail(made).addErrback(suppress(KeyError))) is made


def test_suppress_as_errback_leaves_the_rest_of_a_group():
    rest = result_of(fail(several(KeyError(), OSError())).addErrback(suppress(KeyError)))
    assert shape(rest) == ["OSError"]


def test_convert_as_errback():
    made = failed(KeyError("what"))
    got = result_of(fail(made).addErrback(convert(LookupError, to=NotFound)))
    assert got.check(NotFound)
    assert got.getErrorMessage() == "'what'"
    assert got.value.__cause__ is made.value
    other = failed(ValueError())
    assert result_of(fail(other).addErrback(convert(LookupError, to=NotFound))) is other


def test_convert_with_a_function():
    got = result_of(fail(KeyError("what")).addErrback(convert(KeyError, to=lambda e: NotFound(e.args[0]))))
    assert got.value.args == ("what",)


def test_convert_as_errback_puts_the_rest_of_a_group_beside():
    got = result_of(fail(several(KeyError(), OSError())).addErrback(convert(KeyError, to=NotFound)))
    assert shape(got) == ["NotFound", ["OSError"]]
    assert shape(got.value.exceptions[0].__cause__) == ["KeyError"]


# --- Around blocks ---------------------------------------------------------------------------------------------


def test_suppress_around_a_block():
    with suppress(KeyError):
        raise KeyError
    with pytest.raises(ValueError), suppress(KeyError):
        raise ValueError


def test_suppress_around_a_block_that_raises_nothing():
    with suppress(KeyError):
        done = True
    assert done


def test_suppress_lets_the_very_same_exception_pass():
    error = ValueError()
    with pytest.raises(ValueError) as raised, suppress(KeyError):
        raise error
    assert raised.value is error
    assert error.__context__ is None


def test_suppress_around_a_block_with_a_group():
    group = several(KeyError(), OSError())
    with pytest.raises(ExceptionGroup) as raised, suppress(KeyError):
        raise group
    assert shape(raised.value) == ["OSError"]
    text = "".join(traceback.format_exception(raised.value))
    assert "During handling" not in text


def test_a_raised_failure_passes_a_block_unchanged():
    made = failed(ValueError())
    with pytest.raises(Failure) as raised, suppress(KeyError):
        raise made
    assert raised.value is made


def test_a_raised_failure_is_looked_into():
    with suppress(ValueError):
        raise failed(ValueError())


def test_convert_around_a_block():
    with pytest.raises(NotFound) as raised, convert(KeyError, to=NotFound):
        raise KeyError("what")
    assert isinstance(raised.value.__cause__, KeyError)
    text = Failure(raised.value).getTraceback()
    assert "selvage/failure/_handling.py" not in text
    assert "direct cause" in text


def test_blocks_may_be_nested_and_used_again():
    guard = suppress(KeyError)
    with guard, guard:
        raise KeyError
    with guard:
        raise KeyError


# --- On functions ----------------------------------------------------------------------------------------------


def test_on_a_function():
    @suppress(KeyError)
    def look_up(key, *, table):
        """Look it up."""
        return table[key]

    assert look_up("a", table={"a": 1}) == 1
    assert look_up("b", table={"a": 1}) is None
    assert look_up.__doc__ == "Look it up."


def test_on_a_callback():
    table = {}
    d = succeed("a").addCallback(convert(KeyError, to=NotFound)(table.__getitem__))
    assert result_of(d).check(NotFound)


def test_on_a_function_that_returns_a_deferred():
    later = Deferred()
    later.addErrback(lambda failure: failure)

    @suppress(KeyError)
    def fetch():
        return later

    got = []
    fetch().addBoth(got.append)
    assert got == []
    later.errback(KeyError())
    assert got == [None]


def test_on_a_coroutine_function():
    gate = Deferred()

    @convert(KeyError, to=NotFound)
    async def fetch():
        await gate
        raise KeyError("what")

    d = ensureDeferred(fetch())
    gate.callback(None)
    got = result_of(d)
    assert got.check(NotFound)
    assert "selvage/failure/_handling.py" not in got.getTraceback()


def test_in_a_coroutine():
    gate = Deferred()

    async def fetch():
        with suppress(KeyError):
            await gate
        return "went on"

    d = ensureDeferred(fetch())
    gate.errback(KeyError())
    assert result_of(d) == "went on"


def test_on_a_generator_of_inline_callbacks():
    gate = Deferred()

    @inlineCallbacks
    @suppress(KeyError)
    def fetch():
        yield gate
        raise KeyError

    d = fetch()
    gate.callback(None)
    assert result_of(d) is None


def test_on_an_asynchronous_generator():
    with pytest.raises(TypeError, match=r"put `with suppress\(KeyError\):` inside"):

        @suppress(KeyError)
        async def numbers():
            yield 1
