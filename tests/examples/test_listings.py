"""The guide's listings, word for word: where leniency is harmless, Selvage runs them as printed.

`listings/` holds the text of the guide. A test may change the port, the host (which the guide lost: "***.*.*.*") and how
long it runs, and adds what a comment in the listing asks the reader to add. What only Selvage allows is told in each test;
examples/guide holds the same programs mended, as programs that run anywhere.
"""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

import pytest

from .programs import dial, framed, free_port, receive, running

pytestmark = pytest.mark.slow

LISTINGS = Path(__file__).with_name("listings")

# What makes a listing that runs for ever come to an end.
STOP = "reactor.callLater({0}, reactor.stop)\n"


def listing(name, changes=(), before="", after=""):
    text = (LISTINGS / f"{name}.txt").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, f"{name} has no {old!r}"
        text = text.replace(old, str(new))
    return before + text + after


@pytest.fixture
def run(tmp_path):
    """Start a text as a program."""

    def start(text):
        path = tmp_path / "listing.py"
        path.write_text(text, encoding="utf-8")
        return running(path)

    return start


def said(run, text):
    with run(text) as program:
        return program.finish()


def ending(after="0.1"):
    """The change by which `reactor.run()` ends."""
    return ("reactor.run()", f"reactor.callLater({after}, reactor.stop); reactor.run()")


def test_1_2_hello(run):
    assert said(run, listing("1_2_hello", [ending()])) == ["Hello, Twisted!"]


def test_2_3_1_divide(run):
    """`Failure` from defer; inlineCallbacks on a function that never yields; `succeed` with a Deferred."""
    lines = said(run, listing("2_3_1_divide", [ending()]))
    assert lines[0].startswith("Error callback received: [Failure instance: Traceback")
    assert "RuntimeError" in lines[0]
    assert "Cannot divide by zero" in lines[0]
    assert not any(line.startswith("Callback received") for line in lines)


def test_2_3_1_divide_that_works(run):
    lines = said(run, listing("2_3_1_divide", [ending(), ("divide(10, 0)", "divide(10, 4)")]))
    assert lines == ["Result is 2.5", "Callback received: None"]


def test_2_3_2_safe_divide(run):
    """inlineCallbacks on a function that never yields."""
    assert said(run, listing("2_3_2_safe_divide", [ending()])) == [
        "Caught a division by zero error",
        "Final result is 10.0",
        "Callback received: None",
    ]


@pytest.mark.parametrize("name", ["3_2_2_server", "3_3_1_server"])
@pytest.mark.parametrize("factory", ["EchoFactory()", "EchoFactory"])
def test_3_server(run, name, factory):
    """A factory that is no Factory: an instance of a plain class with a `protocol`, or that class itself.

    `dataReceived` is overridden, so the answer is the raw data reversed, as one string.
    """
    port = free_port()
    with run(listing(name, [("8000", port), ("EchoFactory()", factory)])) as server:
        with dial(port) as connection:
            connection.sendall(b"hello")
            assert receive(connection, 9) == framed(b"olleh")
        server.wait_for("Client disconnected")
        lines = server.interrupt()
    assert lines[-2:] == ["Client connected", "Client disconnected"]


@pytest.mark.parametrize(
    ("client", "server"), [("3_2_2_client", "3_2_2_server"), ("3_3_2_client", "3_3_1_server")]
)
def test_3_client(run, client, server):
    """The client's listing goes on from the server's, whose `Echo` it uses: both wait for the other to begin."""
    echo, _, _ = listing(server).partition("class EchoFactory")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)
        port = listening.getsockname()[1]
        with run(listing(client, [("8000", port)], before=echo)) as program:
            connection, _ = listening.accept()
            program.wait_for("Client connected")
            with connection:
                connection.sendall(b"abc")
                assert receive(connection, 7) == framed(b"cba")
            lines = program.finish()
    assert lines[-3:] == ["Client connected", "Client disconnected", "Connection lost"]


def test_3_client_without_a_server(run):
    echo, _, _ = listing("3_2_2_server").partition("class EchoFactory")
    assert said(run, listing("3_2_2_client", [("8000", free_port())], before=echo)) == ["Connection failed"]


def error_callback(port, *changes):
    changes = [("***.*.*.*", "127.0.0.1"), ("8000", port), ("callLater(5,", "callLater(0.5,"), *changes]
    return listing("4_1_1_error_callback", changes)


CONNECTION_FACTORY = "def connectionFactory():\n    # ... 创建连接的逻辑 ...\n    pass\n"


def test_4_1_1_error_callback(run):
    """`reactor.addErrorCallback`, and a function for a factory: what it returns speaks on the connection; here, nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert said(run, error_callback(server.getsockname()[1])) == []


def test_4_1_1_a_factory_function_that_raises(run):
    """ "When the connection factory raises, we can catch and handle it." """
    raising = "def connectionFactory():\n    raise RuntimeError('no connection today')\n"
    with socket.create_server(("127.0.0.1", 0)) as server:
        lines = said(run, error_callback(server.getsockname()[1], (CONNECTION_FACTORY, raising)))
    text = "\n".join(lines)
    assert "in connectionFactory" in text
    assert "RuntimeError: no connection today" in text


def test_4_1_1_a_factory_function_that_makes_a_protocol(run):
    making = (
        "from twisted.internet.protocol import Protocol\n"
        "def connectionFactory():\n"
        "    p = Protocol()\n"
        "    p.connectionMade = lambda: p.transport.write(b'made by a function')\n"
        "    return p\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        with run(error_callback(server.getsockname()[1], (CONNECTION_FACTORY, making))) as program:
            connection, _ = server.accept()
            with connection:
                assert receive(connection, 18) == b"made by a function"
            assert program.finish() == []


@pytest.mark.needs_twisted
@pytest.mark.skipif(
    importlib.util.find_spec("twisted") is None,
    reason="needs an installed Twisted: Selvage does not have twisted.python.log natively yet",
)
def test_4_1_2_log(run, tmp_path):
    log = tmp_path / "server.log"
    text = listing("4_1_2_log", [("'server.log'", repr(str(log)))], after='myLogMessage("no space left")\n')
    assert said(run, text) == []
    assert "Server error: no space left" in log.read_text()


FIRE = 'd.errback({failure}(Exception("An error occurred")))\n'


def test_4_2_1_propagation(run):
    """`Failure` from defer, the only module that the listing imports."""
    lines = said(run, listing("4_2_1_propagation", after=FIRE.format(failure="defer.Failure")))
    assert lines[0].startswith("Error: Traceback")
    assert "An error occurred" in "\n".join(lines)


def test_4_2_2_conversion_traps_its_own_kind(run):
    lines = said(
        run,
        listing(
            "4_2_2_conversion",
            before="class MyCustomError(Exception): pass\n",
            after=FIRE.format(failure="failure.Failure").replace("Exception(", "MyCustomError("),
        ),
    )
    assert [line.split(":")[0] for line in lines if "error: Traceback" in line] == [
        "Original error",
        "Converted error",
    ]


def test_4_2_2_conversion_lets_others_through_and_they_are_reported(run):
    """`trap` converts nothing: another kind goes on, and since nobody handles it, it is reported, once."""
    lines = said(
        run,
        listing(
            "4_2_2_conversion",
            before="class MyCustomError(Exception): pass\n",
            after=FIRE.format(failure="failure.Failure") + "del d\n",
        ),
    )
    text = "\n".join(lines)
    assert "Converted error" not in text
    assert text.count("Unhandled error in Deferred") == 1


@pytest.mark.parametrize("kind", ["SpecificError", "ValueError"])
def test_4_3_1_error_flow(run, kind):
    lines = said(
        run,
        listing(
            "4_3_1_error_flow",
            before="class SpecificError(Exception): pass\n",
            after=FIRE.format(failure="defer.Failure").replace("Exception(", f"{kind}("),
        ),
    )
    assert lines[0].startswith("Error: Traceback")
    assert f"{kind}: An error occurred" in "\n".join(lines)


def test_5_1_1_inversion_of_control(run):
    assert said(run, listing("5_1_1_inversion_of_control", [ending("1.1")])) == [
        "Operation succeeded with result: 10"
    ]


def test_5_2_2_coroutines(run):
    assert said(run, listing("5_2_2_coroutines", [ending("1.1")])) == ["Processing result: 10"]
