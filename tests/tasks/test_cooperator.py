"""`Cooperator` and its tasks: turns, pauses, ends."""

from __future__ import annotations

import contextvars
import gc

import pytest

import selvage
from selvage.defer import Deferred
from selvage.errors import NotPaused, SchedulerStopped, TaskDone, TaskFailed, TaskStopped
from selvage.tasks import Clock, Cooperator, _theCooperator, coiterate, cooperate
from tests.reports import collected_reports


class Turns:
    """A scheduler that a test turns by hand."""

    def __init__(self):
        self.waiting = []

    def __call__(self, turn):
        call = Call(turn, self.waiting)
        self.waiting.append(call)
        return call

    def turn(self):
        waiting, self.waiting[:] = list(self.waiting), []
        for call in waiting:
            call.turn()


class Call:
    def __init__(self, turn, waiting):
        self.turn, self.waiting = turn, waiting

    def cancel(self):
        self.waiting.remove(self)


@pytest.fixture
def turns():
    return Turns()


@pytest.fixture
def one_step(turns):
    """A cooperator that takes one step a turn."""
    return Cooperator(terminationPredicateFactory=lambda: lambda: True, scheduler=turns)


@pytest.fixture
def reports():
    with collected_reports() as seen:
        yield seen


def counting(seen, name="", stop=None):
    number = 0
    while stop is None or number < stop:
        number += 1
        seen.append(f"{name}{number}")
        yield None


def test_tasks_take_turns(turns, one_step):
    seen = []
    for name in "abc":
        one_step.cooperate(counting(seen, name, stop=2))
    for _ in range(6):
        turns.turn()
    assert seen == ["a1", "b1", "c1", "a2", "b2", "c2"]


def test_a_turn_lasts_until_the_predicate_ends_it(turns):
    seen, steps = [], []

    def factory():
        steps.append(0)

        def ends():
            steps[-1] += 1
            return steps[-1] == 3

        return ends

    cooperator = Cooperator(terminationPredicateFactory=factory, scheduler=turns)
    cooperator.cooperate(counting(seen))
    turns.turn()
    turns.turn()
    assert steps == [3, 3]
    assert seen == ["1", "2", "3", "4", "5", "6"]


def test_by_default_a_turn_ends_after_some_time(turns):
    cooperator = Cooperator(scheduler=turns)
    endless = cooperator.cooperate(counting([]))
    turns.turn()
    assert len(turns.waiting) == 1
    endless.stop()


def test_fires_with_the_iterator_when_it_is_exhausted(turns, one_step):
    seen, iterator = [], iter([1, 2])
    one_step.coiterate(iterator).addCallback(seen.append)
    for _ in range(3):
        turns.turn()
    assert seen == [iterator]
    assert turns.waiting == []


def test_coiterate_fires_the_deferred_it_is_given(turns, one_step):
    done = Deferred()
    assert one_step.coiterate(iter([]), done) is done
    turns.turn()
    assert done.called


def test_fails_with_what_the_iterator_raises(turns, one_step):
    def stumble():
        raise ValueError("stumbled")
        yield

    seen = []
    one_step.coiterate(stumble()).addErrback(seen.append)
    turns.turn()
    assert seen[0].getErrorMessage() == "stumbled"
    assert [frame[0] for frame in seen[0].frames] == ["stumble"]


def test_waits_for_a_yielded_deferred(turns, one_step):
    waiting, seen = Deferred(), []

    def work():
        yield waiting
        seen.append("went on")

    one_step.cooperate(work())
    turns.turn()
    assert turns.waiting == []
    waiting.callback("x")
    assert seen == []
    turns.turn()
    assert seen == ["went on"]


def test_a_yielded_deferred_that_fails_ends_the_task(turns, one_step):
    waiting, seen = Deferred(), []
    task = one_step.cooperate(iter([waiting, 2]))
    task.whenDone().addErrback(seen.append)
    turns.turn()
    waiting.errback(ValueError("not coming"))
    assert seen[0].getErrorMessage() == "not coming"
    with pytest.raises(TaskFailed) as caught:
        task.stop()
    assert isinstance(caught.value.__cause__, ValueError)


def test_pauses_add_up(turns, one_step):
    seen = []
    task = one_step.cooperate(counting(seen))
    task.pause()
    task.pause()
    task.resume()
    turns.turn()
    assert seen == []
    task.resume()
    turns.turn()
    assert seen == ["1"]
    with pytest.raises(NotPaused, match="once for each pause"):
        task.resume()


def test_paused_while_it_waits(turns, one_step):
    waiting, seen = Deferred(), []

    def work():
        yield waiting
        seen.append("went on")
        yield

    task = one_step.cooperate(work())
    turns.turn()
    task.pause()
    waiting.callback(None)
    turns.turn()
    assert seen == []
    task.resume()
    turns.turn()
    assert seen == ["went on"]


def test_may_pause_itself(turns, one_step):
    seen = []

    def work():
        seen.append(1)
        task.pause()
        yield
        seen.append(2)
        yield

    task = one_step.cooperate(work())
    turns.turn()
    turns.turn()
    assert seen == [1]
    task.resume()
    turns.turn()
    assert seen == [1, 2]


def test_stop_ends_a_task(turns, one_step):
    seen, ends = [], []
    task = one_step.cooperate(counting(seen))
    task.whenDone().addErrback(lambda reason: ends.append(reason.type))
    task.stop()
    assert ends == [TaskStopped]
    assert turns.waiting == []
    for method in (task.stop, task.pause):
        with pytest.raises(TaskStopped, match=r"is over; whenDone\(\) tells"):
            method()


def test_resuming_a_task_that_was_stopped_while_paused_does_nothing(turns, one_step):
    seen = []
    task = one_step.cooperate(counting(seen))
    task.pause()
    task.stop()
    task.resume()
    turns.turn()
    assert seen == []


def test_stopping_a_finished_task_says_how_it_ended(turns, one_step):
    task = one_step.cooperate(iter([]))
    turns.turn()
    with pytest.raises(TaskDone):
        task.stop()
    assert "TaskDone" in repr(task)


def test_when_done_gives_each_asker_a_deferred_of_its_own(turns, one_step):
    seen = []
    task = one_step.cooperate(iter([]))
    for number in (1, 2):
        task.whenDone().addCallback(lambda _, number=number: number).addCallback(seen.append)
    turns.turn()
    task.whenDone().addCallback(seen.append)
    assert seen == [1, 2, task._iterator]


def test_when_done_after_a_failure(turns, one_step):
    seen = []
    task = one_step.cooperate(iter(int, 0) if False else (1 / 0 for _ in "x"))
    turns.turn()
    task.whenDone().addErrback(lambda reason: seen.append(reason.type))
    assert seen == [ZeroDivisionError]


def test_a_failure_that_nobody_asked_about_reaches_the_hub(turns, one_step, reports):
    task = one_step.cooperate(1 / 0 for _ in "x")
    turns.turn()
    gc.collect()
    assert reports == []
    del task
    gc.collect()
    assert [report.failure.type for report in reports] == [ZeroDivisionError]


@pytest.mark.parametrize("ask", ["whenDone", "stop", "pause"])
def test_a_failure_that_somebody_was_told_of_does_not(turns, one_step, reports, ask):
    task = one_step.cooperate(1 / 0 for _ in "x")
    turns.turn()
    if ask == "whenDone":
        task.whenDone().addErrback(lambda _: None)
    else:
        with pytest.raises(TaskFailed):
            getattr(task, ask)()
    del task
    gc.collect()
    assert reports == []


def test_the_failure_of_a_deferred_after_stop_stays_with_it(turns, one_step):
    """The task no longer waits for it; whoever made it may still handle it."""
    waiting, seen = Deferred(), []
    task = one_step.cooperate(iter([waiting]))
    turns.turn()
    task.stop()
    waiting.errback(ValueError("too late"))
    waiting.addErrback(seen.append)
    assert seen[0].getErrorMessage() == "too late"
    with pytest.raises(TaskStopped):
        task.stop()


def test_stopping_the_cooperator_ends_its_tasks(turns, one_step):
    ends = []
    one_step.coiterate(counting([])).addErrback(lambda reason: ends.append(reason.type))
    one_step.stop()
    assert ends == [SchedulerStopped]
    assert (one_step.running, turns.waiting) == (False, [])
    one_step.coiterate(counting([])).addErrback(lambda reason: ends.append(reason.type))
    assert ends == [SchedulerStopped] * 2
    assert repr(one_step) == "<Cooperator stopped, 0 tasks>"


def test_a_waiting_task_learns_of_it_when_its_wait_is_over(turns, one_step):
    waiting, ends = Deferred(), []
    one_step.coiterate(iter([waiting])).addErrback(lambda reason: ends.append(reason.type))
    turns.turn()
    one_step.stop()
    assert ends == []
    waiting.callback(None)
    assert ends == [SchedulerStopped]


def test_a_cooperator_may_be_started_later_and_again(turns):
    seen = []
    cooperator = Cooperator(lambda: lambda: True, turns, started=False)
    cooperator.cooperate(counting(seen))
    assert (cooperator.running, turns.waiting) == (False, [])
    cooperator.start()
    cooperator.start()
    assert (cooperator.running, len(turns.waiting)) == (True, 1)
    turns.turn()
    cooperator.stop()
    cooperator.start()
    assert cooperator.running
    cooperator.cooperate(counting(seen, "again "))
    turns.turn()
    assert seen == ["1", "again 1"]


def test_stopping_it_from_the_callback_of_a_task(turns, one_step):
    seen = []
    task = one_step.cooperate(iter([]))
    task.whenDone().addCallback(lambda _: one_step.stop()).addCallback(seen.append)
    turns.turn()
    assert seen == [None]


def test_the_turn_is_taken_back_when_no_task_is_left(turns, one_step):
    first, second = one_step.cooperate(counting([])), one_step.cooperate(counting([]))
    first.stop()
    assert len(turns.waiting) == 1
    second.pause()
    assert turns.waiting == []
    second.resume()
    assert len(turns.waiting) == 1


def test_a_predicate_that_raises_does_not_end_the_turns(turns):
    failing = [True]

    def factory():
        if failing.pop() if failing else False:
            raise RuntimeError("no predicate")
        return lambda: True

    seen = []
    cooperator = Cooperator(factory, turns)
    cooperator.cooperate(counting(seen))
    with pytest.raises(RuntimeError, match="no predicate"):
        turns.turn()
    turns.turn()
    assert seen == ["1"]


def test_tasks_of_a_program_that_is_over_do_not_go_on_in_the_next():
    """As when `selvage.run` is called again: the reactor is renewed and has dropped its timers."""
    clock, seen, ends = Clock(), [], []
    cooperator = Cooperator(lambda: lambda: True, lambda turn: clock.callLater(0, turn))
    cooperator.cooperate(counting(seen, "a")).whenDone().addErrback(lambda reason: ends.append(reason.type))
    clock.calls[0].cancel()
    cooperator.cooperate(counting(seen, "b", stop=2))
    assert ends == [SchedulerStopped]
    clock.advance(0)
    assert seen == ["b1", "b2"]


@pytest.mark.slow
def test_the_common_cooperator_serves_one_program_after_the_other():
    async def endless():
        cooperate(iter(int, 1))
        await coiterate(iter(range(3)))

    async def next_program():
        await coiterate(iter(range(3)))
        return len(_theCooperator._tasks)

    selvage.run(endless)
    assert selvage.run(next_program) == 0


def test_steps_run_in_the_context_in_which_the_task_was_made(turns, one_step):
    var, seen = contextvars.ContextVar("var"), []

    def work():
        while True:
            seen.append(var.get())
            var.set(var.get() + "'")
            yield

    var.set("a")
    one_step.cooperate(work())
    var.set("b")
    one_step.cooperate(work())
    var.set("outside")
    for _ in range(4):
        turns.turn()
    assert seen == ["a", "b", "a'", "b'"]
    assert var.get() == "outside"


def test_ten_thousand_waiting_tasks_leave_and_return_cheaply(turns):
    """Leaving the round is one operation of a dict, not a search."""
    cooperator = Cooperator(scheduler=turns)
    tasks = [cooperator.cooperate(counting([])) for _ in range(10_000)]
    for task in reversed(tasks):
        task.pause()
    assert len(cooperator._tasks) == 0
    for task in tasks:
        task.resume()
    assert list(cooperator._tasks) == tasks
    cooperator.stop()


def test_repr_names_the_state(turns, one_step):
    task = one_step.cooperate(counting([]))
    assert repr(task).startswith("<CooperativeTask running of <generator")
    task.pause()
    task.pause()
    assert "paused 2 x" in repr(task)
    assert repr(one_step) == "<Cooperator running, 0 tasks>"
    assert repr(Cooperator(started=False)) == "<Cooperator not started, 0 tasks>"


def test_the_common_cooperator_is_running():
    assert _theCooperator.running
