"""Running a program for its output or status."""

from __future__ import annotations

import os
import signal

import pytest

from selvage.defer import CancelledError
from selvage.errors import ProcessDone, ProcessTerminated
from selvage.processes import getProcessOutput, getProcessOutputAndValue, getProcessValue
from selvage.tasks import deferLater
from selvage.transports.process import reapProcessHandlers

SHELL = "/bin/sh"
ENV = {"PATH": os.defpath}


def test_output(reactor, run):
    async def main():
        assert await getProcessOutput(SHELL, ["-c", "echo out; exit 3"], reactor=reactor) == b"out\n"
        assert await getProcessOutput("/bin/pwd", path="/", reactor=reactor) == b"/\n"

    run(main)


def test_output_with_errors(reactor, run):
    async def main():
        output = await getProcessOutput(
            SHELL, ["-c", "echo out; echo err >&2"], ENV, reactor=reactor, errortoo=True
        )
        assert sorted(output.split()) == [b"err", b"out"]

    run(main)


def test_a_word_on_standard_error_fails(reactor, run):
    async def main():
        script = "echo out; echo 'that is wrong' >&2; read line"
        with pytest.raises(OSError, match="got stderr: b'that is wrong") as caught:
            await getProcessOutput(SHELL, ["-c", script], reactor=reactor)
        with pytest.raises((ProcessDone, ProcessTerminated)):
            await caught.value.processEnded

    run(main)


def test_value(reactor, run):
    async def main():
        assert await getProcessValue(SHELL, ["-c", "echo out; exit 3"], reactor=reactor) == 3
        assert await getProcessValue(SHELL, ["-c", "kill -9 $$"], reactor=reactor) is None

    run(main)


def test_output_and_value(reactor, run):
    async def main():
        assert await getProcessOutputAndValue(
            SHELL, ["-c", "cat; echo err >&2; exit 4"], ENV, reactor=reactor, stdinBytes=b"in"
        ) == (b"in", b"err\n", 4)
        # A child that reads finds the end of its input when there is none.
        assert await getProcessOutputAndValue("/bin/cat", reactor=reactor, stdinBytes=b"") == (b"", b"", 0)

    run(main)


def test_a_signal_fails_with_all_that_is_known(reactor, run):
    async def main():
        failures = []
        deferred = getProcessOutputAndValue(SHELL, ["-c", "echo out; kill -9 $$"], reactor=reactor)
        deferred.addErrback(failures.append)
        await deferred
        assert failures[0].value == (b"out\n", b"", signal.SIGKILL)

    run(main)


@pytest.mark.parametrize("function", [getProcessOutput, getProcessOutputAndValue, getProcessValue])
def test_cancelling_kills(reactor, run, function):
    async def main():
        deferred = function(SHELL, ["-c", "exec sleep 60"], ENV, reactor=reactor)
        deferred.cancel()
        with pytest.raises(CancelledError):
            await deferred
        while reapProcessHandlers:
            await deferLater(reactor, 0.01)

    run(main)


def test_a_program_that_is_not_there(reactor):
    with pytest.raises(FileNotFoundError):
        getProcessOutput("/nonexistent", reactor=reactor)
