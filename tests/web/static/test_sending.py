"""Large files over sockets: the system copies them, and nothing else changes."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

import selvage
from selvage.reactor import get_reactor
from selvage.web.server import Site
from selvage.web.static import File
from selvage.web.static._sending import _Sending, send_quickly
from tests.interop.driving import LOOPS
from tests.web.serving import body, head, status

CONTENT = os.urandom(3 << 20)

pytestmark = pytest.mark.skipif(not hasattr(os, "sendfile"), reason="the system has no sendfile")


class Unread(File):
    """Serves files that nobody reads."""

    opened: list[object] = []

    def makeProducer(self, request, fileForReading):
        def start() -> None:
            raise AssertionError("the file is read")

        self.opened.append(fileForReading)
        producer = super().makeProducer(request, fileForReading)
        producer.start = start
        return producer


@pytest.fixture(params=LOOPS)
def ask(request, tmp_path: Path):
    """Send some bytes to a site of files, and return all that comes until the connection ends."""
    (tmp_path / "large").write_bytes(CONTENT)

    def ask(data: bytes, resource=Unread, **options) -> bytes:
        async def main() -> bytes:
            Unread.opened = []
            port = get_reactor().listenTCP(0, Site(resource(str(tmp_path), **options)), interface="127.0.0.1")
            reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
            writer.write(data)
            answer = await reader.read()
            writer.close()
            await port.stopListening()
            return answer

        return selvage.run(main, loop_factory=LOOPS[request.param])

    return ask


LAST = b"\r\nConnection: close\r\n\r\n"


def test_a_large_file_is_sent_without_being_read(ask):
    answer = ask(b"GET /large HTTP/1.1\r\nHost: h" + LAST)
    assert status(answer) == 200 and body(answer) == CONTENT
    assert [file.closed for file in Unread.opened] == [True]


def test_a_part_of_it_and_what_comes_after_are_in_their_places(ask):
    answer = ask(
        b"GET /large HTTP/1.1\r\nHost: h\r\nRange: bytes=1000-2999999\r\n\r\n"
        b"GET /large HTTP/1.1\r\nHost: h\r\n\r\nHEAD /large HTTP/1.1\r\nHost: h" + LAST
    )
    part, _, rest = answer.partition(b"\r\n\r\n")
    assert status(part + b" ") == 206 and rest[:2999000] == CONTENT[1000:3000000]
    second = rest[2999000:]
    assert status(second) == 200 and body(second)[: len(CONTENT)] == CONTENT
    third = body(second)[len(CONTENT) :]
    assert (
        status(third) == 200 and head(third)[b"content-length"] == b"%d" % len(CONTENT) and body(third) == b""
    )


def test_a_file_that_has_less_than_promised_breaks_off(ask, tmp_path):
    class Shrinking(Unread):
        def getFileSize(self):
            return super().getFileSize() + 10

    answer = ask(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\nGET /large HTTP/1.1\r\nHost: h" + LAST, Shrinking)
    assert head(answer)[b"content-length"] == b"%d" % (len(CONTENT) + 10) and body(answer) == CONTENT


class Opened(File):
    """Serves what a program opens in its own way."""

    def openForReading(self):
        raise NotImplementedError

    def getFileSize(self):
        return len(CONTENT)


class InMemory(Opened):
    def openForReading(self):
        return io.BytesIO(CONTENT)


class Unzipped(Opened):
    def openForReading(self):
        zipped = Path(self.path).with_suffix(".gz")
        zipped.write_bytes(gzip.compress(CONTENT, 1))
        return gzip.open(zipped)


class Further(File):
    """Serves files without their first ten bytes."""

    def openForReading(self):
        file = super().openForReading()
        file.seek(10)
        return file

    def getFileSize(self):
        return super().getFileSize() - 10


@pytest.mark.parametrize("resource", [InMemory, Unzipped])
def test_what_is_no_file_of_the_system_is_read_though_it_may_have_a_descriptor(ask, resource):
    assert body(ask(b"GET /large HTTP/1.1\r\nHost: h" + LAST, resource)) == CONTENT


def test_a_file_is_sent_from_where_it_is(ask):
    assert body(ask(b"GET /large HTTP/1.1\r\nHost: h" + LAST, Further)) == CONTENT[10:]


def test_a_request_that_writes_otherwise_is_written_to():
    written = SimpleNamespace(_may_answer_quickly=lambda: False)
    assert not send_quickly(written, None, 0, 1) and not send_quickly(object(), None, 0, 1)
    tls = SimpleNamespace(send_file=lambda *args: None)
    request = SimpleNamespace(
        _may_answer_quickly=lambda: True, channel=SimpleNamespace(transport=tls, limits=None)
    )
    with open(__file__, "rb") as file:
        assert not send_quickly(request, file, 0, 1)


class Stalling:
    """A request, its channel, its connection and a clock, in one."""

    def __init__(self) -> None:
        self.channel = self
        self.limits = SimpleNamespace(stall_s=60)
        self.calls: list[object] = []
        self.events: list[str] = []
        self.sent = 0
        self.sentLength = 0

    def callLater(self, seconds, call):
        assert seconds == 60
        self.calls.append(call)
        return SimpleNamespace(cancel=lambda: self.events.append("cancelled"))

    def __getattr__(self, name):
        return lambda *args: self.events.append(name)


def test_attack_044_a_client_that_takes_nothing_is_cut_off(tmp_path):
    request = Stalling()
    with open(__file__, "rb") as file:
        sending = _Sending(request, file, 100)
        sending.begin(request)
        request.sent = 10
        request.calls.pop()()
        assert "_stalled" not in request.events
        request.calls.pop()()
        assert request.events[-1] == "_stalled"


def test_attack_044_progress_is_watched_until_the_end(tmp_path):
    request = Stalling()
    with open(__file__, "rb") as file:
        sending = _Sending(request, file, 100)
        sending.begin(request)
        sending.pauseProducing()
        sending.resumeProducing()
        sending.done(100)
        assert (
            request.events[-3:] == ["cancelled", "unregisterProducer", "finish"] and request.sentLength == 100
        )
        assert file.closed
    request = Stalling()
    with open(__file__, "rb") as file:
        sending = _Sending(request, file, 100)
        sending.begin(request)
        sending.stopProducing()
        assert request.events[-2:] == ["stop", "cancelled"] and file.closed
