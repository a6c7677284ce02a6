"""The resolver that remembers, on a clock of its own."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from selvage.addresses import IPv4Address, IPv6Address
from selvage.interfaces import IHostnameResolver
from selvage.reactor import CachingResolver, HostResolution
from selvage.tasks import Clock
from tests.reactor.test_resolver import Receiver


class Asked:
    """A resolver that notes who asks, and answers when told to."""

    def __init__(self, at_once=None):
        self.questions = []
        self.receivers = []
        self.cancelled = []
        self.at_once = at_once

    def resolveHostName(self, receiver, name, port=0, kinds=None, semantics="TCP"):
        self.questions.append((name, port, kinds, semantics))
        self.receivers.append(receiver)
        resolution = HostResolution(name, lambda: self.cancelled.append(name))
        receiver.resolutionBegan(resolution)
        if self.at_once is not None:
            self.answer(-1, *self.at_once)
        return resolution

    def answer(self, which, *addresses):
        for address in addresses:
            self.receivers[which].addressResolved(address)
        self.receivers[which].resolutionComplete()


ONE = IPv4Address("TCP", "10.0.0.1", 80)
TWO = IPv6Address("TCP", "::1", 80)


@pytest.fixture
def asked():
    return Asked()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(asked, clock):
    return CachingResolver(asked, clock, ttl_s=60, negative_ttl_s=5, max_entries=3)


def ask(cache, name="host.example", *args):
    receiver = Receiver()
    assert cache.resolveHostName(receiver, name, *args) is receiver.resolution
    return receiver


def test_an_answer_is_remembered_for_its_time(cache, asked, clock):
    first = ask(cache)
    assert first.events == ["began"]
    asked.answer(0, ONE, TWO)
    assert first.events == ["began", ONE, TWO, "complete"]
    clock.advance(59.9)
    assert ask(cache).events == ["began", ONE, TWO, "complete"]
    assert ask(cache, "HOST.example").events == ["began", ONE, TWO, "complete"]
    assert len(asked.questions) == 1
    clock.advance(0.1)
    assert ask(cache).events == ["began"]
    assert len(asked.questions) == 2


def test_that_a_name_is_not_there_is_remembered_for_less(cache, asked, clock):
    assert ask(cache).events == ["began"]
    asked.answer(0)
    clock.advance(4.9)
    assert ask(cache).events == ["began", "complete"]
    clock.advance(0.1)
    assert ask(cache).events == ["began"]
    assert len(asked.questions) == 2


def test_that_a_name_is_not_there_can_be_forgotten_at_once(asked, clock):
    cache = CachingResolver(asked, clock, negative_ttl_s=0)
    ask(cache)
    asked.answer(0)
    ask(cache)
    assert len(asked.questions) == 2


def test_different_questions_have_different_answers(cache, asked):
    questions = [
        ("host.example", 80, None, "TCP"),
        ("host.example", 81, None, "TCP"),
        ("host.example", 80, [IPv4Address], "TCP"),
        ("host.example", 80, None, "UDP"),
        ("other.example", 80, None, "TCP"),
    ]
    for question in questions:
        ask(cache, *question)
    assert asked.questions == questions


def test_the_answer_that_was_not_asked_for_longest_goes_first(cache, asked):
    for number, name in enumerate("abc"):
        ask(cache, name)
        asked.answer(number, ONE)
    ask(cache, "a")
    ask(cache, "d")
    asked.answer(3, ONE)
    for name in "acd":
        assert ask(cache, name).events[-1] == "complete"
    assert ask(cache, "b").events == ["began"]
    assert "3 of 3 answers, 1 under way" in repr(cache)


def test_one_question_serves_all_who_ask_meanwhile(cache, asked):
    first = ask(cache)
    asked.receivers[0].addressResolved(ONE)
    second = ask(cache)
    assert second.events == ["began", ONE]
    asked.answer(0, TWO)
    assert first.events == second.events == ["began", ONE, TWO, "complete"]
    assert len(asked.questions) == 1


def test_who_cancels_hears_no_more_and_the_others_do(cache, asked):
    first, second = ask(cache), ask(cache)
    first.resolution.cancel()
    first.resolution.cancel()
    assert asked.cancelled == []
    asked.answer(0, ONE)
    assert first.events == ["began"]
    assert second.events == ["began", ONE, "complete"]


def test_the_question_is_taken_back_with_the_last_who_cancels(cache, asked):
    receivers = [ask(cache), ask(cache)]
    for receiver in receivers:
        receiver.resolution.cancel()
    assert asked.cancelled == ["host.example"]
    asked.receivers[0].resolutionComplete()  # a resolver that cannot stop
    assert [receiver.events for receiver in receivers] == [["began"], ["began"]]
    assert ask(cache).events == ["began"], "nothing is known of it"
    assert len(asked.questions) == 2


def test_who_cancels_at_once_asks_nothing(cache, asked):
    class Never(Receiver):
        def resolutionBegan(self, resolution):
            super().resolutionBegan(resolution)
            resolution.cancel()

    cache.resolveHostName(Never(), "host.example")
    assert asked.questions == []
    ask(cache)
    asked.answer(0, ONE)
    receiver = Never()
    cache.resolveHostName(receiver, "host.example")
    assert receiver.events == ["began"]


def test_who_cancels_between_two_addresses_hears_no_more(cache, asked):
    class Once(Receiver):
        def addressResolved(self, address):
            super().addressResolved(address)
            self.resolution.cancel()

    first = Once()
    cache.resolveHostName(first, "host.example")
    ask(cache)
    asked.answer(0, ONE, TWO)
    again = Once()
    cache.resolveHostName(again, "host.example")
    assert first.events == again.events == ["began", ONE]


def test_a_receiver_that_raises_is_reported_and_the_others_are_told(cache, asked, reports):
    first, second = ask(cache), ask(cache)
    first.addressResolved = lambda address: 1 / 0
    asked.answer(0, ONE)
    assert first.events == ["began", "complete"]
    assert second.events == ["began", ONE, "complete"]
    assert reports.pop().failure.check(ZeroDivisionError)


def test_a_resolver_that_raises_leaves_nothing_behind(clock):
    class Broken:
        def resolveHostName(self, *args):
            raise ZeroDivisionError

    cache = CachingResolver(Broken(), clock)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            cache.resolveHostName(Receiver(), "host.example")


def test_a_resolver_that_answers_at_once(clock):
    asked = Asked(at_once=[ONE])
    cache = CachingResolver(asked, clock)
    for _ in range(2):
        assert ask(cache).events == ["began", ONE, "complete"]
    assert len(asked.questions) == 1


def test_forgetting(cache, asked):
    ask(cache)
    asked.answer(0, ONE)
    under_way = ask(cache, "slow.example")
    cache.forget()
    ask(cache)
    assert len(asked.questions) == 3
    asked.answer(1, TWO)
    assert under_way.events == ["began", TWO, "complete"]
    assert ask(cache, "slow.example").events == ["began"], "what was asked before is not remembered after"


@pytest.mark.parametrize(
    "numbers", [{"ttl_s": 0}, {"ttl_s": float("nan")}, {"negative_ttl_s": -1}, {"max_entries": 0}]
)
def test_a_cache_that_would_remember_nothing_is_refused(asked, clock, numbers):
    with pytest.raises(ValueError, match=next(iter(numbers))):
        CachingResolver(asked, clock, **numbers)


def test_it_is_installed_as_any_resolver_and_nothing_is_remembered_without_it(reactor):
    assert IHostnameResolver.implementedBy(CachingResolver)
    reactor.installNameResolver(CachingResolver(reactor.nameResolver, reactor))
    results = []
    reactor.resolve("localhost").addCallback(results.append)
    reactor.resolve("localhost").addCallback(results.append)
    assert results == ["127.0.0.1"] * 2
    assert len(reactor.nameResolver._entries) == 1


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 90), st.booleans()), max_size=60))
def test_it_never_keeps_more_than_it_may_and_never_tells_what_is_old(steps):
    clock = Clock()
    asked = Asked()
    cache = CachingResolver(asked, clock, ttl_s=60, negative_ttl_s=5, max_entries=3)
    answered = {}
    for name, pause, known in steps:
        clock.advance(pause)
        questions = len(asked.questions)
        receiver = ask(cache, name)
        if len(asked.questions) > questions:
            asked.answer(-1, *([ONE] if known else []))
            answered[name] = clock.seconds(), known
        when, was_known = answered[name]
        assert clock.seconds() - when < (60 if was_known else 5)
        assert receiver.events == (["began", ONE, "complete"] if was_known else ["began", "complete"])
        assert len(cache._entries) <= 3
