"""The core exceptions: sentences, facts, families, pickling; and that they are the same as Twisted's."""

import pickle

import pytest

from selvage import errors
from selvage.failure import Failure

ALL = sorted(errors.__all__)

#: Arguments for the classes that cannot be made without.
ARGUMENTS = {
    "CannotListenError": ("127.0.0.1", 80, OSError(98, "Address already in use")),
    "ConnectingCancelledError": ("address",),
    "FailureGroup": ([],),
    "FirstError": (Failure(ValueError("x")), 2),
    "InvalidAddressError": ("1.2.3", "too short"),
    "InvalidPortError": (65536, "too great"),
    "ProcessDone": (0,),
}

#: Where Twisted keeps a class, if not in twisted.internet.error, and its name there.
ELSEWHERE = {
    "AlreadyCalledError": "twisted.internet.defer",
    "AlreadyTryingToLockError": "twisted.internet.defer",
    "CancelledError": "twisted.internet.defer",
    "DeferredTimeoutError": "twisted.internet.defer",
    "FailureGroup": "twisted.internet.defer",
    "FirstError": "twisted.internet.defer",
    "NotACoroutineError": "twisted.internet.defer",
    "QueueOverflow": "twisted.internet.defer",
    "QueueUnderflow": "twisted.internet.defer",
    "NotPaused": "twisted.internet.task",
    "SchedulerError": "twisted.internet.task",
    "SchedulerStopped": "twisted.internet.task",
    "TaskDone": "twisted.internet.task",
    "TaskFailed": "twisted.internet.task",
    "TaskFinished": "twisted.internet.task",
    "TaskStopped": "twisted.internet.task",
}


#: What Twisted does not have.
NEW = {
    "DatagramCutError",
    "HandshakeError",
    "HandshakeTimeoutError",
    "InvalidPortError",
    "PeerCertificateError",
    "PlaintextBeforeTLSError",
    "TLSError",
    "TruncatedError",
}
TWISTED = [name for name in ALL if name not in NEW]


def make(name):
    return getattr(errors, name)(*ARGUMENTS.get(name, ()))


def test_everything_is_listed():
    """Each exception class of the module is in `__all__`."""
    found = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert {name for name in found if issubclass(getattr(errors, name), BaseException)} == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_every_class_is_documented_and_printable(name):
    assert getattr(errors, name).__doc__
    assert isinstance(str(make(name)), str)


@pytest.mark.parametrize(
    "error, sentence",
    [
        (errors.BindError(), "An error occurred binding to an interface."),
        (errors.BindError("foo", 5), "An error occurred binding to an interface: foo 5."),
        (errors.CannotListenError("eth0", 80, OSError("busy")), "Couldn't listen on eth0:80: busy."),
        (errors.CannotListenError("", 80, OSError("busy")), "Couldn't listen on any:80: busy."),
        (
            errors.CannotListenError(None, "/run/own.sock", OSError("busy")),
            "Couldn't listen on /run/own.sock: busy.",
        ),
        (errors.CannotListenError(None, 80, OSError("busy")), "Couldn't listen on any:80: busy."),
        (errors.MessageLengthError("64k"), "Message is too long to send: 64k."),
        (errors.DNSLookupError("no.such.host"), "DNS lookup failed: no.such.host."),
        (errors.ConnectError(), "An error occurred while connecting."),
        (errors.ConnectError(osError=111), "An error occurred while connecting: 111."),
        (errors.ConnectError(string="why"), "An error occurred while connecting: why."),
        (errors.ConnectionRefusedError(111, "why"), "Connection was refused by other side: 111: why."),
        (errors.ConnectBindError(OSError(1, "x"), "s"), "Couldn't bind: [Errno 1] x: s."),
        (errors.TimeoutError(), "User timeout caused connection failure."),
        (errors.ConnectionDone(), "Connection was closed cleanly."),
        (
            errors.ConnectionLost("foo", "bar"),
            "Connection to the other side was lost in a non-clean fashion: foo bar.",
        ),
        (
            errors.ConnectionAborted(),
            "Connection was aborted locally using ITCPTransport.abortConnection.",
        ),
        (
            errors.ProcessDone(0),
            "A process has ended without apparent errors: process finished with exit code 0.",
        ),
        (errors.ProcessTerminated(), "A process has ended with a probable error condition: process ended."),
        (
            errors.ProcessTerminated(exitCode=0),
            "A process has ended with a probable error condition: process ended with exit code 0.",
        ),
        (
            errors.ProcessTerminated(signal=9),
            "A process has ended with a probable error condition: process ended by signal 9.",
        ),
        (
            errors.AlreadyCalled("x"),
            "Tried to cancel an already-called event: x.",
        ),
        (errors.AlreadyCancelled(), "Tried to cancel an already-cancelled event."),
        (
            errors.NotListeningError(),
            "The Port was not listening when it was asked to stop listening.",
        ),
        (
            errors.NotConnectingError(),
            "The Connector was not connecting when it was asked to stop connecting.",
        ),
    ],
)
def test_sentences(error, sentence):
    assert str(error) == sentence


def test_facts_are_attributes():
    busy = OSError(98, "busy")
    cannot = errors.CannotListenError("::1", 25, busy)
    assert (cannot.interface, cannot.port, cannot.socketError) == ("::1", 25, busy)
    assert errors.ConnectError(5).osError == 5
    ended = errors.ProcessTerminated(3, None, 768)
    assert (ended.exitCode, ended.signal, ended.status) == (3, None, 768)
    done = errors.ProcessDone(0)
    assert (done.exitCode, done.signal, done.status) == (0, None, 0)
    bad = errors.InvalidAddressError("1.2", "too short")
    assert (bad.address, bad.message) == ("1.2", "too short")
    assert errors.ConnectingCancelledError("there").address == "there"


@pytest.mark.parametrize("name", ALL)
def test_pickling_keeps_sentence_and_facts(name):
    if name == "DeferredTimeoutError":
        pytest.importorskip("selvage.defer")
    before = make(name)
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is type(before)
    assert str(after) == str(before)
    assert vars(after).keys() == vars(before).keys()


@pytest.mark.parametrize(
    "error",
    [
        errors.ConnectionRefusedError(111, "why"),
        errors.ConnectError(string="why"),
        errors.ProcessTerminated(3, 9, 777),
        errors.ProcessDone(12),
        errors.CannotListenError("a", 1, "e"),
        errors.ConnectionLost("a", "b"),
    ],
    ids=repr,
)
def test_pickling_with_arguments(error):
    after = pickle.loads(pickle.dumps(error))
    assert str(after) == str(error)
    assert vars(after) == vars(error)
    assert after.args == error.args


def test_the_two_timeouts_are_told_apart():
    """Connections and Deferreds each have a `TimeoutError`; the second one is found under selvage.defer."""
    assert errors.DeferredTimeoutError.__name__ == "TimeoutError"
    assert errors.DeferredTimeoutError.__module__ == "selvage.defer"
    assert not issubclass(errors.DeferredTimeoutError, errors.TimeoutError)
    assert issubclass(errors.TimeoutError, errors.ConnectError)


class TestFirstError:
    def test_text(self):
        failure = Failure(ValueError("some text"))
        error = errors.FirstError(failure, 3)
        assert repr(error) == "FirstError[#3, ValueError('some text')]"
        assert str(error) == f"FirstError[#3, {failure}]"

    def test_comparison(self):
        """Equal when index and failure are; ordered by index; never equal to something else."""
        one, other = Failure(ValueError()), Failure(ValueError())
        assert errors.FirstError(one, 1) == errors.FirstError(one, 1)
        assert hash(errors.FirstError(one, 1)) == hash(errors.FirstError(one, 1))
        assert errors.FirstError(one, 1) != errors.FirstError(one, 2)
        assert errors.FirstError(one, 1) != errors.FirstError(other, 1)
        assert errors.FirstError(one, 1) != 1
        assert errors.FirstError(one, 1) < errors.FirstError(other, 2)
        assert errors.FirstError(one, 2) >= errors.FirstError(one, 2)
        with pytest.raises(TypeError):
            errors.FirstError(one, 1) < 1  # noqa: B015


def test_failure_group_names_what_failed():
    group = errors.FailureGroup([Failure(ValueError("a")), Failure(KeyError("b"))])
    assert str(group).startswith("2 failed: ")
    assert "ValueError: a" in str(group) and "KeyError: 'b'" in str(group)


# --- Beside the real Twisted -----------------------------------------------------------------------------------


def theirs(name):
    """The class of real Twisted that ours stands for."""
    module = pytest.importorskip(ELSEWHERE.get(name, "twisted.internet.error"))
    if getattr(module, "__file__", "").startswith(errors.__file__.rpartition("/")[0]):
        pytest.skip("this process has the wing installed in place of Twisted")
    return getattr(module, getattr(errors, name).__name__)


@pytest.mark.needs_twisted
@pytest.mark.parametrize("name", TWISTED)
def test_same_family_as_in_twisted(name):
    ours = [cls.__name__ for cls in getattr(errors, name).__mro__]
    assert ours == [cls.__name__ for cls in theirs(name).__mro__]


@pytest.mark.needs_twisted
@pytest.mark.parametrize("arguments", [(), ("x",), ("x", "y")], ids=["none", "one", "two"])
@pytest.mark.parametrize("name", [name for name in TWISTED if name not in ARGUMENTS])
def test_same_sentences_as_in_twisted(name, arguments):
    ours, other = getattr(errors, name)(*arguments), theirs(name)(*arguments)
    assert str(ours) == str(other)
    assert repr(ours) == repr(other)
    assert ours.args == other.args
    assert vars(ours) == vars(other)


@pytest.mark.needs_twisted
def test_nothing_of_twisted_is_missing():
    theirs("BindError")
    from twisted.internet import defer, error, task

    for module in (error, defer, task):
        for name, value in vars(module).items():
            if (
                isinstance(value, type)
                and issubclass(value, Exception)
                and value.__module__ == module.__name__
            ):
                if not name.startswith("_"):
                    assert name in ALL, name
