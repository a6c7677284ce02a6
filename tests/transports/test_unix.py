"""UNIX sockets: streams, descriptors, locks, datagrams."""

from __future__ import annotations

import errno
import os
import resource
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from selvage import _events
from selvage.addresses import UNIXAddress
from selvage.defer import Deferred
from selvage.errors import (
    BadFileError,
    CannotListenError,
    ConnectError,
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
    FileDescriptorOverrun,
    MessageLengthError,
)
from selvage.interfaces import IFileDescriptorReceiver, IHalfCloseableProtocol, IUNIXTransport, implementer
from selvage.protocols import ConnectedDatagramProtocol
from selvage.transports._lock import ProcessLock, is_locked
from selvage.transports.unix import AF_UNIX

from .helpers import Recorder, Recording, turn
from .test_producers import Pull, Push
from .test_udp import Receiver

pytestmark = pytest.mark.skipif(AF_UNIX is None, reason="no UNIX sockets on this system")
linux = pytest.mark.skipif(sys.platform != "linux", reason="the abstract namespace is Linux's")


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path: the system allows about 100 bytes for the name of a socket."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder) / "s"


async def pair(
    reactor: Any, place: Path, server: Any = Recorder, client: Any = Recorder
) -> tuple[Any, Any, Any]:
    servers, clients = Recording(server), Recording(client)
    port = reactor.listenUNIX(str(place), servers)
    reactor.connectUNIX(str(place), clients)
    return port, await servers.next(), await clients.next()


async def end(port: Any, *protocols: Any) -> None:
    for protocol in protocols:
        protocol.transport.abortConnection()
        await protocol.lost()
    await port.stopListening()
    await turn(3)


def test_streams(reactor, run, place):
    async def main():
        port, server, client = await pair(reactor, place)
        verifyObject(IUNIXTransport, server.transport)
        assert port.getHost() == server.transport.getHost() == client.transport.getPeer()
        assert port.getHost() == UNIXAddress(str(place))
        assert server.transport.getPeer() == client.transport.getHost() == UNIXAddress(None)
        assert repr(server.transport) == f"<Recorder #0 on {place}>"
        assert server.transport.logPrefix() == f"Recorder,0,{place}"
        assert client.transport.logPrefix() == "Recorder,client"
        assert str(place) in repr(client.transport)
        assert repr(port).endswith(f"Recording on {str(place)!r}>")
        assert server.transport.hostname is None
        server.transport.setTcpNoDelay(True)
        assert server.transport.getTcpNoDelay() is False
        client.transport.write(b"question")
        assert await server.got(8) == b"question"
        server.transport.writeSequence([b"ans", b"wer"])
        server.transport.loseConnection()
        server.transport.write(b"dropped")
        assert type(await client.lost()) is ConnectionDone
        assert client.data == b"answer"
        assert type(await server.lost()) is ConnectionDone
        await end(port)
        assert not place.exists()
        assert repr(port).endswith("(not listening)>")

    run(main)


def test_much_data_both_ways(reactor, run, place):
    size = 3_000_000

    async def main():
        port, server, client = await pair(reactor, place)
        for one in (server, client):
            for _ in range(30):
                one.transport.write(b"x" * (size // 30))
        assert len(await server.got(size)) == len(await client.got(size)) == size
        await end(port, server, client)

    run(main)


def test_closing_flushes(reactor, run, place):
    async def main():
        port, server, client = await pair(reactor, place)
        client.transport.pauseProducing()
        server.transport.write(b"x" * 2_000_000)
        server.transport.loseConnection()
        await turn(5)
        assert server.reasons == []
        client.transport.resumeProducing()
        assert type(await client.lost()) is ConnectionDone
        assert len(client.data) == 2_000_000
        assert type(await server.lost()) is ConnectionDone
        await end(port)

    run(main)


def test_aborting(reactor, run, place):
    async def main():
        port, server, client = await pair(reactor, place)
        server.transport.write(b"x" * 2_000_000)
        server.transport.abortConnection()
        assert type(await server.lost()) is ConnectionAborted
        await client.lost()
        client.transport.write(b"too late")
        await end(port)

    run(main)


def test_a_peer_that_goes_while_we_write(reactor, run, place):
    async def main():
        port, server, client = await pair(reactor, place)
        client.transport.pauseProducing()
        server.transport.write(b"x" * 2_000_000)
        await turn(3)
        client.transport.abortConnection()
        assert isinstance(await server.lost(), (ConnectionDone, ConnectionLost))
        await client.lost()
        await end(port)

    run(main)


def test_half_close(reactor, run, place):
    @implementer(IHalfCloseableProtocol)
    class HalfCloseable(Recorder):
        def readConnectionLost(self) -> None:
            self._note("read lost")

        def writeConnectionLost(self) -> None:
            self._note("write lost")

    async def main():
        port, server, client = await pair(reactor, place, HalfCloseable, HalfCloseable)
        client.transport.write(b"x" * 1_000_000)
        client.transport.loseWriteConnection()
        await server.until(lambda: "read lost" in server.events)
        assert len(server.data) == 1_000_000
        await client.until(lambda: "write lost" in client.events)
        server.transport.write(b"answer")
        assert await client.got(6) == b"answer"
        await end(port, server, client)

    run(main)


def test_producers(reactor, run, place):
    async def main():
        port, server, client = await pair(reactor, place)
        client.transport.pauseProducing()
        producer = Push(server.transport, b"x" * 10_000, 300)
        producer.go()
        assert producer.paused
        client.transport.resumeProducing()
        await client.got(3_000_000)
        pieces = [b"a" * 500_000, b"b"]
        server.transport.registerProducer(Pull(server.transport, pieces), False)
        await client.got(3_500_001)
        await end(port, server, client)

    run(main)


def test_pausing_in_connection_made(reactor, run, place):
    class Pausing(Recorder):
        def connectionMade(self) -> None:
            super().connectionMade()
            self.transport.pauseProducing()

    async def main():
        port, server, client = await pair(reactor, place, Pausing)
        client.transport.write(b"early")
        await turn(10)
        assert server.data == b""
        server.transport.resumeProducing()
        assert await server.got(5) == b"early"
        await end(port, server, client)

    run(main)


@linux
def test_the_abstract_namespace(reactor, run):
    async def main():
        name = f"\0selvage-{os.getpid()}-{id(object())}"
        servers, clients = Recording(), Recording()
        port = reactor.listenUNIX(name, servers)
        assert port.getHost() == UNIXAddress(name)
        reactor.connectUNIX(name, clients)
        server, client = await servers.next(), await clients.next()
        await end(port, server, client)

    run(main)


def test_modes(reactor, run, place):
    async def main():
        port = reactor.listenUNIX(str(place), Recording(), mode=0o600)
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        await port.stopListening()
        datagrams = reactor.listenUNIXDatagram(str(place), Receiver(), mode=0o640)
        assert stat.S_IMODE(place.stat().st_mode) == 0o640
        await datagrams.stopListening()
        assert not place.exists()

    run(main)


@linux
@pytest.mark.parametrize("listen", ["listenUNIX", "listenUNIXDatagram"])
def test_at_no_moment_is_the_mode_wider_than_asked_for(reactor, run, place, monkeypatch, listen):
    modes = []
    chmod = os.chmod

    def look(name: Any, mode: int) -> None:
        modes.append(stat.S_IMODE(os.stat(name).st_mode))
        chmod(name, mode)

    async def main():
        monkeypatch.setattr(os, "chmod", look)
        before = os.umask(0)
        try:
            port = getattr(reactor, listen)(
                str(place), Recording() if listen == "listenUNIX" else Receiver(), mode=0o640
            )
        finally:
            os.umask(before)
        assert modes == [0o640]
        await port.stopListening()

    run(main)


def test_a_taken_path_is_named(reactor, run, place):
    async def main():
        port = reactor.listenUNIX(str(place), Recording())
        with pytest.raises(CannotListenError) as caught:
            reactor.listenUNIX(str(place), Recording())
        assert str(place) in str(caught.value)
        assert caught.value.socketError.errno == errno.EADDRINUSE
        assert place.exists()
        await port.stopListening()

    run(main)


LONG = "/tmp/" + "x" * 120


def test_a_path_that_is_too_long_is_named(reactor, run):
    async def main():
        for listen in (
            lambda: reactor.listenUNIX(LONG, Recording()),
            lambda: reactor.listenUNIXDatagram(LONG, Receiver()),
        ):
            with pytest.raises(
                CannotListenError, match="the path has 125 octets, and that of a UNIX socket"
            ) as caught:
                listen()
            assert caught.value.socketError.errno == errno.ENAMETOOLONG
        factory = Recording()
        reactor.connectUNIX(LONG, factory)
        error = (await factory.logged(4))[2]
        assert isinstance(error, ConnectError)
        assert error.osError == errno.ENAMETOOLONG
        assert "the path has 125 octets" in str(error)

    run(main)


def test_a_file_in_the_way_is_named_and_left_alone(reactor, run, place):
    async def main():
        place.write_text("precious")
        # As a server that died would have left it, if it was one.
        os.symlink(str(dead_process()), f"{place}.lock")
        for listen in (
            lambda: reactor.listenUNIX(str(place), Recording(), wantPID=True),
            lambda: reactor.listenUNIX(str(place), Recording()),
            lambda: reactor.listenUNIXDatagram(str(place), Receiver()),
        ):
            with pytest.raises(
                CannotListenError, match="a file at that path which is no socket; it was left alone"
            ):
                listen()
        assert place.read_text() == "precious"
        factory = Recording()
        reactor.connectUNIX(str(place), factory)
        assert isinstance((await factory.logged(4))[2], ConnectError)

    run(main)


def test_a_file_in_the_lock_s_place_is_left_alone(reactor, run, place):
    async def main():
        lock = Path(f"{place}.lock")
        lock.write_text("precious")
        with pytest.raises(CannotListenError, match="Cannot acquire lock"):
            reactor.listenUNIX(str(place), Recording(), wantPID=True)
        assert lock.read_text() == "precious"

    run(main)


@pytest.mark.parametrize(
    ("name", "words"),
    [("none/socket", "No such file or directory"), ("x" * 300, "octets, and that of a UNIX socket has")],
    ids=["no directory", "name too long"],
)
def test_a_lock_that_cannot_be_made_is_a_port_that_cannot_listen(reactor, run, tmp_path, name, words):
    async def main():
        with pytest.raises(CannotListenError, match=words) as caught:
            reactor.listenUNIX(str(tmp_path / name), Recording(), wantPID=True)
        assert isinstance(caught.value.socketError, OSError)
        assert list(tmp_path.iterdir()) == []

    run(main)


def test_a_file_that_somebody_else_bound_meanwhile_stays(reactor, run, place):
    async def main():
        port = reactor.listenUNIX(str(place), Recording())
        place.unlink()
        with socket.socket(AF_UNIX) as other:
            other.bind(str(place))
            await port.stopListening()
            assert place.exists()

    run(main)


def test_a_factory_that_fails_to_start_leaves_nothing(reactor, place):
    class Failing(Recording):
        def startFactory(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reactor.listenUNIX(str(place), Failing(), wantPID=True)
    assert os.listdir(place.parent) == []


def test_nobody_there(reactor, run, place):
    async def main():
        factory = Recording()
        reactor.connectUNIX(str(place), factory)
        log = await factory.logged(4)
        assert type(log[2]) is ConnectError
        assert log[2].osError == errno.ENOENT

    run(main)


def test_a_full_queue_is_tried_again(reactor, run, place):
    async def main():
        servers, clients = Recording(), [Recording() for _ in range(8)]
        port = reactor.listenUNIX(str(place), servers, backlog=1)
        port.stopReading()
        for each in clients:
            reactor.connectUNIX(str(place), each)
        await turn(10)
        port.startReading()
        protocols = [await each.next() for each in clients]
        await servers.next(7)
        await end(port, *protocols, *servers.protocols)

    run(main)


# --- Descriptors -----------------------------------------------------------------------------------------------


@implementer(IFileDescriptorReceiver)
class Taking(Recorder):
    def fileDescriptorReceived(self, descriptor: int) -> None:
        self._note(("descriptor", descriptor))

    def taken(self) -> list[int]:
        return [event[1] for event in self.events if isinstance(event, tuple)]


def test_descriptors_arrive_before_the_bytes_they_ride_on(reactor, run, place):
    async def main():
        port, server, client = await pair(reactor, place, client=Taking)
        ends = os.pipe()
        for number in ends:
            server.transport.sendFileDescriptor(number)
        server.transport.write(b"two of them")
        assert await client.got(11) == b"two of them"
        reading, writing = client.taken()
        assert [type(event) for event in client.events] == [str, tuple, tuple, bytes]
        assert not os.get_inheritable(reading)
        os.write(writing, b"through")
        assert os.read(ends[0], 7) == b"through"
        for number in (*ends, reading, writing):
            os.close(number)
        await end(port, server, client)

    run(main)


def test_descriptor_may_be_closed_once_it_was_given(reactor, run, place):
    async def main():
        port, server, client = await pair(reactor, place, client=Taking)
        reading, writing = os.pipe()
        server.transport.sendFileDescriptor(writing)
        os.close(writing)
        other = os.open(os.devnull, os.O_WRONLY)  # most likely with the number that is free now
        server.transport.write(b"x")
        await client.got(1)
        (taken,) = client.taken()
        os.write(taken, b"through")
        assert os.read(reading, 7) == b"through"
        for number in (reading, taken, other):
            os.close(number)
        with pytest.raises(OSError, match="Bad file descriptor"):
            server.transport.sendFileDescriptor(reading)
        await end(port, server, client)

    run(main)


def test_descriptors_that_never_left_are_closed(reactor, run, place):
    async def main():
        port, server, client = await pair(reactor, place, client=Taking)
        reading, writing = os.pipe()
        server.transport.sendFileDescriptor(writing)
        os.close(writing)
        server.transport.abortConnection()
        late, also_late = os.pipe()
        server.transport.sendFileDescriptor(also_late)
        os.close(also_late)
        await server.lost()
        for each in (reading, late):
            os.set_blocking(each, False)
            assert os.read(each, 1) == b""  # nobody has the other end any more
        os.close(late)
        os.close(reading)
        await client.lost()
        await end(port)

    run(main)


def test_more_descriptors_than_bytes_end_the_connection(reactor, run, place):
    async def main():
        port, server, client = await pair(reactor, place, client=Taking)
        server.transport.sendFileDescriptor(0)
        server.transport.loseConnection()
        assert type(await server.lost()) is FileDescriptorOverrun
        assert isinstance(await client.lost(), ConnectionDone)
        assert client.taken() == []
        await end(port)

    run(main)


def test_descriptors_that_nobody_wants_are_closed_and_mentioned(reactor, run, place):
    heard: list[str] = []

    def hear(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        if level == "warn":
            heard.append(format.format(**fields))

    async def main():
        port, server, client = await pair(reactor, place)
        reading, writing = os.pipe()
        server.transport.sendFileDescriptor(writing)
        server.transport.write(b"x")
        await client.got(1)
        os.close(writing)
        assert os.read(reading, 1) == b""
        os.close(reading)
        assert "does not provide IFileDescriptorReceiver" in heard[0]
        before = open_descriptors()
        for _ in range(100):
            server.transport.sendFileDescriptor(0)
        server.transport.write(b"x" * 100)
        await client.got(101)
        assert len(heard) == 1
        assert open_descriptors() == before
        await end(port, server, client)

    _events.subscribe(hear)
    try:
        run(main)
    finally:
        _events.unsubscribe(hear)


def test_an_exception_in_the_hook_for_descriptors(reactor, run, place, reports):
    class Buggy(Taking):
        def fileDescriptorReceived(self, descriptor: int) -> None:
            os.close(descriptor)
            raise ZeroDivisionError

    async def main():
        port, server, client = await pair(reactor, place, client=Buggy)
        server.transport.sendFileDescriptor(0)
        server.transport.sendFileDescriptor(0)
        server.transport.write(b"xx")
        assert type(await client.lost()) is ZeroDivisionError
        assert len(reports) == 1
        reports.clear()
        await end(port, server)

    run(main)


class Pausing(Taking):
    def connectionMade(self) -> None:
        super().connectionMade()
        self.transport.pauseProducing()


def test_a_descriptor_that_comes_while_input_is_held_back_waits_with_it(reactor, run, place):
    async def main():
        port, server, client = await pair(reactor, place, server=Pausing)
        client.transport.sendFileDescriptor(0)
        client.transport.write(b"x")
        await turn(10)
        assert server.events == ["made"]
        server.transport.resumeProducing()
        await server.got(1)
        (number,) = server.taken()
        os.close(number)
        assert server.events == ["made", ("descriptor", number), b"x"]
        await end(port, server, client)

    run(main)


def test_a_descriptor_that_is_held_back_when_the_connection_ends_is_closed(reactor, run, place):
    async def main():
        port, server, client = await pair(reactor, place, server=Pausing)
        reading, writing = os.pipe()
        client.transport.sendFileDescriptor(writing)
        client.transport.write(b"x")
        await turn(10)
        os.close(writing)
        await end(port, server, client)
        assert os.read(reading, 1) == b""
        os.close(reading)
        assert server.taken() == []

    run(main)


def open_descriptors() -> int:
    return len(os.listdir("/dev/fd"))


def test_descriptors_go_both_ways_under_load_and_none_is_left(reactor, run, place):
    count, piece = 300, b"x" * 10_000

    class Sending(Taking):
        """Sends a descriptor before each piece, when the transport lets it, and tells those that come by their files."""

        def go(self, files: list[int]) -> None:
            self.files, self.sent, self.seen, self.pauses, self.paused = files, 0, [], 0, False
            self.transport.registerProducer(self, True)
            self.resumeProducing()

        def resumeProducing(self) -> None:
            self.paused = False
            while not self.paused and self.sent < count:
                self.sent += 1
                self.transport.sendFileDescriptor(self.files[self.sent % len(self.files)])
                self.transport.write(piece)
            if self.sent == count:
                self.transport.unregisterProducer()

        def pauseProducing(self) -> None:
            self.paused = True
            self.pauses += 1

        def stopProducing(self) -> None:
            self.paused = True

        def fileDescriptorReceived(self, descriptor: int) -> None:
            self.seen.append(os.fstat(descriptor).st_ino)
            os.close(descriptor)

        def dataReceived(self, data: bytes) -> None:
            self.data += data
            # Each came before the bytes that it rode on.
            assert len(self.seen) >= len(self.data) // len(piece)
            self._note("data")

    async def main():
        port, server, client = await pair(reactor, place, Sending, Sending)
        files = [os.open(os.devnull if number else "/", os.O_RDONLY) for number in range(5)]
        before = open_descriptors()
        server.go(files)
        client.go(files)
        expected = [os.fstat(files[number % 5]).st_ino for number in range(1, count + 1)]
        for one in (server, client):
            await one.got(count * len(piece))
            assert one.seen == expected
            assert one.pauses
        assert open_descriptors() == before
        for number in files:
            os.close(number)
        await end(port, server, client)

    run(main)


@pytest.mark.parametrize("ending", ["loseConnection", "abortConnection"])
def test_descriptors_that_come_with_the_end_are_closed(reactor, run, place, ending):
    class OneIsEnough(Taking):
        def fileDescriptorReceived(self, descriptor: int) -> None:
            super().fileDescriptorReceived(descriptor)
            os.close(descriptor)
            getattr(self.transport, ending)()

    async def main():
        port, server, client = await pair(reactor, place, OneIsEnough)
        before = open_descriptors()
        for _ in range(50):
            client.transport.sendFileDescriptor(0)
            client.transport.write(b"x")
        await server.lost()
        await client.lost()
        assert len(server.taken()) == 1
        await turn(3)
        assert open_descriptors() == before - 2
        await end(port)

    run(main)


@pytest.mark.parametrize("receiver", [Taking, Pausing, Recorder])
def test_descriptors_for_which_there_is_no_room_end_the_connection_that_wants_them(
    reactor, run, place, receiver
):
    async def main():
        factory = Recording(receiver)
        port = reactor.listenUNIX(str(place), factory)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        with socket.socket(AF_UNIX) as peer:
            peer.connect(str(place))
            socket.send_fds(peer, [b"xxx"], [0, 0, 0])
            lowest = os.dup(0)
            os.close(lowest)
            spare = next_free(lowest)  # room for the connection and for one descriptor
            resource.setrlimit(resource.RLIMIT_NOFILE, (spare + 1, limits[1]))
            try:
                server = await factory.next()
                if receiver is Recorder:
                    assert await server.got(3) == b"xxx"
                    server.transport.abortConnection()
                    await server.lost()
                else:
                    await turn(5)
                    server.transport.resumeProducing()  # asyncio does not read before that
                    reason = await server.lost()
                    assert type(reason) is ConnectionLost
                    assert reason.__cause__.errno == errno.EMFILE
                    assert "has used up its own" in str(reason)
                    assert server.data == b""
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            if receiver is not Recorder:
                for number in server.taken():
                    os.close(number)
            await turn(3)
            assert next_free(lowest) == spare
        await end(port)

    run(main)


def next_free(lowest: int) -> int:
    """Return the number that the system will give out after `lowest`."""
    numbers = [os.dup(0), os.dup(0)]
    for number in numbers:
        os.close(number)
    assert numbers[0] == lowest
    return numbers[1]


def test_a_peer_may_have_any_name(reactor, run, place):
    names = [f"{place}\x1b[31m", os.fsencode(f"{place}-") + b"\xff\xfe"]
    if sys.platform == "linux":
        names.append(f"\0{place}")

    async def main():
        factory = Recording()
        port = reactor.listenUNIX(str(place), factory)
        for number, name in enumerate(names):
            with socket.socket(AF_UNIX) as sock:
                sock.bind(name)
                sock.connect(str(place))
                server = await factory.next(number)
                assert server.transport.getPeer() == UNIXAddress(name) == factory.log[number + 1]
                assert repr(server.transport.getPeer()).isprintable()
                await end_one(server)
        await end(port)

    async def end_one(server: Any) -> None:
        server.transport.abortConnection()
        await server.lost()

    run(main)


def test_many_descriptors_on_their_way_pause_a_producer(reactor, run, place):
    async def main():
        port, server, client = await pair(reactor, place, client=Taking)
        producer = Push(server.transport, b"", 1)
        server.transport.registerProducer(producer, True)
        for _ in range(64):
            server.transport.sendFileDescriptor(0)
        assert producer.log == []
        server.transport.sendFileDescriptor(0)
        assert producer.log == ["pause"]
        server.transport.write(b"x" * 65)
        await client.until(lambda: len(client.taken()) == 65)
        for number in client.taken():
            os.close(number)
        await turn(3)
        assert producer.log == ["pause", "resume"]
        await end(port, server, client)
        server.transport.sendFileDescriptor(0)

    run(main)


# --- Locks -----------------------------------------------------------------------------------------------------


def test_a_lock_is_held_by_one_process(place):
    name = str(place) + ".lock"
    lock, other = ProcessLock(name), ProcessLock(os.fsencode(name))
    assert not is_locked(name)
    assert lock.lock()
    assert lock.locked
    assert lock.clean
    assert os.readlink(name) == str(os.getpid())
    assert is_locked(os.fsencode(name))
    assert not other.lock()
    with pytest.raises(ValueError, match="not held"):
        other.unlock()
    lock.unlock()
    assert not lock.locked
    assert not is_locked(name)
    assert other.lock()
    other.unlock()


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_dead_process_holds_no_lock(place):
    name = str(place) + ".lock"
    os.symlink(str(dead_process()), name)
    assert not is_locked(name)
    lock = ProcessLock(name)
    assert lock.lock()
    assert not lock.clean
    lock.unlock()
    os.symlink("not a number", name)
    assert is_locked(name)
    assert not ProcessLock(name).lock()


def test_ports_with_locks(reactor, run, place):
    async def main():
        servers = Recording()
        port = reactor.listenUNIX(str(place), servers, wantPID=True)
        assert is_locked(f"{place}.lock")
        with pytest.raises(CannotListenError, match="Cannot acquire lock"):
            reactor.listenUNIX(str(place), Recording(), wantPID=True)
        clients = Recording()
        reactor.connectUNIX(str(place), clients, checkPID=True)
        server, client = await servers.next(), await clients.next()
        await end(port, server, client)
        assert os.listdir(place.parent) == []

    run(main)


def test_what_a_dead_server_left_is_cleared_away(reactor, run, place):
    async def main():
        with socket.socket(AF_UNIX) as left:
            left.bind(str(place))
        os.symlink(str(dead_process()), f"{place}.lock")
        factory = Recording()
        reactor.connectUNIX(str(place), factory, checkPID=True)
        assert type((await factory.logged(4))[2]) is BadFileError
        port = reactor.listenUNIX(str(place), Recording(), wantPID=True)
        await port.stopListening()

    run(main)


# --- Adopted sockets -------------------------------------------------------------------------------------------


def test_adopting(reactor, run, place):
    async def main():
        servers, clients = Recording(), Recording()
        with socket.socket(AF_UNIX) as sock:
            sock.bind(str(place))
            sock.listen()
            port = reactor.adoptStreamPort(sock.fileno(), AF_UNIX, servers)
        reactor.connectUNIX(str(place), clients)
        first, client = await servers.next(), await clients.next()
        second = Recording()
        transport = reactor.adoptStreamConnection(first.transport.fileno(), AF_UNIX, second)
        first.transport.socket.close()
        adopted = await second.next()
        assert adopted.transport is transport
        client.transport.write(b"hello")
        assert await adopted.got(5) == b"hello"
        await end(port, adopted, client)

    run(main)


# --- Datagrams -------------------------------------------------------------------------------------------------


class Connected(ConnectedDatagramProtocol):
    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.failure: Any = None
        self.got: Deferred[None] = Deferred()

    def datagramReceived(self, data: bytes) -> None:
        self.packets.append(data)
        self.got.callback(None)

    def connectionFailed(self, reason: Any) -> None:
        self.failure = reason.value


def test_datagrams(reactor, run, place):
    async def main():
        here, there = f"{place}1", f"{place}2"
        receiver, connected = Receiver(), Connected()
        port = reactor.listenUNIXDatagram(there, receiver)
        client = reactor.connectUNIXDatagram(there, connected, bindAddress=here)
        assert port.getHost() == client.getPeer() == UNIXAddress(there)
        assert client.getHost() == UNIXAddress(here)
        assert repr(port).endswith(f"Receiver on {there!r}>")
        assert repr(client).endswith(f"Connected on {here!r}>")
        client.write(b"question")
        assert await receiver.got(1) == [(b"question", here)]
        port.write(b"answer", here)
        await connected.got
        assert connected.packets == [b"answer"]
        with pytest.raises(TypeError, match="encode it first"):
            client.write("text")
        with pytest.raises(MessageLengthError):
            client.write(b"x" * 10_000_000)
        with pytest.raises(OSError):
            port.write(b"x", f"{place}3")
        with pytest.raises(CannotListenError) as caught:
            reactor.listenUNIXDatagram(there, Receiver())
        assert caught.value.port == there
        await client.stopListening()
        await port.stopListening()
        assert repr(port).endswith("(not listening)>")
        assert os.listdir(place.parent) == []

    run(main)


def test_datagrams_to_nobody_and_to_a_full_queue(reactor, run, place):
    async def main():
        port = reactor.listenUNIXDatagram(str(place), Receiver())
        live, stale = f"{place}-live", f"{place}-stale"
        with socket.socket(AF_UNIX, socket.SOCK_DGRAM) as gone:
            gone.bind(stale)
        full = socket.socket(AF_UNIX, socket.SOCK_DGRAM)
        full.bind(live)
        with pytest.raises(ConnectionRefusedError):
            port.write(b"x", stale)
        with pytest.raises(FileNotFoundError):
            port.write(b"x", f"{place}-nobody")
        results = []
        while None not in results:
            results.append(port.write(b"x", live))
            assert len(results) < 100_000
        assert set(results) == {1, None}
        full.close()
        await port.stopListening()

    run(main)


def test_a_datagram_peer_that_is_not_there(reactor, run, place):
    async def main():
        connected = Connected()
        client = reactor.connectUNIXDatagram(str(place), connected, bindAddress=f"{place}1")
        assert isinstance(connected.failure, FileNotFoundError)
        assert not client.connected
        assert os.listdir(place.parent) == []

    run(main)
