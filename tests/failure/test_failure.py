"""`Failure`: making one, asking what it is, raising it again, letting go of its frames."""

import copy
import gc
import pickle
import threading
import traceback
import weakref

import pytest
from hypothesis import given, strategies as st

from selvage.failure import (
    DefaultException,
    Failure,
    NoCurrentExceptionError,
    _debug_mode as failure_module,
    failure,
    startDebugMode,
)
from selvage.failure._frames import machinery


def divide():
    return 1 / 0


def caught(function=divide, **kwargs):
    """The Failure of what `function` raises."""
    try:
        function()
    except BaseException:
        return Failure(**kwargs)
    raise AssertionError("nothing was raised")


def names(frames):
    return [frame[0] for frame in frames]


class Comparable(Exception):
    def __eq__(self, other):
        return type(self) is type(other) and self.args == other.args

    __hash__ = Exception.__hash__


# --- Making one ------------------------------------------------------------------------------------------------


def test_of_the_current_exception():
    try:
        divide()
    except ZeroDivisionError as error:
        made = Failure()
        assert made.value is error
        assert made.type is ZeroDivisionError
        assert made.tb is error.__traceback__
        assert made.getTracebackObject() is error.__traceback__
    assert names(made.frames) == ["test_of_the_current_exception", "divide"]


def test_of_an_exception():
    error = ValueError("x")
    made = Failure(error)
    assert (made.value, made.type, made.tb) == (error, ValueError, None)
    assert list(made.frames) == []
    assert made.getTracebackObject() is None


def test_an_exception_brings_its_traceback():
    error = caught().value
    assert Failure(error).tb is error.__traceback__


def test_with_type_and_traceback_given():
    tb = caught().tb
    made = Failure(ValueError("x"), Exception, tb)
    assert made.type is Exception
    assert made.tb is tb


def test_without_an_exception():
    with pytest.raises(NoCurrentExceptionError, match="in an except block"):
        Failure()
    with pytest.raises(NoCurrentExceptionError):
        Failure(None, ValueError)


def test_of_an_exception_class():
    """A class is called, as `raise` does."""
    made = Failure(KeyError)
    assert type(made.value) is KeyError
    assert made.type is KeyError


@pytest.mark.parametrize("value", ["text", 5, object()], ids=["str", "int", "object"])
def test_of_something_else(value):
    """As in Twisted any object may be the value; it has to be wrapped to be raised."""
    made = Failure(value)
    assert (made.value, made.type, made.tb) == (value, type(value), None)
    assert made.parents == [type(value)]
    assert made.check(type(value)) is type(value)
    with pytest.raises(DefaultException, match=type(value).__name__):
        made.raiseException()
    assert type(value).__name__ in made.getTraceback()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()], ids=repr)
def test_of_exceptions_that_are_no_exception(error):
    def leave():
        raise error

    made = caught(leave)
    assert made.value is error
    assert made.check(Exception) is None
    assert made.check(BaseException) is BaseException
    with pytest.raises(type(error)):
        made.trap(Exception)


def test_of_a_failure():
    first = caught(captureVars=True)
    first.note = "mine"
    number = first.count
    second = Failure(first)
    assert second is not first
    assert second.count == number
    for name in ("value", "type", "tb", "captureVars", "note"):
        assert getattr(second, name) == getattr(first, name)
    assert second.frames == first.frames


def test_of_a_cleaned_failure():
    """The records survive when the traceback is gone."""
    first = caught()
    first.cleanFailure()
    assert names(Failure(first).frames) == names(first.frames) != []


def test_raised_failure_is_unwrapped():
    inner = caught()

    def leave():
        raise inner

    made = caught(leave)
    assert made.value is inner.value
    assert made.tb is inner.tb


def test_raised_failure_without_traceback_tells_where_it_was_raised():
    def leave():
        raise Failure(RuntimeError("x"))

    made = caught(leave)
    assert made.type is RuntimeError
    assert names(made.frames) == ["caught", "leave"]


def test_creation_formats_nothing():
    """Neither the text of the exception nor its frames are looked at."""

    class Watching(Exception):
        def __str__(self):
            raise AssertionError("asked for its text")

        __repr__ = __str__

    def leave():
        raise Watching

    made = caught(leave)
    for name in ("_frames", "_parents", "_count", "_stack"):
        assert not hasattr(made, name)


def test_failure_function():
    error = ValueError()
    assert failure(error).value is error
    made = failure(error)
    assert failure(made) is made
    with pytest.raises(TypeError, match=r"failure\(ValueError\(\)\)"):
        failure(ValueError)
    with pytest.raises(TypeError, match="'text'"):
        failure("text")


def test_without_traceback():
    error = ValueError("x")
    one, other = vars(Failure(error)), vars(Failure._withoutTraceback(error))
    assert one.pop("count") + 1 == other.pop("count")
    assert one == other


def test_threads_number_their_failures_apart():
    numbers = []

    def work():
        numbers.extend(Failure(ValueError()).count for _ in range(200))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(numbers)) == 800


def test_number_is_given_once_and_may_be_set():
    made = Failure(ValueError())
    assert made.count == made.count
    made.count = 77
    assert made.count == 77


# --- check and trap --------------------------------------------------------------------------------------------


def test_check():
    made = Failure(KeyError("k"))
    assert made.check(KeyError) is KeyError
    assert made.check(ValueError, LookupError, KeyError) is LookupError
    assert made.check(ValueError) is None
    assert made.check() is None


def test_check_by_name():
    made = Failure(KeyError("k"))
    assert made.check("builtins.LookupError") == "builtins.LookupError"
    assert made.check("LookupError") is None
    assert made.check(ValueError, "builtins.KeyError") == "builtins.KeyError"


@pytest.mark.parametrize("nonsense", [5, None, object(), (KeyError,)], ids=["int", "None", "object", "tuple"])
def test_check_of_nonsense_matches_nothing(nonsense):
    assert Failure(KeyError()).check(nonsense) is None


def test_check_of_classes_of_the_same_name():
    """Two classes that happen to be called the same are not the same, when both are there to be asked."""

    def make():
        class Odd(Exception):
            pass

        return Odd

    one, other = make(), make()
    assert Failure(one()).check(other) is None


def test_check_of_a_failure_that_knows_only_names():
    """What came from another process or a log file: names instead of classes."""
    made = Failure.__new__(Failure)
    made.type, made.value = "some.where.Odd", "text"
    made.parents = ["some.where.Odd", "builtins.ValueError", "builtins.Exception"]
    assert made.check(ValueError) is ValueError
    assert made.check("some.where.Odd") == "some.where.Odd"
    assert made.check(KeyError) is None

    stand_in = Failure("text", type("ValueError", (), {"__module__": "builtins"}))
    stand_in.parents = ["builtins.ValueError"]
    assert stand_in.check(ValueError) is ValueError


def test_trap():
    made = caught()
    assert made.trap(ValueError, ArithmeticError) is ArithmeticError
    with pytest.raises(ZeroDivisionError) as info:
        made.trap(ValueError)
    assert info.value is made.value
    assert traceback.extract_tb(info.tb)[-1].name == "divide"
    with pytest.raises(ZeroDivisionError):
        made.trap()


def test_trap_leaves_no_frame_of_its_own():
    def handler():
        caught().trap(ValueError)

    assert names(caught(handler).frames) == ["caught", "handler", "caught", "divide"]


classes = [Exception, LookupError, KeyError, IndexError, ValueError, OSError, ConnectionError, BaseException]


@given(st.sampled_from(classes), st.lists(st.sampled_from(classes), max_size=4))
def test_check_is_what_except_does(raised, candidates):
    made = Failure(raised())
    expected = next((each for each in candidates if issubclass(raised, each)), None)
    assert made.check(*candidates) is expected
    if expected is None:
        with pytest.raises(raised):
            made.trap(*candidates)
    else:
        assert made.trap(*candidates) is expected


# --- Exception groups ------------------------------------------------------------------------------------------


def group(*errors):
    return ExceptionGroup("several", errors)


def test_group_itself_matches():
    made = Failure(group(KeyError()))
    assert made.check(ExceptionGroup) is ExceptionGroup
    assert made.check(BaseExceptionGroup) is BaseExceptionGroup
    assert made.check(Exception) is Exception


def test_group_is_looked_into():
    made = Failure(group(KeyError(), group(IndexError())))
    assert made.check(LookupError) is LookupError
    assert made.check(ValueError, IndexError, KeyError) is IndexError
    assert made.trap(KeyError, IndexError) is KeyError


def test_group_matches_only_as_a_whole():
    """Who traps KeyError has not handled the ValueError beside it."""
    made = Failure(group(KeyError(), ValueError()))
    assert made.check(KeyError) is None
    with pytest.raises(ExceptionGroup) as info:
        made.trap(KeyError)
    assert info.value is made.value
    assert made.check("builtins.ExceptionGroup") == "builtins.ExceptionGroup"
    assert made.check() is None


errors = st.sampled_from([KeyError, IndexError, ValueError, OSError]).map(lambda cls: cls())
groups = st.recursive(
    errors, lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda es: group(*es)), max_leaves=6
)


@given(
    groups.filter(lambda e: isinstance(e, ExceptionGroup)),
    st.lists(st.sampled_from(classes[1:7]), max_size=3),
)
def test_group_check_agrees_with_split(whole, candidates):
    """It matches exactly when `except*` with the same classes would leave nothing over."""
    found = Failure(whole).check(*candidates)
    _, rest = whole.split(tuple(candidates))
    assert (found is None) == (rest is not None)
    assert found is None or whole.subgroup(found) is not None


# --- Raising it again ------------------------------------------------------------------------------------------


def test_raise_exception():
    made = caught()
    with pytest.raises(ZeroDivisionError) as info:
        made.raiseException()
    assert info.value is made.value
    assert traceback.extract_tb(info.tb)[-1].line == "return 1 / 0"


def test_raising_again_does_not_lengthen_the_story():
    made = caught()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError) as info:
            made.raiseException()
    assert [entry.name for entry in traceback.extract_tb(info.tb)].count("divide") == 1


def test_throw_converts():
    made = caught()
    with pytest.raises(ValueError) as info:
        made.throw(ValueError("better"))
    assert info.value.__cause__ is made.value
    assert made.value.__traceback__ is made.tb
    with pytest.raises(KeyError) as info:
        made.throw(KeyError)
    assert info.value.__cause__ is made.value


@pytest.mark.parametrize("nonsense", ["text", int, None], ids=["str", "int", "None"])
def test_throw_of_nonsense(nonsense):
    with pytest.raises(TypeError, match="raiseException"):
        caught().throw(nonsense)


def test_throw_where_the_value_is_no_exception():
    with pytest.raises(ValueError) as info:
        Failure("text").throw(ValueError())
    assert isinstance(info.value.__cause__, DefaultException)


def test_throw_into_generator():
    seen = []

    def generator():
        try:
            yield 1
        except ZeroDivisionError as error:
            seen.append(error)
            yield 2

    made = caught()
    running = generator()
    next(running)
    assert made.throwExceptionIntoGenerator(running) == 2
    assert seen == [made.value]
    assert traceback.extract_tb(seen[0].__traceback__)[-1].name == "divide"
    with pytest.raises(StopIteration):
        next(running)


def test_throw_into_generator_that_ends():
    def generator():
        try:
            yield
        except ZeroDivisionError:
            return "done"

    running = generator()
    next(running)
    with pytest.raises(StopIteration) as info:
        caught().throwExceptionIntoGenerator(running)
    assert info.value.value == "done"


def test_throw_into_generator_that_does_not_care():
    def generator():
        yield

    running = generator()
    next(running)
    made = caught()
    again = caught(lambda: made.throwExceptionIntoGenerator(running))
    assert again.value is made.value
    assert names(again.frames)[-3:] == ["generator", "caught", "divide"]


def test_throw_into_coroutine():
    async def coroutine():
        class Wait:
            def __await__(self):
                yield "waiting"

        try:
            await Wait()
        except ZeroDivisionError:
            return "recovered"

    running = coroutine()
    assert running.send(None) == "waiting"
    with pytest.raises(StopIteration) as info:
        caught().throwExceptionIntoGenerator(running)
    assert info.value.value == "recovered"


def test_other_exception_from_generator_is_the_current_one():
    def generator():
        try:
            yield
        except ZeroDivisionError:
            [].pop()

    running = generator()
    next(running)
    made = caught(lambda: caught().throwExceptionIntoGenerator(running))
    assert made.type is IndexError
    assert isinstance(made.value.__context__, ZeroDivisionError)


# --- Frames ----------------------------------------------------------------------------------------------------


def test_frames():
    made = caught()
    outer, inner = made.frames
    assert outer[0] == "caught" and outer[1] == __file__
    assert inner == ("divide", __file__, divide.__code__.co_firstlineno + 1, (), ())
    assert made.frames is made.frames


def test_frames_with_variables():
    def work():
        local = "xyz"
        return local / 2

    made = caught(work, captureVars=True)
    assert made.captureVars
    _, _, _, local_variables, global_variables = made.frames[-1]
    assert ("local", "xyz") in local_variables
    assert ("divide", divide) in global_variables
    assert "__builtins__" not in dict(global_variables)


def test_machinery_is_left_out():
    @machinery
    def trampoline():
        divide()

    assert names(caught(trampoline).frames) == ["caught", "divide"]


def test_deep_recursion():
    def deeper():
        deeper()

    made = caught(deeper)
    assert made.type is RecursionError
    assert len(made.frames) > 100
    text = made.getTraceback()
    assert text.count("in deeper") == 3
    assert f"  [Previous line repeated {len(made.frames) - 1 - 3} more times]\n" in text


def test_made_at_the_edge_of_the_stack():
    """Where there is no room for a Failure, the next frame up finds a RecursionError to make one of."""

    def deeper():
        try:
            return deeper()
        except RecursionError:
            return Failure()

    assert deeper().type is RecursionError


def test_settable_frames_stack_and_parents():
    made = caught()
    made.frames = made.frames[:1]
    assert names(made.frames) == ["caught"]
    made.parents = ["a.B"]
    assert made.parents == ["a.B"]
    with pytest.warns(DeprecationWarning, match="Failure.stack was deprecated"):
        assert list(made.stack) == []
    with pytest.warns(DeprecationWarning):
        made.stack = [("f", "file", 1, (), ())]
    with pytest.warns(DeprecationWarning):
        assert made.stack == [("f", "file", 1, (), ())]


def test_parents():
    assert Failure(KeyError()).parents == [
        "builtins.KeyError",
        "builtins.LookupError",
        "builtins.Exception",
        "builtins.BaseException",
        "builtins.object",
    ]


# --- Letting go ------------------------------------------------------------------------------------------------


class Heavy:
    pass


def test_clean_failure_frees_the_frames():
    seen = []

    def work():
        heavy = Heavy()
        seen.append(weakref.ref(heavy))
        divide()

    made = caught(work, captureVars=True)
    text = made.getTraceback()
    made.cleanFailure()
    gc.collect()
    assert seen[0]() is None
    assert made.tb is None
    assert made.value.__traceback__ is None
    assert made.pickled == 1
    assert made.getTraceback() == text
    variables = dict(made.frames[-2][3])
    assert variables["heavy"].startswith("<")


def test_clean_failure_twice():
    made = caught(captureVars=True)
    made.cleanFailure()
    frames = made.frames
    made.cleanFailure()
    assert made.frames == frames


def test_traceback_object_of_a_cleaned_failure():
    made = caught()
    expected = traceback.extract_tb(made.tb)
    made.cleanFailure()
    assert traceback.extract_tb(made.getTracebackObject()) == expected


def test_clean_failure_of_something_else():
    made = Failure("text")
    made.cleanFailure()
    assert made.value == "text"


def test_garbage():
    """A Failure that nobody holds goes without the collector, once its frames do not hold it."""
    made = Failure(ValueError())
    gone = weakref.ref(made)
    del made
    assert gone() is None


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("capture", [False, True], ids=["bare", "variables"])
def test_pickling(protocol, capture):
    before = caught(lambda: (_ for _ in ()).throw(Comparable("x")), captureVars=capture)
    before.note = "mine"
    after = pickle.loads(pickle.dumps(before, protocol))
    assert type(after) is Failure
    assert after.value == before.value
    assert (after.type, after.tb, after.pickled, after.count) == (Comparable, None, 1, before.count)
    assert after.parents == before.parents
    assert names(after.frames) == names(before.frames)
    assert after.note == "mine"
    assert after.getTraceback() == before.getTraceback()
    assert after.check(Comparable) is Comparable
    assert "(pickled)" in after.getTraceback(detail="verbose")
    again = pickle.loads(pickle.dumps(after, protocol))
    assert vars(again) == vars(after)


def test_pickling_leaves_the_original_alone():
    made = caught()
    pickle.dumps(made)
    assert made.tb is not None
    assert made.pickled == 0


def test_pickling_of_a_group():
    after = pickle.loads(pickle.dumps(caught(lambda: (_ for _ in ()).throw(group(KeyError("k"))))))
    assert after.check(KeyError) is KeyError


def test_pickling_keeps_a_stack_that_was_set():
    made = Failure(ValueError())
    with pytest.warns(DeprecationWarning):
        made.stack = [("f", "file", 1, (), ())]
    after = pickle.loads(pickle.dumps(made))
    with pytest.warns(DeprecationWarning):
        assert after.stack == [("f", "file", 1, (), ())]


def test_deepcopy():
    made = copy.deepcopy(caught())
    assert made.type is ZeroDivisionError
    assert names(made.frames) == ["caught", "divide"]


def test_vars_shows_the_facts():
    made = caught()
    assert vars(made) == {
        "count": made.count,
        "type": ZeroDivisionError,
        "value": made.value,
        "captureVars": False,
        "tb": made.tb,
    }
    made.note = "mine"
    assert vars(made)["note"] == "mine"


def test_attributes_may_be_given_all_at_once():
    """Twisted's spread makes failures so: an empty instance, and `__dict__` assigned."""
    before = caught()
    made = Failure.__new__(Failure)
    made.__dict__ = before.__dict__
    assert made.getTraceback() == before.getTraceback()


def test_subclass_with_a_dictionary_of_its_own():
    """The other base's `__dict__` comes first, and is filled without asking Failure."""

    class Plain:
        pass

    class Both(Plain, Failure):
        pass

    made = Both.__new__(Both)
    made.__dict__ = {
        "type": b"some.Odd",
        "value": "text",
        "tb": None,
        "captureVars": False,
        "frames": [("f", "file", 1, (), ())],
        "parents": ["some.Odd", "builtins.ValueError"],
    }
    assert made.check(ValueError) is ValueError
    assert names(made.frames) == ["f"]
    assert made.value == "text"
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        made.nothing_of_the_kind


def test_subclass_that_prints_in_its_own_way_is_asked_by_every_text():
    class Remote(Failure):
        def printTraceback(self, file=None, elideFrameworkCode=0, detail="default"):
            file.write(f"from elsewhere ({detail})")

    failed = Remote(ValueError("lost"))
    assert failed.getTraceback() == "from elsewhere (default)"
    assert failed.getBriefTraceback() == "from elsewhere (brief)"
    assert str(failed) == "[Failure instance: from elsewhere (brief)]"


def test_subclass_with_getattr_keeps_it():
    class Mine(Failure):
        def __getattr__(self, name):
            return f"my {name}" if name == "answer" else super().__getattribute__(name)

    assert Mine(ValueError()).answer == "my answer"


# --- Debug mode ------------------------------------------------------------------------------------------------


@pytest.fixture
def debugged(monkeypatch):
    """Debug mode with a recorder in place of the debugger: the tracebacks that it was given."""
    opened = []
    monkeypatch.setattr("pdb.post_mortem", opened.append)
    monkeypatch.setattr(Failure, "__init__", Failure.__init__)
    startDebugMode()
    return opened


def test_debug_mode_opens_the_debugger(debugged, capsys):
    made = caught(captureVars=True)
    assert debugged == [made.tb]
    assert made.captureVars
    assert "division by zero" in capsys.readouterr().out


def test_debug_mode_without_a_traceback(debugged):
    Failure(ValueError())
    assert debugged == []


def test_debug_mode_can_be_told_not_to(debugged, monkeypatch):
    monkeypatch.setattr(failure_module, "DO_POST_MORTEM", False)
    caught()
    assert debugged == []


def test_debug_mode_sees_what_callbacks_raise(debugged):
    """A Deferred makes its failures on a shorter way, which debug mode has to close."""
    from selvage.defer import Deferred

    d = Deferred()
    d.addCallback(lambda _: divide())
    results = []
    d.addErrback(results.append)
    d.callback(None)
    assert len(debugged) == 1
    assert results[0].type is ZeroDivisionError
