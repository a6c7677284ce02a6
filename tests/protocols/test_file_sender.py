"""Sending files."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from zope.interface.verify import verifyObject

from selvage.interfaces import IPullProducer
from selvage.protocols.basic import FileSender
from selvage.testing import StringTransport


def begin(
    content: bytes, transform: Any = None, chunk: int = 4
) -> tuple[FileSender, StringTransport, list[Any]]:
    sender = FileSender()
    sender.CHUNK_SIZE = chunk
    transport = StringTransport()
    results: list[Any] = []
    sender.beginFileTransfer(BytesIO(content), transport, transform).addBoth(results.append)
    return sender, transport, results


def test_keeps_the_contract() -> None:
    assert verifyObject(IPullProducer, FileSender())


def test_sends_a_piece_each_time() -> None:
    sender, transport, results = begin(b"abcdef")
    assert (transport.producer, transport.streaming) == (sender, False)
    sender.resumeProducing()
    sender.pauseProducing()
    assert transport.value() == b"abcd"
    sender.resumeProducing()
    assert (transport.value(), results) == (b"abcdef", [])
    sender.resumeProducing()
    assert (results, transport.producer) == ([b"f"], None)


def test_empty_file() -> None:
    sender, transport, results = begin(b"")
    sender.resumeProducing()
    assert (results, transport.value()) == ([""], b"")


def test_transform_may_swallow_a_piece() -> None:
    sender, transport, results = begin(b"abcdefgh", lambda piece: b"" if piece == b"abcd" else piece.upper())
    sender.resumeProducing()
    assert transport.value() == b"EFGH"
    sender.resumeProducing()
    assert results == [b"H"]


def test_error_fails_the_transfer() -> None:
    sender, transport, results = begin(b"abcd", lambda piece: 1 / 0)
    sender.resumeProducing()
    assert results[0].check(ZeroDivisionError)
    assert transport.producer is None


def test_consumer_that_wants_no_more() -> None:
    sender, transport, results = begin(b"abcd")
    sender.stopProducing()
    sender.stopProducing()
    assert str(results[0].value) == "Consumer asked us to stop producing"
    sender.resumeProducing()
    sender.resumeProducing()
    assert len(results) == 1
