"""Resolvers, stepped by hand, and names of this machine."""

from __future__ import annotations

import socket
import threading
from socket import AF_INET, AF_INET6, AF_UNSPEC, EAI_NONAME, SOCK_DGRAM, SOCK_STREAM, gaierror

import pytest

from selvage._hostnames import _idnaBytes
from selvage.addresses import IPv4Address, IPv6Address
from selvage.defer import Deferred, fail, succeed
from selvage.errors import CancelledError, DNSLookupError
from selvage.interfaces import IHostnameResolver, IReactorPluggableNameResolver, IResolverSimple
from selvage.reactor import (
    BlockingResolver,
    ComplexResolverSimplifier,
    FirstOneWins,
    GAIResolver,
    HostResolution,
    PluggableResolverMixin,
    SimpleResolverComplexifier,
    ThreadedResolver,
    ThreadPool,
    run,
)
from selvage.reactor._hosts import HostsFile
from selvage.reactor._team import LockWorker, Team, createMemoryWorker
from selvage.tasks import Clock


class Receiver:
    def __init__(self):
        self.events = []

    def resolutionBegan(self, resolution):
        self.resolution = resolution
        self.events.append("began")

    def addressResolved(self, address):
        self.events.append(address)

    def resolutionComplete(self):
        self.events.append("complete")


class Stepped:
    """A thread pool and a reactor that do one thing when told to, and a getaddrinfo that answers from a table."""

    def __init__(self):
        worker, self.work = createMemoryWorker()
        team = Team(LockWorker(threading.Lock(), threading.local()), lambda: worker, lambda: None)

        class Pool(ThreadPool):
            def _pool(self, currentLimit, threadFactory):
                return team

        self.pool = Pool(0, 1)
        reactor_worker, self.react = createMemoryWorker()
        self.calls = []
        self.answers = {}
        self.resolver = GAIResolver(self, lambda: self.pool, self.getaddrinfo)
        self.do = reactor_worker.do

    def callFromThread(self, f, *args, **kwargs):
        self.do(lambda: f(*args, **kwargs))

    def getaddrinfo(self, host, port, family=0, socktype=0, proto=0, flags=0):
        self.calls.append((host, port, family, socktype))
        answer = self.answers.get(host, gaierror(EAI_NONAME, "no such name"))
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def finish(self):
        while self.work() or self.react():
            pass


def test_all_addresses_are_delivered_with_port_and_kind():
    stepped = Stepped()
    stepped.answers["host.example"] = [
        (AF_INET, SOCK_STREAM, 6, "", ("10.0.0.1", 80)),
        (AF_INET6, SOCK_STREAM, 6, "", ("fe80::1", 80, 1, 2)),
        (AF_INET, SOCK_DGRAM, 17, "", ("10.0.0.2", 80)),
        (12345, SOCK_STREAM, 6, "", ("nothing we know", 80)),
    ]
    receiver = Receiver()
    resolution = stepped.resolver.resolveHostName(receiver, "host.example", 80)
    assert receiver.resolution is resolution
    assert resolution.name == "host.example"
    assert receiver.events == ["began"]
    stepped.finish()
    assert receiver.events == [
        "began",
        IPv4Address("TCP", "10.0.0.1", 80),
        IPv6Address("TCP", "fe80::1", 80, 1, 2),
        IPv4Address("UDP", "10.0.0.2", 80),
        "complete",
    ]
    resolution.cancel()


@pytest.mark.parametrize("error", [gaierror(EAI_NONAME, "no"), UnicodeError("label too long")])
def test_a_name_that_is_none_gives_no_address_and_no_report(error, reports):
    stepped = Stepped()
    stepped.answers["host.example"] = error
    receiver = Receiver()
    stepped.resolver.resolveHostName(receiver, "host.example")
    stepped.finish()
    assert receiver.events == ["began", "complete"]


def test_another_error_is_reported_and_ends_the_resolution(reports):
    stepped = Stepped()
    stepped.answers["host.example"] = ZeroDivisionError()
    receiver = Receiver()
    stepped.resolver.resolveHostName(receiver, "host.example")
    stepped.finish()
    assert receiver.events == ["began", "complete"]
    assert reports.pop().failure.check(ZeroDivisionError)


def test_a_receiver_that_raises_is_reported(reports):
    stepped = Stepped()
    receiver = Receiver()
    receiver.resolutionComplete = lambda: 1 / 0
    stepped.resolver.resolveHostName(receiver, "host.example")
    stepped.finish()
    assert reports.pop().failure.check(ZeroDivisionError)


@pytest.mark.parametrize(
    ("kinds", "family"),
    [
        (None, AF_UNSPEC),
        ([IPv4Address], AF_INET),
        ([IPv6Address], AF_INET6),
        ([IPv4Address, IPv6Address], AF_UNSPEC),
    ],
)
def test_kinds_of_address_that_are_wanted(kinds, family):
    stepped = Stepped()
    stepped.resolver.resolveHostName(Receiver(), "host.example", 1, kinds, "UDP")
    stepped.finish()
    assert stepped.calls == [("host.example", 1, family, SOCK_DGRAM)]


def test_a_cancelled_resolution_is_not_heard_of_again(reports):
    stepped = Stepped()
    receiver = Receiver()
    stepped.resolver.resolveHostName(receiver, "host.example")
    receiver.resolution.cancel()
    receiver.resolution.cancel()
    stepped.finish()
    assert receiver.events == ["began"]


def test_literals_are_answered_at_once(reactor):
    for literal, kinds, expected in (
        ("127.0.0.1", None, [IPv4Address("TCP", "127.0.0.1", 7)]),
        ("127.0.0.1", [IPv4Address], [IPv4Address("TCP", "127.0.0.1", 7)]),
        ("::1", [IPv6Address], [IPv6Address("TCP", "::1", 7)]),
    ):
        receiver = Receiver()
        reactor.nameResolver.resolveHostName(receiver, literal, 7, kinds)
        assert receiver.events == ["began", *expected, "complete"]
    assert reactor.threadpool is None


@pytest.mark.parametrize(
    ("literal", "kinds"),
    [("127.0.0.1", [IPv6Address]), ("::1", [IPv4Address]), ("127.1", [IPv6Address]), ("fe80::1%none", None)],
)
def test_a_literal_of_a_kind_that_is_not_wanted_is_no_answer(reactor, literal, kinds):
    receiver = Receiver()
    reactor.nameResolver.resolveHostName(receiver, literal, 7, kinds)
    assert receiver.events == ["began", "complete"]
    assert reactor.threadpool is None


@pytest.mark.parametrize("name", ["127.1", "0x7f.1", "2130706433", "017700000001"])
def test_literals_in_the_forms_that_c_takes_need_no_thread(reactor, name):
    receiver = Receiver()
    reactor.nameResolver.resolveHostName(receiver, name, 7, transportSemantics="UDP")
    assert receiver.events == ["began", IPv4Address("UDP", "127.0.0.1", 7), "complete"]
    assert reactor.threadpool is None


def test_a_scoped_literal_has_its_scope_as_a_number(reactor):
    _, loopback = socket.if_nameindex()[0]
    receiver = Receiver()
    reactor.nameResolver.resolveHostName(receiver, f"fe80::1%{loopback}", 7)
    number = socket.if_nametoindex(loopback)
    assert receiver.events[1:-1] == [IPv6Address("TCP", "fe80::1", 7, 0, number)]


# -- what this machine knows itself -------------------------------------------------------------------------------------


@pytest.fixture
def hosts(reactor, tmp_path):
    """Writes the hosts file of a reactor."""
    path, services = tmp_path / "hosts", tmp_path / "nsswitch.conf"
    reactor.nameResolver._hosts = HostsFile(str(path), str(services))
    return path.write_text


def ask(reactor, *args, **kwargs):
    receiver = Receiver()
    reactor.nameResolver.resolveHostName(receiver, *args, **kwargs)
    assert reactor.threadpool is None, "a thread was asked"
    assert receiver.events[0] == "began"
    assert receiver.events[-1] == "complete"
    return receiver.events[1:-1]


def test_names_of_the_hosts_file_need_no_thread(reactor, hosts):
    hosts("10.0.0.1 one.example one\n::1 both\n127.0.0.1 both\n10.0.0.2 xn--bcher-kva.example\n")
    assert ask(reactor, "one", 80) == [IPv4Address("TCP", "10.0.0.1", 80)]
    assert ask(reactor, "ONE.example", 80, [IPv4Address], "UDP") == [IPv4Address("UDP", "10.0.0.1", 80)]
    assert set(ask(reactor, "both", 1)) == {IPv6Address("TCP", "::1", 1), IPv4Address("TCP", "127.0.0.1", 1)}
    assert ask(reactor, "both", 1, [IPv6Address]) == [IPv6Address("TCP", "::1", 1)]
    assert ask(reactor, "b\xfccher.example") == [IPv4Address("TCP", "10.0.0.2", 0)]


def test_localhost_needs_no_thread_whatever_the_hosts_file_says(reactor, hosts):
    assert ask(reactor, "localhost", 1, [IPv4Address]) == [IPv4Address("TCP", "127.0.0.1", 1)]
    assert ask(reactor, "localhost", 1, [IPv6Address]) == [IPv6Address("TCP", "::1", 1)]
    hosts("127.0.0.7 localhost\n")
    assert ask(reactor, "localhost", 1) == [IPv4Address("TCP", "127.0.0.7", 1)]


def test_a_family_that_the_hosts_file_does_not_have_is_asked_for(reactor, hosts, monkeypatch):
    hosts("10.0.0.1 one\n")
    reactor.nameResolver.resolveHostName(Receiver(), "one", 80, [IPv6Address])
    assert reactor.threadpool is not None
    reactor._stopThreadPool()


def test_a_receiver_that_cancels_hears_no_more(reactor, hosts):
    hosts("::1 both\n127.0.0.1 both\n")

    class Once(Receiver):
        def addressResolved(self, address):
            super().addressResolved(address)
            self.resolution.cancel()

    class Never(Receiver):
        def resolutionBegan(self, resolution):
            super().resolutionBegan(resolution)
            resolution.cancel()

    for receiver, heard in ((Once(), 2), (Never(), 1)):
        reactor.nameResolver.resolveHostName(receiver, "both")
        assert len(receiver.events) == heard


def test_a_receiver_that_raises_in_an_answer_at_once_is_reported(reactor, reports):
    receiver = Receiver()
    receiver.addressResolved = lambda address: 1 / 0
    reactor.nameResolver.resolveHostName(receiver, "127.0.0.1")
    assert receiver.events == ["began"]
    assert reports.pop().failure.check(ZeroDivisionError)


# -- what is no name ----------------------------------------------------------------------------------------------------

NO_NAMES = {
    "": "empty",
    ".": "empty",
    "two..dots": "empty",
    "\xe4..example": "empty",
    "x" * 64 + ".example": "63",
    ".".join(["x" * 50] * 6): "253",
    "\xfc" * 1_000_000: "253",
    "x" * 1_000_000: "253",
    "good.example\0.bad.example": r"x00",
    "good.example\nHost: bad": r"n",
    "good.example\r": r"r",
    "a space.example": "' '",
    "\xfc\u2028.example": "",
    "\ud800.example": "",
}


@pytest.mark.parametrize("name", NO_NAMES, ids=lambda name: ascii(name[:12]))
def test_what_is_no_name_has_no_address_and_uses_no_thread(reactor, name):
    assert ask(reactor, name, 80) == []


@pytest.mark.parametrize("name", [name for name in NO_NAMES if name], ids=lambda name: ascii(name[:12]))
def test_resolve_says_why_something_is_no_name(reactor, name):
    for resolver in (reactor.resolver, Simple(), ThreadedResolver(reactor), BlockingResolver()):
        reactor.installResolver(resolver)
        results = []
        reactor.resolve(name).addBoth(results.append)
        assert results[0].check(DNSLookupError)
        message = str(results[0].value)
        assert NO_NAMES[name] in message
        assert len(message) < 400
        assert "\n" not in message
        assert "\0" not in message
    assert reactor.threadpool is None
    assert reactor.getDelayedCalls() == []


def test_simple_resolvers_alone_say_why_something_is_no_name(reactor):
    for resolver in (BlockingResolver(), ThreadedResolver(reactor)):
        results = []
        resolver.getHostByName("good.example\0.bad.example").addBoth(results.append)
        assert results[0].check(DNSLookupError)
        assert r"\x00" in str(results[0].value)
    assert reactor.getDelayedCalls() == []


def test_bytes_are_a_name_when_they_are_ascii(reactor):
    assert ask(reactor, b"127.0.0.1", 1) == [IPv4Address("TCP", "127.0.0.1", 1)]
    assert ask(reactor, b"caf\xc3\xa9.example", 1) == []


def test_attack_051_the_length_of_a_name_is_looked_at_before_idna(reactor, monkeypatch):
    """CVE-2024-3651: encoding a long international name took quadratic time."""
    import idna

    monkeypatch.setattr(idna, "encode", lambda *args, **kwargs: pytest.fail("encoded"))
    assert ask(reactor, "\u0e33" * 100_000) == []
    simple = Simple()
    SimpleResolverComplexifier(simple).resolveHostName(Receiver(), "\u0e33" * 100_000)
    assert simple.asked == []


def test_attack_110_the_name_looked_up_is_the_one_a_certificate_is_checked_for():
    """IDNA 2003 takes two names for one that IDNA 2008, and with it the certificate's check, tells apart."""
    stepped = Stepped()
    stepped.resolver.resolveHostName(Receiver(), "fa\xdf.example")
    stepped.finish()
    assert stepped.calls[0][0] == _idnaBytes("fa\xdf.example").decode() == "xn--fa-hia.example"


def test_a_name_cancelled_while_it_waits_for_a_thread_is_not_looked_up():
    stepped = Stepped()
    receivers = [Receiver() for _ in range(100)]
    for receiver in receivers:
        stepped.resolver.resolveHostName(receiver, "host.example")
    for receiver in receivers[1:]:
        receiver.resolution.cancel()
    stepped.finish()
    assert len(stepped.calls) == 1
    assert [receiver.events[-1] for receiver in receivers] == ["complete"] + ["began"] * 99


def test_addresses_of_a_kind_that_was_not_asked_for_are_dropped(reports):
    stepped = Stepped()
    stepped.answers["host.example"] = [
        (AF_INET6, SOCK_STREAM, 6, "", ("::1", 80, 0, 0)),
        (AF_INET, SOCK_STREAM, 6, "", ("10.0.0.1", 80)),
    ]
    receiver = Receiver()
    stepped.resolver.resolveHostName(receiver, "host.example", 80, [IPv4Address])
    stepped.finish()
    assert receiver.events[1:-1] == [IPv4Address("TCP", "10.0.0.1", 80)]


# -- from one kind to the other ----------------------------------------------------------------------------------------


class Simple:
    def __init__(self):
        self.asked = []

    def getHostByName(self, name, timeout=()):
        self.cancelled = []
        self.asked.append((name, Deferred(self.cancelled.append)))
        return self.asked[-1][1]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("example.example", "example.example"),
        ("v\xe4\xe4ntynyt.example", "xn--vntynyt-5waa.example"),
        (b"bytes.example", "bytes.example"),
    ],
)
def test_a_simple_resolver_is_asked_in_ascii(name, asked):
    simple = Simple()
    SimpleResolverComplexifier(simple).resolveHostName(Receiver(), name)
    assert simple.asked[0][0] == asked


def test_a_simple_resolver_answers_as_a_complex_one(reports):
    for answer, events in (
        ("10.0.0.1", [IPv4Address("UDP", "10.0.0.1", 9)]),
        ("::1", [IPv6Address("UDP", "::1", 9)]),
    ):
        simple, receiver = Simple(), Receiver()
        SimpleResolverComplexifier(simple).resolveHostName(receiver, "host.example", 9, None, "UDP")
        assert receiver.events == ["began"]
        simple.asked[0][1].callback(answer)
        assert receiver.events == ["began", *events, "complete"]
    for error, reported in ((DNSLookupError("no"), 0), (ZeroDivisionError("odd"), 1)):
        simple, receiver = Simple(), Receiver()
        SimpleResolverComplexifier(simple).resolveHostName(receiver, "host.example")
        simple.asked[0][1].errback(error)
        assert receiver.events == ["began", "complete"]
        assert len(reports) == reported
        reports.clear()


def test_a_simple_resolver_that_changes_the_family_is_not_believed(reports):
    simple, receiver = Simple(), Receiver()
    SimpleResolverComplexifier(simple).resolveHostName(receiver, "host.example", 9, [IPv4Address])
    simple.asked[0][1].callback("::1")
    assert receiver.events == ["began", "complete"]


@pytest.mark.parametrize("answer", [None, "host.example", b"10.0.0.1", "10.0.0.1\n", 17])
def test_a_simple_resolver_that_answers_with_no_address_is_reported(reports, answer):
    simple, receiver = Simple(), Receiver()
    SimpleResolverComplexifier(simple).resolveHostName(receiver, "host.example", 9)
    simple.asked[0][1].callback(answer)
    assert receiver.events == ["began", "complete"]
    assert "no IP address" in str(reports.pop().failure.value)


def test_a_complex_resolver_that_changes_the_family_gives_no_simple_answer():
    class Six:
        def resolveHostName(self, receiver, name, *args):
            receiver.resolutionBegan(HostResolution(name))
            receiver.addressResolved(IPv6Address("TCP", "::1", 0))
            receiver.resolutionComplete()

    results = []
    ComplexResolverSimplifier(Six()).getHostByName("host.example").addBoth(results.append)
    assert results[0].check(DNSLookupError)


def test_a_receiver_that_raises_when_it_is_complete_is_reported(reports):
    simple, receiver = Simple(), Receiver()
    receiver.resolutionComplete = lambda: 1 / 0
    SimpleResolverComplexifier(simple).resolveHostName(receiver, "host.example")
    simple.asked[0][1].callback("10.0.0.1")
    assert reports.pop().failure.check(ZeroDivisionError)


def test_cancelling_goes_through_to_a_simple_resolver(reports):
    simple, receiver = Simple(), Receiver()
    SimpleResolverComplexifier(simple).resolveHostName(receiver, "host.example").cancel()
    assert len(simple.cancelled) == 1
    assert receiver.events == ["began"]


def test_a_complex_resolver_answers_as_a_simple_one(reports):
    stepped = Stepped()
    stepped.answers["host.example"] = [
        (AF_INET, SOCK_STREAM, 6, "", ("10.0.0.1", 0)),
        (AF_INET, SOCK_STREAM, 6, "", ("10.0.0.2", 0)),
    ]
    simple = ComplexResolverSimplifier(stepped.resolver)
    results = []
    simple.getHostByName("host.example").addBoth(results.append)
    simple.getHostByName("other.example").addBoth(results.append)
    cancelled = simple.getHostByName("host.example").addBoth(results.append)
    cancelled.cancel()
    assert results.pop().check(CancelledError)
    stepped.finish()
    assert results[0] == "10.0.0.1"
    assert results[1].check(DNSLookupError)
    assert "other.example" in results[1].getErrorMessage()
    assert stepped.calls[0][2] == AF_INET


def test_the_first_address_wins():
    result = Deferred()
    receiver = FirstOneWins(result)
    receiver.resolutionBegan(None)
    receiver.addressResolved(IPv4Address("TCP", "10.0.0.1", 0))
    receiver.addressResolved(IPv4Address("TCP", "10.0.0.2", 0))
    receiver.resolutionComplete()
    seen = []
    result.addCallback(seen.append)
    assert seen == ["10.0.0.1"]


# -- the simple ones ----------------------------------------------------------------------------------------------------


def test_blocking(monkeypatch):
    seen = []
    monkeypatch.setattr(socket, "gethostbyname", lambda name: "10.0.0.17")
    BlockingResolver().getHostByName("host.example").addBoth(seen.append)

    def refuse(name):
        raise OSError("the wire is cut")

    monkeypatch.setattr(socket, "gethostbyname", refuse)
    BlockingResolver().getHostByName("host.example").addBoth(seen.append)
    assert seen[0] == "10.0.0.17"
    assert seen[1].check(DNSLookupError)
    assert "host.example" in str(seen[1].value)
    assert "the wire is cut" in str(seen[1].value)


class ClockReactor(Stepped):
    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.callLater = self.clock.callLater

    def getThreadPool(self):
        return self.pool


def test_threaded(monkeypatch):
    reactor = ClockReactor()
    results = []
    answers = {"good.example": "10.0.0.17"}

    def look_up(name):
        if name == "odd.example":
            raise ZeroDivisionError
        if name not in answers:
            raise OSError("no such host")
        return answers[name]

    monkeypatch.setattr(socket, "gethostbyname", look_up)
    resolver = ThreadedResolver(reactor)
    for name in ("good.example", "bad.example", "odd.example"):
        resolver.getHostByName(name, (3, 7)).addBoth(results.append)
    reactor.finish()
    assert results[0] == "10.0.0.17"
    assert results[1].check(DNSLookupError)
    assert "bad.example" in str(results[1].value)
    assert results[2].check(ZeroDivisionError)
    assert reactor.clock.calls == []


def test_threaded_gives_up_when_it_takes_too_long(monkeypatch):
    reactor = ClockReactor()
    results = []
    monkeypatch.setattr(socket, "gethostbyname", lambda name: "10.0.0.17")
    resolver = ThreadedResolver(reactor)
    resolver.getHostByName("slow.example", (3, 7)).addBoth(results.append)
    resolver.getHostByName("patient.example", ()).addBoth(results.append)
    reactor.clock.advance(9)
    assert results == []
    reactor.clock.advance(1)
    assert results[0].check(DNSLookupError)
    assert "slow.example" in str(results[0].value)
    assert "10 seconds" in str(results[0].value)
    reactor.finish()
    assert results[1:] == ["10.0.0.17"]


# -- in a reactor -------------------------------------------------------------------------------------------------------


def test_resolvers_can_be_exchanged(reactor):
    assert IReactorPluggableNameResolver.providedBy(reactor)
    assert isinstance(reactor.nameResolver, GAIResolver)
    assert isinstance(reactor.resolver, ComplexResolverSimplifier)
    previous = reactor.nameResolver
    simple = Simple()
    assert isinstance(reactor.installResolver(simple), ComplexResolverSimplifier)
    assert reactor.resolver is simple
    assert isinstance(reactor.nameResolver, SimpleResolverComplexifier)
    reactor.resolve("host.example")
    assert simple.asked[0][0] == "host.example"
    assert reactor.installNameResolver(previous).__class__ is SimpleResolverComplexifier
    assert reactor.nameResolver is previous


def test_the_mixin_alone_blocks():
    alone = PluggableResolverMixin()
    assert IResolverSimple.providedBy(alone.resolver)
    assert IHostnameResolver.providedBy(alone.nameResolver)
    assert isinstance(alone.resolver, BlockingResolver)


def test_what_needs_no_resolver(reactor):
    results = []
    reactor.resolve("").addCallback(results.append)
    reactor.resolve("10.1.2.3").addCallback(results.append)
    assert results == ["0.0.0.0", "10.1.2.3"]


def test_a_look_up_that_takes_too_long_is_given_up(reactor, reports):
    results = []
    # The reactor does not run, so no thread looks.
    reactor.resolve("slow.example", (3, 7)).addBoth(results.append)
    (timer,) = reactor.getDelayedCalls()
    assert 9 < timer.getTime() - reactor.seconds() <= 10
    timer.reset(0)
    reactor.iterate(1)
    assert results[0].check(DNSLookupError)
    assert "slow.example" in str(results[0].value)
    assert "10 seconds" in str(results[0].value)


def test_a_look_up_that_is_answered_leaves_no_timer(reactor):
    stepped = Stepped()
    stepped.answers["host.example"] = [(AF_INET, SOCK_STREAM, 6, "", ("10.0.0.1", 0))]
    reactor.installNameResolver(stepped.resolver)
    results = []
    for name in ("host.example", "other.example"):
        reactor.resolve(name).addBoth(results.append)
    cancelled = reactor.resolve("host.example").addBoth(results.append)
    cancelled.cancel()
    assert results.pop().check(CancelledError)
    stepped.finish()
    assert results[0] == "10.0.0.1"
    assert results[1].check(DNSLookupError)
    assert reactor.getDelayedCalls() == []
    # One of the older kind keeps the time itself.
    reactor.installResolver(Simple())
    reactor.resolve("host.example")
    assert reactor.getDelayedCalls() == []


def test_names_of_this_machine(monkeypatch):
    async def main():
        from selvage.reactor import get_reactor

        reactor = get_reactor()
        assert await reactor.resolve("localhost") == "127.0.0.1"
        # No name server is asked in a test: the system's answer to a name that does not exist.
        monkeypatch.setattr(reactor.nameResolver, "_getaddrinfo", Stepped().getaddrinfo)
        with pytest.raises(DNSLookupError, match=r"no-such-host\.invalid"):
            await reactor.resolve("no-such-host.invalid")

    run(main)


def test_succeed_and_fail_work_for_resolvers_that_answer_at_once(reports):
    class AtOnce:
        def getHostByName(self, name, timeout=()):
            return succeed("10.0.0.1") if name == "good.example" else fail(DNSLookupError(name))

    for name, events in (("good.example", [IPv4Address("TCP", "10.0.0.1", 0)]), ("bad.example", [])):
        receiver = Receiver()
        SimpleResolverComplexifier(AtOnce()).resolveHostName(receiver, name)
        assert receiver.events == ["began", *events, "complete"]
