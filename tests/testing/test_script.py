"""A peer that follows a script."""

from __future__ import annotations

import pytest

from selvage.errors import ConnectionAborted, ConnectionLost
from selvage.protocols.basic import LineReceiver
from selvage.testing import Clock, ScriptedPeer


class Client(LineReceiver):
    """Greets after a greeting, then says goodbye after a pause when it has a clock."""

    reason = None

    def __init__(self, clock=None):
        self.clock = clock
        self.lines = []

    def lineReceived(self, line):
        self.lines.append(line)
        if line.startswith(b"220"):
            self.sendLine(b"HELO")
        elif self.clock is not None:
            self.clock.callLater(5, self.sendLine, b"QUIT")
        else:
            self.sendLine(b"QUIT")

    def connectionLost(self, reason):
        self.reason = reason.type


def conversation():
    return (
        ScriptedPeer()
        .send(b"220 ready\r\n")
        .expect(b"HELO\r\n")
        .send(b"250 pleased\r\n")
        .expect(b"QUIT\r\n")
        .close()
    )


@pytest.mark.parametrize("chunk", [None, 1, 3])
def test_plays_its_part(chunk):
    client, peer = Client(), conversation()
    pair = peer.play(client, chunk=chunk)
    peer.assert_finished()
    assert client.lines == [b"220 ready", b"250 pleased"]
    assert peer.received == b"HELO\r\nQUIT\r\n"
    assert not pair.connected


def test_waits_and_goes_on():
    clock = Clock()
    peer = conversation()
    peer.play(Client(clock))
    assert peer.remaining == ["expect b'QUIT\\r\\n'", "close"]
    with pytest.raises(AssertionError, match="the script stopped at: expect b'QUIT"):
        peer.assert_finished()
    clock.advance(5)
    peer.resume()
    peer.assert_finished()


def test_says_what_arrived_instead():
    with pytest.raises(AssertionError, match=r"expected b'EHLO\\r\\n', but b'HELO\\r\\n' arrived"):
        ScriptedPeer().send(b"220 ready\r\n").expect(b"EHLO\r\n").play(Client())


def test_says_what_is_too_much():
    peer = ScriptedPeer().send(b"220 ready\r\n")
    peer.play(Client())
    with pytest.raises(AssertionError, match="after the end of the script arrived: b'HELO"):
        peer.assert_finished()


def test_endings():
    client, peer = Client(), ScriptedPeer().abort()
    peer.play(client)
    assert (client.reason, peer.reason.type) == (ConnectionLost, ConnectionAborted)

    client, peer = Client(), ScriptedPeer().finish_writing().expect_close()
    peer.play(client)
    peer.assert_finished()

    class Hasty(Client):
        def connectionMade(self):
            self.transport.loseConnection()

    peer = ScriptedPeer().expect_close()
    peer.play(Hasty())
    peer.assert_finished()


def test_has_to_be_connected_first():
    with pytest.raises(AssertionError, match=r"call play\(\) first"):
        ScriptedPeer().resume()
