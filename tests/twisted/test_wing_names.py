"""Every public name of the Twisted modules that the wing provides is there, with the same parameter names."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.twisted._wing_names import Signature, differences, wing_modules

ROOT = Path(__file__).parent.parent.parent

# What differs on purpose: module -> beginning of the line -> reason.
_ONE_REACTOR = "one reactor has one spelling, that of IReactorCore and IReactorFromThreads"
_LOOP = "the loop polls; no reactor of ours does"
_REACTOR_ONLY = "the base class has no sockets; the reactor that every program gets has them"
_MADE_BY_REACTOR = "made by the reactor only, from the loop's transport and not from a socket"
_EACH_PORT = "each port has it; the class has no default for it"
_FORK = "switches that print what Twisted does between fork and exec"
_LINES = "what Twisted's line receiver needs to work without a connection"
_TLS = "made by listenSSL and connectSSL only"

_TEMPLATE = "imported from twisted.web.template, where it is"

DIFFERS: dict[str, dict[str, str]] = {
    "twisted.python.filepath": {
        "AbstractFilePath.": "kinds of paths have it; the base class only says so to checkers",
        "ERROR_": "imported from twisted.python.win32, where it is",
        "O_BINARY: missing": "imported from os, where it is",
        "Permissions.compareAttributes: missing": "how Twisted's class compares itself",
        "RWX.compareAttributes: missing": "how Twisted's class compares itself",
    },
    "twisted.web.http": {
        "H2Connection: missing": "imported from twisted.web._http2, where it is",
        "HTTPChannel.headerReceived: missing": "the fields of a head are found together, not line by line",
    },
    "twisted.web.pages": {"renderElement: missing": _TEMPLATE, "tags: missing": _TEMPLATE},
    "twisted.web.server": {
        "Request.getStateToCopyFor: missing": "requests are not copied to other processes (docs/design/differences.md)",
        "Request: takes no *": "Twisted's hands on whatever it gets to http.Request, which takes what ours takes",
    },
    "twisted.internet.asyncioreactor": {
        "AsyncioSelectorReactor.callFromThread: argument 1 is": _ONE_REACTOR,
        "AsyncioSelectorReactor.iterate: argument 1 is": _ONE_REACTOR,
    },
    "twisted.internet.base": {
        "BasePort.doWrite: missing": "a port never writes",
        "SignalHandling: missing": "a private arrangement with how Twisted's reactors install signal handlers",
    },
    "twisted.internet.epollreactor": {
        "EPollReactor.doIteration: argument 1 is": _ONE_REACTOR,
        "EPollReactor.doPoll: missing": _LOOP,
    },
    "twisted.internet.pollreactor": {
        "PollReactor.doIteration: argument 1 is": _ONE_REACTOR,
        "PollReactor.doPoll: missing": _LOOP,
    },
    "twisted.internet.posixbase": {
        "PosixReactorBase.": _REACTOR_ONLY,
        "SignalHandling: missing": "a private arrangement with how Twisted's reactors install signal handlers",
        "processEnabled: missing": "says that Twisted's process support could be imported",
        "unixEnabled: missing": "says that Twisted's UNIX socket support could be imported",
    },
    "twisted.internet.process": {
        "Process.debug: missing": _FORK,
        "Process.debug_child: missing": _FORK,
        "detector: missing": "how Twisted looks for open descriptors; `_listOpenFDs` does",
        "ProcessWriter.ic: missing": "left over in Twisted from an experiment",
    },
    "twisted.internet.selectreactor": {
        "SelectReactor.doIteration: argument 1 is": _ONE_REACTOR,
        "SelectReactor.doSelect: missing": _LOOP,
        "win32select: missing": _LOOP,
    },
    "twisted.internet.ssl": {
        "Client: ": _TLS,
        "Connector: ": _TLS,
        "Port: ": _TLS,
        "Server": _TLS,
    },
    "twisted.internet.tcp": {
        "BaseClient: ": _MADE_BY_REACTOR,
        "BaseClient.doConnect: missing": "the loop connects",
        "Connection: ": _MADE_BY_REACTOR,
        "Connection.doRead: missing": "the loop reads",
        "Connection.readConnectionLost: missing": "the loop tells the adapter of a half-closed connection",
        "Connection.writeSomeData: missing": "the loop writes",
        "Port.backlog: missing": _EACH_PORT,
        "Port.factory: missing": _EACH_PORT,
        "Port.interface: missing": _EACH_PORT,
        "Port.port: missing": _EACH_PORT,
        "Port.sessionno: missing": _EACH_PORT,
        "Server: ": _MADE_BY_REACTOR,
    },
    "twisted.internet.unix": {
        "Server: ": _MADE_BY_REACTOR,
    },
    "twisted.runner.procmon": {
        "DummyTransport: missing": _LINES,
        "transport: missing": _LINES,
    },
    "twisted.web.client": {
        "HTTP11ClientProtocol.connectionLost: takes no *": "Twisted's takes whatever its state machine passes on",
        "HTTP11ClientProtocol.dataReceived: argument 1 is": "the name of the hook in Protocol",
        "Response.deliverBody: takes no *": "Twisted's takes whatever its state machine passes on",
        "urlunparse: argument 0 is": "the standard library's function",
    },
}


@cache
def process() -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.twisted._wing_names"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def report() -> dict[str, list[str]]:
    done = process()
    assert done.returncode == 0, done.stderr.strip().rpartition("\n")[2]
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("module", wing_modules())
def test_wing_module_has_what_twisted_has(module):
    excused = tuple(DIFFERS.get(module, {"\0": ""}))
    wrong = [line for line in report().get(module, []) if not line.startswith(excused)]
    assert not wrong, f"{module} of the wing:\n" + "\n".join(wrong)


def test_excuses_are_needed():
    for module, excuses in DIFFERS.items():
        for beginning, reason in excuses.items():
            assert reason
            assert any(line.startswith(beginning) for line in report().get(module, [])), (
                f"{module}: {beginning!r} does not differ any more; take it off the list"
            )


@pytest.mark.parametrize(
    ("theirs", "ours", "problems"),
    [
        ("(a, b=)", lambda a, b=1: 0, 0),
        ("(a, b=)", lambda a, b=1, c=2: 0, 0),
        ("(a, b=)", lambda *args, **kwargs: 0, 0),
        ("(a, b=)", lambda a, c=1: 0, 1),
        ("(a, b=)", lambda a, b: 0, 1),
        ("(a, b=)", lambda a: 0, 1),
        ("(a)", lambda a, b: 0, 1),
        ("(a)", lambda a, /: 0, 1),
        ("(a, *b, **c)", lambda a, *args, **kwargs: 0, 0),
        ("(a, *b, **c)", lambda a: 0, 2),
        ("(*, k=)", lambda *, k=1: 0, 0),
        ("(*, k=)", lambda: 0, 1),
        ("(f, *a, **kw)", lambda f, /, *a, **kw: 0, 0),
    ],
)
def test_differences_are_those_that_break_a_call(theirs, ours, problems):
    found = Signature.of(ours)
    assert found is not None
    assert len(differences(Signature.from_text(theirs), found)) == problems
