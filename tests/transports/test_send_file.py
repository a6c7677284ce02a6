"""Parts of files that the system copies to a socket, in their place between what is written."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

import selvage
from selvage.defer import Deferred
from selvage.protocols import Factory, Protocol
from selvage.reactor import get_reactor
from tests.interop.driving import LOOPS

CONTENT = os.urandom(5 << 20)

pytestmark = pytest.mark.skipif(not hasattr(os, "sendfile"), reason="the system has no sendfile")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


class Sends(Protocol):
    """Sends something before the file, the file, and something after it."""

    def __init__(self, path: Path, offset: int, count: int) -> None:
        self.args = path, offset, count
        self.sent: Deferred[int] = Deferred()
        self.lost: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        path, offset, count = self.args
        self.file = path.open("rb")
        self.transport.write(b"<" * 100_000)
        self.send = self.transport.send_file(self.file, offset, count, self.done)
        self.transport.write(b"before|")

    def done(self, sent: int) -> None:
        self.file.close()
        self.transport.write(b"|after")
        self.transport.loseConnection()
        self.sent.callback(sent)

    def connectionLost(self, reason: object) -> None:
        self.file.close()
        self.lost.callback(None)


@pytest.fixture(params=LOOPS)
def run(request):
    return lambda main: selvage.run(main, loop_factory=LOOPS[request.param])


async def serve(protocol: Protocol):
    return get_reactor().listenTCP(0, Factory.forProtocol(lambda: protocol), interface="127.0.0.1")


async def fetch(path: Path, offset: int, count: int) -> tuple[bytes, int]:
    """Return all that comes, and how much of the file was sent."""
    protocol = Sends(path, offset, count)
    port = await serve(protocol)
    reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
    received = await reader.read()
    writer.close()
    await port.stopListening()
    return received, await protocol.sent


@pytest.mark.parametrize(("offset", "count"), [(0, len(CONTENT)), (1000, 3 << 20), (len(CONTENT) - 1, 1)])
def test_a_part_of_a_file_goes_between_what_is_written(run, path, offset, count):
    received, sent = run(lambda: fetch(path, offset, count))
    assert sent == count
    assert received == b"<" * 100_000 + b"before|" + CONTENT[offset : offset + count] + b"|after"


def test_a_file_that_has_less_says_so(run, path):
    received, sent = run(lambda: fetch(path, len(CONTENT) - 10, 100))
    assert sent == 10 and received.endswith(CONTENT[-10:] + b"|after")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="the system does not list descriptors")
def test_a_peer_that_goes_away_ends_it_and_leaves_no_descriptor(run, path):
    async def once() -> int:
        protocol = Sends(path, 0, len(CONTENT))
        port = await serve(protocol)
        peer = socket.create_connection(("127.0.0.1", port.getHost().port))
        peer.setblocking(False)
        await asyncio.get_running_loop().sock_recv(peer, 1000)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        await protocol.lost
        protocol.send.stop()
        await port.stopListening()
        return len(os.listdir("/proc/self/fd"))

    async def main():
        # The loop itself opens some the first time.
        return await once(), await once(), await once()

    _, second, third = run(main)
    assert second == third


def test_it_can_be_stopped(run, path):
    async def main():
        protocol = Sends(path, 0, len(CONTENT))
        port = await serve(protocol)
        reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
        await reader.readexactly(100_000)
        protocol.send.stop()
        protocol.transport.loseConnection()
        rest = await reader.read()
        writer.close()
        await port.stopListening()
        return protocol.sent.called, len(rest)

    called, size = run(main)
    assert not called and size < len(CONTENT)
