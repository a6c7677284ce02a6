"""What a test leaves behind."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

pytestmark = pytest.mark.slow


LEAVES = """
    import socket, threading, time
    from selvage.endpoints import TCP4ClientEndpoint, connectProtocol
    from selvage.protocols import Factory, ProcessProtocol, Protocol
    from selvage.reactor import deferToThread
    from selvage.tasks import Clock

    kept = []

    async def test_leaves_a_call():
        get_reactor().callLater(1000, print, "late")

    async def test_leaves_a_port():
        get_reactor().listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")

    async def test_leaves_a_task():
        asyncio.ensure_future(asyncio.sleep(1000))
        await asyncio.sleep(0)

    async def test_leaves_a_deferred():
        kept.append(Deferred())

    @pytest.mark.selvage(clean=False)
    async def test_may_leave_what_it_wants():
        kept.append(Deferred())

    def test_plain_leaves_a_call(reactor):
        reactor.callLater(1000, print, "late")

    async def test_leaves_a_connection():
        port = get_reactor().listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
        endpoint = TCP4ClientEndpoint(get_reactor(), "127.0.0.1", port.getHost().port)
        await connectProtocol(endpoint, Protocol())
        await port.stopListening()

    async def test_leaves_a_process():
        get_reactor().spawnProcess(ProcessProtocol(), "sleep", ["sleep", "1000"])

    async def test_leaves_pipes():
        over = Deferred()

        class Ends(ProcessProtocol):
            def processExited(self, reason):
                over.callback(None)

        # Its own child has the pipes until the first of them is closed.
        get_reactor().spawnProcess(Ends(), "sh", ["sh", "-c", "exec 3<&0; cat <&3 &"])
        await over

    async def test_leaves_a_descriptor():
        kept.append(socket.socketpair())
        get_reactor().addReader(Readable(kept[-1][0]))

    class Readable:
        def __init__(self, socket):
            self.fileno = socket.fileno

        def logPrefix(self):
            return "readable"

    async def test_leaves_a_thread():
        gate = threading.Event()
        kept.append(gate)
        threading.Thread(target=gate.wait, name="forgotten").start()

    def test_lets_the_thread_go():
        kept[-1].set()

    async def test_uses_threads():
        thread = threading.Thread(target=time.sleep, args=(0.05,))  # it ends, though nobody joins it
        thread.start()
        assert await asyncio.to_thread(int, "5") == await deferToThread(int, "5")

    async def test_leaves_nothing():
        port = get_reactor().listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
        await port.stopListening()
        clock = Clock()
        clock.callLater(1000, print)
"""


def test_what_is_left_behind_is_an_error(run: Any) -> None:
    outcome = run(LEAVES)
    assert outcome.tests == {
        "test_leaves_a_call": "passed+error",
        "test_leaves_a_port": "passed+error",
        "test_leaves_a_task": "passed+error",
        "test_leaves_a_deferred": "passed+error",
        "test_may_leave_what_it_wants": "passed",
        "test_plain_leaves_a_call": "passed+error",
        "test_leaves_a_connection": "passed+error",
        "test_leaves_a_process": "passed+error",
        "test_leaves_pipes": "passed+error",
        "test_leaves_a_descriptor": "passed+error",
        "test_leaves_a_thread": "passed+error",
        "test_lets_the_thread_go": "passed",
        "test_uses_threads": "passed",
        "test_leaves_nothing": "passed",
    }
    assert "delayed call: <DelayedCall" in outcome.section("test_leaves_a_call")
    assert "port: <<class 'selvage.transports.tcp.Port'>" in outcome.section("test_leaves_a_port")
    assert "await its stopListening()" in outcome.section("test_leaves_a_port")
    assert (
        len(
            re.findall(
                r"connection: Protocol(?: of Factory)?, 127.0.0.1:\d+ to 127",
                outcome.section("test_leaves_a_connection"),
            )
        )
        == 2
    )
    (pid,) = re.findall(r"process: <Process pid=(\d+)", outcome.section("test_leaves_a_process"))
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
    assert "process: <Process pid=None" in outcome.section("test_leaves_pipes")
    assert "watched by the reactor: <test_it.Readable" in outcome.section("test_leaves_a_descriptor")
    assert "thread: <Thread(forgotten" in outcome.section("test_leaves_a_thread")
    assert "asyncio task: <Task" in outcome.section("test_leaves_a_task")
    assert "without a result: Deferred at" in outcome.section("test_leaves_a_deferred")
    assert "selvage_debug = true says where" in outcome.section("test_leaves_a_deferred")


def test_in_debug_mode_it_says_where_it_was_made(run: Any) -> None:
    made = ("call", "deferred", "port", "task")
    names = [f"test_leaves_a_{what}" for what in (*made, "connection")]
    outcome = run(LEAVES, "-k", " or ".join(names), ini="selvage_debug = true")
    for name in names[:-1]:
        # Of the stack only what the test itself has called.
        assert re.findall(r"made in File .*?(\w+\.py).* in (\w+)", outcome.section(name)) == [
            ("test_it.py", name)
        ]
    told = outcome.section(names[-1])
    assert sorted(
        re.findall(r"((?:its port )?made in) File .*test_it.py.* in test_leaves_a_connection", told)
    ) == [
        "its port made in",
        "made in",
    ]
    waits = outcome.section("test_leaves_a_task")
    assert not re.search(r"^ +at File", waits, re.M), "asyncio has told the only line"


OF_THE_LOOP = """
    import functools

    loop = asyncio.get_running_loop
    kept = []

    async def handled(reader, writer):
        writer.write(await reader.read())
        writer.close()

    async def test_leaves_a_server():
        await asyncio.start_server(handled, "127.0.0.1", 0)

    async def test_leaves_a_call():
        loop().call_later(1000, print, 1)

    async def test_leaves_a_call_at():
        loop().call_at(loop().time() + 1000, functools.partial(print, 1))

    async def test_leaves_a_call_of_asyncio_s_own():
        loop().call_later(1000, asyncio.Event().set)

    async def test_leaves_a_connection():
        server = await asyncio.start_server(handled, "127.0.0.1", 0)
        kept.append(await asyncio.open_connection(*server.sockets[0].getsockname()))
        server.close()

    async def test_leaves_datagrams():
        await loop().create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))

    async def test_leaves_a_task_that_sleeps():
        kept.append(asyncio.ensure_future(asyncio.wait_for(asyncio.sleep(1000), 2000)))
        await asyncio.sleep(0)

    async def test_leaves_nothing():
        server = await asyncio.start_server(handled, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello")
        writer.write_eof()
        assert await reader.read() == b"hello"
        writer.close()
        server.close()
        await server.wait_closed()
        loop().call_later(1000, print).cancel()
        loop().call_later(0, print)
        get_reactor().callLater(1000, print).cancel()
        async with asyncio.timeout(1000):
            await asyncio.wait_for(asyncio.sleep(0.001), 1000)
        program = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
        assert await program.communicate(b"hello") == (b"hello", None)

    @pytest.mark.selvage(clean=False)
    async def test_may_leave_a_call():
        kept.append(loop().call_later(1000, print))

    async def test_is_not_told_of_the_one_before():
        kept.pop().cancel()

    class Beat:
        def beat(self):
            self.handle = loop().call_later(0.001, self.beat)

    @pytest.fixture(scope="module")
    async def heart(reactor):
        server = await asyncio.start_server(handled, "127.0.0.1", 0)
        beat = Beat()
        beat.beat()
        yield server
        beat.handle.cancel()
        server.close()

    async def test_what_is_of_the_module_goes_on(heart):
        await asyncio.sleep(0.01)

    async def test_what_is_of_the_module_goes_on_again(heart):
        await asyncio.sleep(0.01)
"""

CONFTESTS = {"uvloop": "", "asyncio": "import sys; sys.modules['uvloop'] = None"}


@pytest.mark.parametrize("loop", CONFTESTS)
def test_what_is_left_to_the_loop_itself_is_an_error(run: Any, loop: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    outcome = run(OF_THE_LOOP, conftest=CONFTESTS[loop])
    assert {name: how for name, how in outcome.tests.items() if how != "passed"} == dict.fromkeys(
        [
            "test_leaves_a_server",
            "test_leaves_a_call",
            "test_leaves_a_call_at",
            "test_leaves_a_call_of_asyncio_s_own",
            "test_leaves_a_connection",
            "test_leaves_datagrams",
            "test_leaves_a_task_that_sleeps",
        ],
        "passed+error",
    ), outcome.output
    assert len(outcome.tests) == 12
    assert re.search("asyncio server: <Server sockets=.*127.0.0.1", outcome.section("test_leaves_a_server"))
    assert re.search(
        "callback of the loop: <TimerHandle.* print.*>\n    cancel", outcome.section("test_leaves_a_call")
    )
    told = outcome.section("test_leaves_a_connection")
    assert (
        len(re.findall(r"asyncio connection: StreamReaderProtocol, .'127.0.0.1', \d+. to .'127", told)) == 2
    )
    assert "asyncio connection: DatagramProtocol, ('127" in outcome.section("test_leaves_datagrams")
    told = outcome.section("test_leaves_a_task_that_sleeps")
    assert "callback of the loop" not in told, "its timers are the task's"
