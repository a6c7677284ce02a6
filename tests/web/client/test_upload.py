"""Large bodies: leave is asked for, and what the server does not want is not sent."""

from __future__ import annotations

import socket
import threading

import pytest

import selvage
from selvage.errors import ConnectionLost
from selvage.failure import Failure
from selvage.tasks import deferLater
from selvage.web.client import Client, DigestAuth, RequestError, RequestTimeout
from selvage.web.client._upload import EXPECT_BYTES
from tests.web.client.by_hand import EMPTY, failure_of, it as it, response

LARGE = b"x" * EXPECT_BYTES
LEAVE = b"HTTP/1.1 100 Continue\r\n\r\n"


def test_leave_is_asked_for_and_given(it):
    results = it("PUT", "http://h/", data=LARGE)
    assert b"\r\nExpect: 100-continue\r\n" in it.sent()
    assert it.sent().endswith(b"\r\n\r\n")
    it.answer(LEAVE)
    assert it.sent() == LARGE
    it.answer(EMPTY)
    assert results[0].status == 200
    assert it.router.connections[0].state == "QUIESCENT"
    assert len(it.clock.getDelayedCalls()) == 1  # for the idle connection


def test_other_news_are_no_leave(it):
    it("PUT", "http://h/", data=LARGE)
    it.answer(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
    assert it.sent() == b""
    it.answer(LEAVE + LEAVE)
    assert it.sent() == LARGE


def test_who_does_not_know_the_word_gets_the_body_after_a_while(it):
    results = it("PUT", "http://h/", data=LARGE)
    it.clock.advance(0.9)
    assert not it.sent().endswith(LARGE)
    it.clock.advance(0.2)
    assert it.sent().endswith(LARGE)
    it.answer(LEAVE + EMPTY)
    assert results[0].status == 200


@pytest.mark.parametrize(
    ("options", "asks"),
    [
        ({"data": LARGE[1:]}, False),
        ({"data": iter([LARGE])}, False),
        ({"data": b"x", "expect_continue": True}, True),
        ({"data": iter([b"x"]), "expect_continue": True}, True),
        ({"data": LARGE, "expect_continue": False}, False),
        ({"files": {"f": LARGE}}, True),
        ({"expect_continue": True}, False),
    ],
)
def test_when_leave_is_asked_for(it, options, asks):
    it("POST", "http://h/", **options)
    assert (b"Expect:" in it.sent()) is asks


def test_what_the_server_does_not_want_is_not_sent(it):
    results = it("PUT", "http://h/", data=LARGE)
    it.answer(response(413, b"too large"))
    assert results[0].status == 413
    assert results[0].content == b"too large"
    assert it.sent() == b""
    assert it.router.connections[0].transport.disconnected
    it.router.connections[0].connectionLost(Failure(ConnectionLost()))
    assert it.clock.getDelayedCalls() == []


def test_who_answers_at_once_may_want_the_body_all_the_same(it):
    """A server that echoes."""
    results = it("PUT", "http://h/", data=LARGE)
    it.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    assert it.sent() == LARGE
    it.answer(b"ok")
    assert results[0].content == b"ok"


def test_a_body_that_was_not_begun_can_go_elsewhere(it):
    """Though it can be read only once."""
    results = it("PUT", "http://h/", data=iter([b"once"]), expect_continue=True)
    it.answer(response(307, Location="http://h/there"))
    assert it.sent().startswith(b"PUT /there ")
    it.answer(LEAVE)
    assert it.sent() == b"4\r\nonce\r\n0\r\n\r\n"
    it.answer(EMPTY)
    assert results[0].status == 200


def test_credentials_come_before_the_body(it):
    results = it("PUT", "http://h/", data=iter([b"once"]), expect_continue=True, auth=DigestAuth("u", "p"))
    it.answer(response(401, WWW_Authenticate='Digest realm="r", nonce="n"'))
    assert b"Authorization: Digest " in it.sent()
    it.answer(LEAVE + EMPTY)
    assert results[0].status == 200


def test_who_refuses_to_be_asked_is_not_asked(it):
    results = it("PUT", "http://h/", data=LARGE)
    it.answer(response(417))
    assert b"Expect:" not in it.sent()
    assert it.sent().endswith(LARGE)
    it.answer(response(417))
    assert results[0].status == 417


def test_a_417_that_has_nothing_to_do_with_it_is_an_answer(it):
    results = it("POST", "http://h/", data=b"x")
    it.answer(response(417))
    assert results[0].status == 417
    assert len(it.router.connections) == 1


def test_deadlines_and_cancelling_end_the_waiting(it):
    results = it("PUT", "http://h/", data=LARGE, timeout=0.5)
    it.clock.advance(0.6)
    assert failure_of(results, RequestTimeout).stage == "request"
    it.router.connections[0].connectionLost(Failure(ConnectionLost()))
    assert it.clock.getDelayedCalls() == []


def test_a_connection_that_is_lost_while_leave_is_awaited(it):
    results = it("POST", "http://h/", data=LARGE)
    it.router.connections[0].connectionLost(Failure(ConnectionLost()))
    assert failure_of(results, RequestError).stage == "request"
    assert it.clock.getDelayedCalls() == []


@pytest.mark.parametrize("expects", [True, False])
def test_a_connection_whose_server_reads_no_more_is_given_back(expects):
    """Over real sockets: the answer came early, and what is left of the body keeps nothing open."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepted = []

        def serve():
            peer, _ = listening.accept()
            accepted.append(peer)
            peer.recv(1000)
            peer.sendall(response(413, b"too large"))

        thread = threading.Thread(target=serve)
        thread.start()

        async def main():
            async with Client(proxy=False) as client:
                url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
                large = bytes(64 * 1024 * 1024)  # more than any buffer of the system takes
                answer = await client.put(url, data=large, expect_continue=expects)
                assert (answer.status, answer.content) == (413, b"too large")
                while client._connections._all:
                    await deferLater(selvage.get_reactor(), 0)

        selvage.run(main)
        thread.join()
        accepted[0].close()
