"""Promises about whole programs that only a process of its own can show."""

from __future__ import annotations

import subprocess
import sys

import pytest

_BLOCK = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Block())
"""

_ECHO = """
import asyncio
import selvage
from selvage.endpoints import clientFromString, connectProtocol, serverFromString
from selvage.protocols import Factory, Protocol
from selvage.reactor import deferToThread

class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data[::-1])

class Ask(Protocol):
    def connectionMade(self):
        self.answer = selvage.Deferred()
        self.transport.write(b"abc")

    def dataReceived(self, data):
        self.answer.callback(data)

async def main():
    reactor = selvage.get_reactor()
    port = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(Factory.forProtocol(Echo))
    client = await connectProtocol(clientFromString(reactor, f"tcp:127.0.0.1:{port.getHost().port}"), Ask())
    answer = await client.answer
    return answer, await deferToThread(lambda: "thread"), type(asyncio.get_running_loop()).__module__

print(*selvage.run(main))
print(*selvage.run(main))
"""


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.slow
def test_a_program_without_uvloop_runs_on_asyncio() -> None:
    asked = run(_BLOCK.format(blocked=("uvloop",)) + _ECHO)
    assert asked == "b'cba' thread asyncio.unix_events\n" * 2


@pytest.mark.slow
def test_a_program_without_twisted_needs_none() -> None:
    asked = run(_BLOCK.format(blocked=("twisted",)) + _ECHO)
    assert asked.startswith("b'cba' thread ")


_SERVED = """
import selvage, signal
reactor = selvage.get_reactor()
reactor.addSystemEventTrigger("before", "shutdown", print, "shutdown", flush=True)
before = signal.getsignal(signal.{name})
reactor.callLater(0, signal.raise_signal, signal.{name})

async def main():
    try:
        await selvage.Deferred()
    finally:
        print("cleaned up")

try:
    if {how!r} == "run":
        selvage.run(main)
    else:
        reactor.run()
        print("returned")
except BaseException as error:
    print(repr(error))
print(signal.getsignal(signal.{name}) == before)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "how", "lines"),
    [
        ("SIGINT", "run", "cleaned up\nshutdown\nKeyboardInterrupt()\nTrue\n"),
        ("SIGTERM", "run", "cleaned up\nshutdown\nSystemExit(143)\nTrue\n"),
        ("SIGINT", "reactor", "shutdown\nreturned\nTrue\n"),
        ("SIGTERM", "reactor", "shutdown\nreturned\nTrue\n"),
    ],
)
def test_signals_end_a_program_in_good_order(name: str, how: str, lines: str) -> None:
    assert run(_SERVED.format(name=name, how=how)) == lines


_HIDDEN = """
import gc, selvage
from selvage.tasks import deferLater

async def main():
    reactor = selvage.get_reactor()
    heard = []
    reactor.addErrorCallback(lambda failure: heard.append(str(failure.value)))

    def fail(source):
        raise ValueError(source)

    reactor.callLater(0, fail, "timer")
    reactor.callInThread(fail, "thread")
    reactor.callFromThread(fail, "from thread")
    selvage.Deferred().addCallback(fail).callback("deferred")
    selvage.ensureDeferred(coroutine(fail))
    while len(heard) < 5:
        await deferLater(reactor, 0.001, lambda: None)
        gc.collect()
    return sorted(heard)

async def coroutine(fail):
    fail("coroutine")

print(selvage.run(main))
"""


@pytest.mark.slow
def test_every_unhandled_failure_is_printed_once_with_its_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", _HIDDEN], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['coroutine', 'deferred', 'from thread', 'thread', 'timer']\n"
    for source in ("timer", "thread", "from thread", "deferred", "coroutine"):
        assert done.stderr.count(f"builtins.ValueError: {source}\n") == 1
    assert done.stderr.count("Traceback (most recent call last):") == 5
    assert done.stderr.count(", in fail\n") == 5
