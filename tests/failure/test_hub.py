"""The hub: each unhandled failure arrives once, whoever listens and whatever they do."""

import copy
import gc
import io
import pickle
import sys
import threading
import time

import pytest

from selvage.failure import Failure, Report, flush, report, set_default_reporter, subscribe, unsubscribe

from .test_failure import caught


@pytest.fixture(autouse=True)
def reporter():
    """The default reporter replaced by a list of what it was given; every subscription undone in the end."""
    reports = []
    before = set_default_reporter(reports.append)
    from selvage.failure import _hub

    subscribers = _hub._subscribers
    yield reports
    _hub._subscribers = subscribers
    set_default_reporter(before)


@pytest.fixture
def subscriber():
    reports = []
    subscribe(reports.append)
    return reports


@pytest.fixture
def printing(reporter):
    """The reporter that prints, as it is without any set-up."""
    from selvage.failure import _hub

    set_default_reporter(_hub._print_report)


# --- What arrives ----------------------------------------------------------------------------------------------


def test_report_tells_all(reporter, subscriber):
    made = caught()
    before = time.time()
    report(made, "Unhandled error in Deferred:", source="deferred", deferred="<Deferred>")
    (got,) = subscriber
    assert got.failure is made
    assert got.message == "Unhandled error in Deferred:"
    assert got.source == "deferred"
    assert got.context == {"deferred": "<Deferred>"}
    assert before <= got.time <= time.time()
    assert reporter == [got]


def test_defaults(subscriber):
    report(caught())
    (got,) = subscriber
    assert (got.message, got.source, got.context) == ("Unhandled error", "", {})


def test_report_of_an_exception(subscriber):
    error = ValueError("x")
    report(error)
    assert subscriber[0].failure.value is error


def test_report_of_something_that_is_no_exception(subscriber):
    made = Failure("text")
    report(made)
    report(made)
    assert [got.failure for got in subscriber] == [made]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()], ids=repr)
def test_report_of_exceptions_that_are_no_exception(subscriber, error):
    report(Failure(error))
    assert subscriber[0].failure.value is error


def test_report_is_a_value():
    made = caught()
    one = Report(made, "m", "s", {}, 1.0)
    assert one == Report(made, "m", "s", {}, 1.0)
    with pytest.raises(AttributeError):
        one.message = "other"


def test_without_anybody(reporter):
    set_default_reporter(None)
    report(caught())
    assert reporter == []


# --- Once ------------------------------------------------------------------------------------------------------


def test_the_same_failure_twice(subscriber):
    made = caught()
    report(made)
    report(made, "again", source="thread")
    assert len(subscriber) == 1


def test_the_same_exception_by_two_routes(subscriber):
    """A Deferred reports its failure, and the exception that was raised out of it comes another way."""
    made = caught()
    report(made)
    again = caught(made.raiseException)
    assert again is not made
    report(again)
    report(made.value)
    assert len(subscriber) == 1


def test_an_equal_exception_is_another(subscriber):
    for _ in range(3):
        report(caught())
    assert len(subscriber) == 3


class Equal(Exception):
    __hash__ = None

    def __eq__(self, other):
        return isinstance(other, Equal)


class Closed(Exception):
    """Lets nobody set or see an attribute."""

    __slots__ = ()

    def __setattr__(self, name, value):
        raise AttributeError(name)

    def __getattribute__(self, name):
        if name == "__dict__":
            raise AttributeError(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize("cls", [Equal, Closed, ValueError, OSError, ExceptionGroup])
def test_once_for_any_kind_of_exception(subscriber, cls):
    arguments = ("several", [KeyError()]) if cls is ExceptionGroup else ()
    one, other = cls(*arguments), cls(*arguments)
    for error in (one, other, one, other):
        report(Failure(error))
    assert len(subscriber) == 2


def test_a_copy_is_another(subscriber):
    error = caught().value
    report(error)
    report(copy.copy(error))
    report(copy.deepcopy(error))
    assert len(subscriber) == 3


def test_an_unpickled_exception_is_another(subscriber):
    """Even where it comes to lie at the same address."""
    for _ in range(5):
        error = caught().value
        report(error)
        pickled = pickle.dumps(error)
        assert b"selvage" not in pickled.replace(b"__selvage_reported__", b"")
        del error
        report(pickle.loads(pickled))
        subscriber[:] = [len(subscriber)]
        assert subscriber.pop() == 2


def test_reporting_keeps_nothing_alive():
    import weakref

    set_default_reporter(None)

    class Mine(Exception):
        pass

    def leave():
        raise Mine

    made = caught(leave)
    gone = weakref.ref(made.value)
    report(made)
    del made
    gc.collect()
    assert gone() is None


def test_two_threads_report_the_same(subscriber):
    for _ in range(50):
        made = caught()
        ready = threading.Barrier(4)

        def work(made=made, ready=ready):
            ready.wait()
            report(made)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(subscriber) == 50


def test_many_threads_lose_nothing(subscriber):
    def work():
        for _ in range(100):
            report(caught())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(subscriber) == 800


# --- Subscribers -----------------------------------------------------------------------------------------------


def test_unsubscribe(subscriber):
    others = []
    subscribe(others.append)
    report(caught())
    unsubscribe(others.append)
    report(caught())
    assert (len(subscriber), len(others)) == (2, 1)


def test_subscribing_twice_is_once():
    got = []
    function = got.append
    subscribe(function)
    subscribe(function)
    report(caught())
    assert len(got) == 1
    unsubscribe(function)
    report(caught())
    assert len(got) == 1


def test_unsubscribing_a_stranger():
    with pytest.raises(ValueError, match="not subscribed"):
        unsubscribe(print)


def test_subscribing_nonsense():
    with pytest.raises(TypeError, match="'text'"):
        subscribe("text")


def test_set_default_reporter_gives_the_one_before(reporter):
    first = set_default_reporter(None)
    assert first == reporter.append
    assert set_default_reporter(first) is None
    report(caught())
    assert len(reporter) == 1


def test_the_default_reporter_comes_first():
    order = []
    set_default_reporter(lambda record: order.append("reporter"))
    subscribe(lambda record: order.append("subscriber"))
    report(caught())
    assert order == ["reporter", "subscriber"]


def test_a_subscriber_may_unsubscribe_itself(subscriber):
    def once(record):
        unsubscribe(once)

    subscribe(once)
    report(caught())
    report(caught())
    assert len(subscriber) == 2


# --- Trouble ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), SystemExit(2)], ids=repr)
def test_a_subscriber_that_raises(reporter, error):
    """It is reported to the default reporter alone; the others get what they would have got."""
    after = []

    def broken(record):
        raise error

    subscribe(broken)
    subscribe(after.append)
    made = caught()
    report(made)
    assert [got.failure for got in after] == [made]
    first, second = reporter
    assert first.failure is made
    assert second.failure.value is error
    assert second.source == "subscriber"
    assert "broken" in second.message


def test_a_subscriber_that_reports(reporter, subscriber):
    """What it leaves over reaches everybody else, and does not come back to it."""
    calls = []

    def busy(record):
        calls.append(record)
        report(caught(), "made by the subscriber")

    subscribe(busy)
    report(caught(), "the first")
    assert [got.message for got in calls] == ["the first"]
    assert sorted(got.message for got in subscriber) == ["made by the subscriber", "the first"]
    assert len(reporter) == 2


def test_subscribers_that_set_each_other_off(reporter):
    """Each report makes the other one report; it ends."""

    def one(record):
        report(caught(), "from one")

    def other(record):
        report(caught(), "from other")

    subscribe(one)
    subscribe(other)
    report(caught(), "the first")
    assert len(reporter) == 5


def test_a_subscriber_in_one_thread_does_not_deafen_another(subscriber):
    entered, leave = threading.Event(), threading.Event()

    def slow(record):
        if record.message == "slow":
            entered.set()
            leave.wait(10)

    subscribe(slow)
    thread = threading.Thread(target=report, args=(caught(), "slow"))
    thread.start()
    assert entered.wait(10)
    report(caught(), "meanwhile")
    assert "meanwhile" in [got.message for got in subscriber]
    leave.set()
    thread.join()


def test_reporting_from_a_finalizer_during_a_report(subscriber):
    class Leaver:
        def __del__(self):
            report(caught(), "from the finalizer")

    holders = [Leaver()]

    def dropping(record):
        holders.clear()

    subscribe(dropping)
    report(caught(), "the first")
    assert [got.message for got in subscriber] == ["the first", "from the finalizer"]


def test_a_reporter_that_raises(monkeypatch, subscriber):
    """The real standard error is what is left; the subscribers do not notice."""
    monkeypatch.setattr(sys, "__stderr__", io.StringIO())

    def broken(record):
        raise KeyError("reporter")

    set_default_reporter(broken)
    report(caught())
    text = sys.__stderr__.getvalue()
    assert "ZeroDivisionError" in text
    assert "KeyError" in text
    assert len(subscriber) == 1


def test_a_reporter_that_reports(monkeypatch):
    monkeypatch.setattr(sys, "__stderr__", io.StringIO())
    calls = []

    def busy(record):
        calls.append(record)
        report(caught())

    set_default_reporter(busy)
    report(ValueError("first"))
    assert len(calls) == 1
    assert "ZeroDivisionError" in sys.__stderr__.getvalue()


def test_no_standard_error_at_all(monkeypatch, printing, subscriber):
    """Programs without a console have None there."""
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "__stderr__", None)
    report(caught())
    assert len(subscriber) == 1


class Broken(io.StringIO):
    def write(self, text):
        raise OSError("disk full")


def test_standard_error_that_is_closed(monkeypatch, printing, subscriber):
    monkeypatch.setattr(sys, "stderr", Broken())
    monkeypatch.setattr(sys, "__stderr__", Broken())
    report(caught())
    assert len(subscriber) == 1


def test_a_failure_without_anything_in_it(monkeypatch, subscriber):
    """Not even this much may disturb whoever reports."""
    monkeypatch.setattr(sys, "__stderr__", io.StringIO())
    report(Failure.__new__(Failure))
    assert subscriber == []
    assert "could not be reported" in sys.__stderr__.getvalue()


# --- What is printed -------------------------------------------------------------------------------------------


def test_printed(printing, capsys):
    made = caught()
    report(
        made,
        "Unhandled error in timer:",
        source="timer",
        timer=[1, 2],
        text="words",
        sites="made there\nfired here\n",
    )
    assert capsys.readouterr().err == (
        "Unhandled error in timer:\n  timer: [1, 2]\n  text: words\n  sites:\nmade there\nfired here\n"
        + made.getTraceback()
        + "\n"
    )


def test_long_facts_are_cut(printing, capsys):
    report(caught(), fact=["x" * 10000])
    assert len(capsys.readouterr().err) < 1500


def test_long_texts_are_not(printing, capsys):
    report(caught(), sites="x" * 10000)
    assert "x" * 10000 in capsys.readouterr().err


def test_broken_facts_are_described(printing, capsys):
    class Bad:
        def __repr__(self):
            raise ValueError

    report(caught(), fact=Bad())
    assert "whose repr raised ValueError" in capsys.readouterr().err


def test_printed_in_one_write(printing, monkeypatch):
    writes = []

    class Stream(io.StringIO):
        def write(self, text):
            writes.append(text)
            return len(text)

    monkeypatch.setattr(sys, "stderr", Stream())
    report(caught())
    assert len(writes) == 1


@pytest.mark.parametrize("offset", range(12))
@pytest.mark.parametrize("reporter_prints", [False, True])
def test_where_the_stack_ends_the_callers_tell_of_it(offset, reporter_prints, subscriber, printing, capsys):
    """Whatever little is left where `report` is called, a frame further out has room for the failure that comes of it."""
    if not reporter_prints:
        set_default_reporter(None)

    def deeper():
        try:
            deeper()
        except RecursionError:
            report(Failure(), "at the end")

    def at_depth(frames):
        if frames:
            at_depth(frames - 1)
        else:
            deeper()

    at_depth(offset)
    assert subscriber
    assert all(each.failure.check(RecursionError) for each in subscriber)


def test_where_the_stack_ends_a_failure_of_a_finalizer_is_kept(subscriber, monkeypatch):
    """What a finalizer raises reaches nobody: whoever reports next, or the end of the program, tells of the failure."""
    monkeypatch.setattr(sys, "unraisablehook", lambda args: None)
    set_default_reporter(None)

    class Leaving:
        def __del__(self):
            report(self.failure, "left over", source="finalizer")

    def room_for(frames):
        if frames:
            room_for(frames - 1)

    def at_depth(frames):
        if frames:
            at_depth(frames - 1)
        else:
            room_for(3)  # for the finalizer and `report`
            left_over.pop()

    kept = 0
    for left in range(1, 60):
        leaving = Leaving()
        leaving.failure = caught()
        left_over = [leaving]
        del leaving
        try:
            at_depth(sys.getrecursionlimit() - left)
        except RecursionError:
            left_over.clear()
        kept += len(subscriber) < left
        flush()
        assert len(subscriber) == left
    assert kept
